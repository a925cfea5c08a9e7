"""Write a result: tables, and a summary that begins with the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.convergence import grid_points
from nucleops.analysis.fes.request import Request
from nucleops.analysis.fes.result import BasinRow, Result
from nucleops.analysis.grid import FloatArray, Grid
from nucleops.analysis.paths.write import path_account, path_words, write_path
from nucleops.analysis.stages.files import SUMMARY, write_json
from nucleops.analysis.tables import write_table

MOST_BASINS = 6
"""Basins that the summary names."""
METHODS = {
    "bias-force": "visit-averaged bias force",
    "ct": "V(s, t) - c(t)",
    "final": "the bias as it was in the end",
    "bias": "the bias each row felt",
}


def write_result(result: Result, request: Request, folder: Path) -> str:
    """Write tables and summary into a folder; returns the summary's text."""
    folder.mkdir(parents=True, exist_ok=True)
    unit = request.criteria.unit.replace("/", "_")
    _surface_table(result, unit, folder)
    _hills_tables(result, unit, folder)
    _basin_table(result, unit, folder)
    if result.in_time is not None:
        t = result.in_time
        blank = np.full(len(t.times), np.nan)
        write_table(
            folder,
            "difference_in_time",
            {
                "time": t.times,
                f"difference_{unit}": blank if t.reweighted is None else t.reweighted,
                f"error_{unit}": blank if t.error is None else t.error,
                f"difference_from_hills_{unit}": blank if t.from_hills is None else t.from_hills,
            },
        )
    if result.reweighted is not None:
        scan = np.array(result.reweighted.scan, dtype=np.float64).reshape(-1, 3)
        columns = {"block_rows": scan[:, 0], "n_blocks": scan[:, 1], f"error_{unit}": scan[:, 2]}
        write_table(folder, "blocks", columns)
    if result.path is not None:
        write_path(result.path, unit, folder)
    text = summary(result, request)
    (folder / "summary.txt").write_text(text + "\n", encoding="utf-8")
    write_json(folder / SUMMARY, _account(result, request))
    return text


def _points(names: tuple[str, ...], grid: Grid) -> dict[str, FloatArray]:
    return dict(zip(names, grid_points(grid).T, strict=True))


def _surface_table(result: Result, unit: str, folder: Path) -> None:
    columns: dict[str, Any] = _points(result.targets, result.grid)
    if result.reweighted is not None:
        columns[f"free_energy_{unit}"] = result.reweighted.surface.ravel()
        columns[f"error_{unit}"] = result.reweighted.error.ravel()
        columns["visited"] = result.reweighted.visited.ravel().astype(int)
    if result.hills_surface is not None:
        columns[f"free_energy_from_hills_{unit}"] = result.hills_surface.ravel()
    columns["basin"] = np.array([*result.basins.names, ""])[result.basins.labels.ravel()]
    write_table(folder, "fes", columns)


def _hills_tables(result: Result, unit: str, folder: Path) -> None:
    hills = result.hills
    if hills is None:
        return
    write_table(folder, "hills", {"time": hills.height_times, f"height_{unit}": hills.heights})
    n = int(np.prod(hills.grid.shape))
    columns: dict[str, Any] = {
        "time": np.repeat(hills.times, n),
        "n_hills": np.repeat(hills.counts.astype(np.int64), n),
    }
    for name, values in _points(hills.scan.cvs, hills.grid).items():
        columns[name] = np.tile(values, len(hills.times))
    columns[f"free_energy_{unit}"] = hills.surfaces.ravel()
    write_table(folder, "fes_in_time", columns)


def _basin_table(result: Result, unit: str, folder: Path) -> None:
    rows = result.rows
    columns: dict[str, Any] = {"basin": np.array([row.name for row in rows], dtype=str)}
    for d, name in enumerate(result.targets):
        columns[name] = np.array([row.minimum[d] for row in rows])
    for field in ("depth", "population", "barrier"):
        columns[f"{field}_{unit}"] = np.array([getattr(row, field) for row in rows])
        columns[f"{field}_error_{unit}"] = np.array(
            [getattr(row, f"{field}_error") for row in rows]
        )
    for k, end in enumerate(("low", "high")):
        columns[f"population_{end}_{unit}"] = np.array([row.interval[k] for row in rows])
    columns["rows"] = np.array([row.rows for row in rows], dtype=np.int64)
    columns["round_trips"] = np.array([row.trips for row in rows], dtype=np.int64)
    write_table(folder, "basins", columns)


