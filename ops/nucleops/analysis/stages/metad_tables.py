"""What the `metad/` folder says of a free energy: tables, arrays, and an account in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.fes.result import BasinRow, Result
from nucleops.analysis.grid import FloatArray, Grid
from nucleops.analysis.metadynamics import been, profile_of
from nucleops.analysis.settings import State
from nucleops.analysis.stages.files import write_csv
from nucleops.analysis.walkers import Walker


def surface_files(out: Path, result: Result, walkers: Sequence[Walker], kT: float) -> None:
    """Write surfaces, profile, difference in time and errors against block sizes into a folder.

    Parameters
    ----------
    out : Path
        The folder.
    result : Result
        Of :func:`nucleops.analysis.metadynamics.analyse`.
    walkers : sequence of Walker
        What it was made of.
    kT : float
        Thermal energy in kcal/mol.
    """
    names, made = result.targets, result.reweighted
    assert made is not None
    line = profile_of(result, kT)
    profile: dict[str, Any] = {
        names[0]: line.x,
        "free_energy_kcal_mol": line.surface,
        "error_kcal_mol": line.error,
    }
    arrays: dict[str, Any] = {
        "reweighted_kcal_mol": made.surface,
        "reweighted_error_kcal_mol": made.error,
    }
    error = {"error_kcal_mol": made.error.ravel()}
    planes = {"fes_2d_reweighted.csv": (result.grid, made.surface, error)}
    grid = result.grid
    if result.hills is not None:
        grid, mask = result.hills.grid, been(result, walkers)
        profile["free_energy_from_hills_kcal_mol"] = line.from_hills
        arrays |= {"from_hills_kcal_mol": result.hills.surface, "been": mask}
        visited = {"visited": mask.astype(np.float64).ravel()}
        planes["fes_2d.csv"] = (grid, result.hills.surface, visited)
    write_csv(out / "fes_1d.csv", profile)
    _difference_table(out, result)
    scan = np.array(made.scan, dtype=np.float64).reshape(-1, 3)
    columns = {"block_rows": scan[:, 0], "n_blocks": scan[:, 1], "error_kcal_mol": scan[:, 2]}
    write_csv(out / "blocks.csv", columns)
    for d, name in enumerate(names):
        arrays[f"axis_{d}"], arrays[f"reweighted_axis_{d}"] = grid.axes[d], result.grid.axes[d]
        arrays[f"name_{d}"] = np.array(name)
    np.savez_compressed(out / "fes.npz", **arrays)
    for file, (own, values, extra) in planes.items() if len(names) == 2 else ():
        _plane(out / file, names, own, values, extra)


def _plane(
    path: Path, names: Sequence[str], grid: Grid, values: FloatArray, extra: dict[str, FloatArray]
) -> None:
    a, b = np.meshgrid(*grid.axes, indexing="ij")
    table = {names[0]: a.ravel(), names[1]: b.ravel()}
    write_csv(path, table | {"free_energy_kcal_mol": values.ravel()} | extra)


def _difference_table(out: Path, result: Result) -> None:
    t = result.in_time
    assert t is not None
    difference: dict[str, Any] = {
        "time_ps": t.times,
        "difference_kcal_mol": t.reweighted,
        "error_kcal_mol": t.error,
    }
    if t.from_hills is not None:
        difference["difference_from_hills_kcal_mol"] = t.from_hills
    write_csv(out / "convergence.csv", difference)


def account(result: Result, states: Sequence[State]) -> dict[str, Any]:
    """Return what a summary says of a free energy: the difference, the states, the verdict.

    Parameters
    ----------
    result : Result
        Of :func:`nucleops.analysis.metadynamics.analyse`.
    states : sequence of State
        In the order of its basins.
    """
    made, verdict, last, t = result.reweighted, result.verdict, result.rows[1], result.in_time
    assert made is not None
    hills = None if t is None or t.from_hills is None else t.from_hills[-1]
    return {
        "surface": {
            "difference_kcal_mol": last.population,
            "difference_error_kcal_mol": last.population_error,
            "difference_95_kcal_mol": None if last.unknown else list(last.interval),
            "not_stated_because": last.unknown,
            "difference_from_hills_kcal_mol": hills,
            "from": states[0].name,
            "to": states[1].name,
            "round_trips": last.trips,
            "block_rows": made.block,
            "n_blocks": made.n_blocks,
            "error_is_level": made.level,
        },
        "states": [
            _state(state, row, result.targets)
            for state, row in zip(states, result.rows, strict=True)
        ],
        "verdict": {
            "converged": verdict.converged,
            "sentence": verdict.sentence,
            "met": verdict.met,
            "missing": verdict.missing,
        },
    }


def _state(state: State, row: BasinRow, names: Sequence[str]) -> dict[str, Any]:
    known = bool(np.all(np.isfinite(row.minimum)))
    return {
        "name": state.name,
        "ranges": {k: list(r) for k, r in state.ranges.items()},
        "minimum": dict(zip(names, row.minimum.tolist(), strict=True)) if known else None,
        "free_energy_kcal_mol": row.population,
        "interval_95_kcal_mol": None if row.unknown else list(row.interval),
        "barrier_kcal_mol": row.barrier,
        "barrier_error_kcal_mol": row.barrier_error,
        "round_trips": row.trips,
    }