def summary(result: Result, request: Request) -> str:
    """Return the summary in words, the verdict first."""
    unit = request.criteria.unit
    lines = [result.verdict.sentence]
    lines += [f"  missing: {text}" for text in result.verdict.missing]
    lines += [f"  met: {text}" for text in result.verdict.met]
    lines.append("")
    if result.hills is not None:
        scan = result.hills.scan
        tempered = f"bias factor {scan.bias_factor:g}" if scan.bias_factor > 1 else "not tempered"
        lines.append(
            f"Hills: {scan.count} along {', '.join(scan.cvs)} ({scan.kernel}, {tempered}), time "
            f"{scan.first_time:g} to {scan.last_time:g}."
        )
    made = result.reweighted
    if made is not None:
        smooth = (
            "histogram"
            if not np.any(made.bandwidths)
            else "kernel widths " + ", ".join(f"{w:.3g}" for w in made.bandwidths)
        )
        lines.append(
            f"Reweighted: {made.n_rows} rows by {METHODS[made.method]}, worth "
            f"{made.effective_rows:.0f} equal ones; {smooth}."
        )
        lines.append(
            f"Errors: bootstrap over {made.n_blocks} "
            + ("walkers." if request.by_walker else f"blocks of {made.block} rows")
            + ("" if request.by_walker else "." if made.level else ": a lower bound.")
        )
    lines += ["", *(_basin_line(row, result, unit) for row in result.rows[:MOST_BASINS])]
    if len(result.rows) > MOST_BASINS:
        lines.append(f"{len(result.rows) - MOST_BASINS} more basins are in basins.csv.")
    if request.path is not None:
        lines += ["", *path_words(result.path, request.path, unit)]
    return "\n".join(lines).rstrip()


def _basin_line(row: BasinRow, result: Result, unit: str) -> str:
    first = result.rows[0].name
    at = ", ".join(f"{n} = {v:.4g}" for n, v in zip(result.targets, row.minimum, strict=True))
    text = f"Basin {row.name}: lowest at {at}, {_with_error(row.depth, row.depth_error, unit)}"
    if row.name == first:
        return text
    text += f"; F({row.name}) - F({first}) {_difference(row, unit)}"
    if np.isfinite(row.barrier):
        text += f"; pass from {first} {_with_error(row.barrier, row.barrier_error, unit)}"
    return text


def _difference(row: BasinRow, unit: str) -> str:
    """Say a difference with its interval; without any error where none can be stated."""
    if not np.isfinite(row.population):
        return "is not known"
    if row.unknown:
        return f"is about {row.population:.1f} {unit}, not converged: {row.unknown}"
    low, high = row.interval
    return f"= {row.population:.2f} {unit} (95 %: {low:.2f} to {high:.2f})"


def _with_error(value: float, error: float, unit: str) -> str:
    if not np.isfinite(value):
        return "not known"
    if not np.isfinite(error):
        return f"{value:.2f} {unit}"
    return f"{value:.2f} ± {error:.2f} {unit}"


def _account(result: Result, request: Request) -> dict[str, Any]:
    verdict, made, hills = result.verdict, result.reweighted, result.hills
    account: dict[str, Any] = {
        "verdict": {
            "converged": verdict.converged,
            "sentence": verdict.sentence,
            "met": verdict.met,
            "missing": verdict.missing,
        },
        "energy_unit": request.criteria.unit,
        "kT": request.kT,
        "cvs": result.targets,
        "basins": [vars(row) for row in result.rows],
        "length": result.length,
    }
    if hills is not None:
        account["hills"] = {
            "count": hills.scan.count,
            "cvs": hills.scan.cvs,
            "kernel": hills.scan.kernel,
            "bias_factor": hills.scan.bias_factor,
            "height_ratio": hills.height_ratio,
        }
    if made is not None:
        account["reweighted"] = {
            "method": made.method,
            "bandwidths": made.bandwidths,
            "block_rows": made.block,
            "n_blocks": made.n_blocks,
            "block_is_level": made.level,
            "rows": made.n_rows,
            "effective_rows": made.effective_rows,
        }
    if result.path is not None:
        account["path"] = path_account(result.path)
    if result.in_time is not None:
        account["round_trips"] = result.rows[1].trips
    return account
