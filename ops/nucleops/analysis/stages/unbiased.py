"""The `unbiased/` result folder: densities of distances and angles of the finished cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.density import Density
from nucleops.analysis.settings import StructureSettings
from nucleops.analysis.stages.files import SUMMARY, link_tree, write_csv, write_json, write_last
from nucleops.analysis.structure import densities, structure_series
from nucleops.analysis.trust import read_run

FEWEST_FRAMES = 10
"""Frames below which no density is estimated: it would show one structure, not a distribution."""


def unbiased_folder(md: Path, settings: StructureSettings, out: Path, name: str = "") -> Path:
    """Analyse an unbiased run and write the `unbiased/` folder.

    Parameters
    ----------
    md : Path
        MD result folder.
    settings : StructureSettings
        How.
    out : Path
        Folder to make: ``md/``, ``distances.csv``, ``angles.csv`` (kind, x, density, error),
        ``series.csv`` (mean of each kind in each frame), ``summary.json``.
    name : str
        Name of the run in the study.

    Returns
    -------
    Path
        `out`.
    """
    out.mkdir(parents=True)
    link_tree(md, out / "md")
    run = read_run(out / "md")
    write_last(run, out / "md")
    keep = run.times_ps >= min(settings.discard_ps, run.times_ps[-1])
    series = structure_series(
        run.system.symbols, run.positions, run.cells, run.system.periodic, settings.bonds
    )
    enough = int(keep.sum()) >= FEWEST_FRAMES
    kept = {k: v[keep] for k, v in series.items()} if enough else {}
    made = densities(kept, settings.n_blocks)
    for file, unit, dashes in (("distances.csv", "A", 1), ("angles.csv", "degree", 2)):
        own = {k: d for k, d in made.items() if k.count("-") == dashes}
        write_csv(out / file, _table(own, unit))
    means = {f"{k}_{_unit(k)}": v.mean(axis=1) for k, v in series.items()}
    write_csv(out / "series.csv", {"time_ps": run.times_ps} | means)
    row = run.trusted.row("md")
    write_json(
        out / SUMMARY,
        {
            "name": name,
            "runs": [row],
            "bonds": settings.bonds.model_dump(),
            "n_frames": int(keep.sum()),
            "kinds": {k: _account(k, d, series[k].shape[1]) for k, d in made.items()},
            "verdict": _verdict(run.trusted.trusted_ps, int(keep.sum()), settings, bool(series)),
        },
    )
    return out


def _unit(kind: str) -> str:
    return "A" if kind.count("-") == 1 else "degree"


def _table(kinds: Mapping[str, Density], unit: str) -> dict[str, Any]:
    names = [np.full(len(d.x), k, dtype=object) for k, d in kinds.items()]
    empty = np.zeros(0)
    return {
        "kind": np.concatenate([*names, np.zeros(0, dtype=object)]),
        f"x_{unit}": np.concatenate([*(d.x for d in kinds.values()), empty]),
        f"density_per_{unit}": np.concatenate([*(d.density for d in kinds.values()), empty]),
        f"error_per_{unit}": np.concatenate([*(d.error for d in kinds.values()), empty]),
    }


def _account(kind: str, d: Density, n_bonds: int) -> dict[str, Any]:
    return {
        "unit": _unit(kind),
        "n_bonded": n_bonds,
        "bandwidth": d.bandwidth,
        "maxima": [
            {"position": m.position, "error": m.error, "density": m.density} for m in d.maxima
        ],
    }


def _verdict(
    trusted_ps: float, n_frames: int, settings: StructureSettings, found: bool
) -> dict[str, Any]:
    if not found:
        sentence = "No bonded pair was found in the first structure: is there a cluster in it?"
        return {"enough": False, "sentence": sentence}
    if n_frames < FEWEST_FRAMES:
        sentence = (
            f"Too short for a density: the potential was trusted for {trusted_ps:.3g} ps "
            f"({n_frames} frame{'s' * (n_frames != 1)}); {settings.enough_ps:g} ps or more are "
            "wanted."
        )
        return {"enough": False, "sentence": sentence}
    if trusted_ps < settings.enough_ps:
        return {
            "enough": False,
            "sentence": f"A first impression only: {trusted_ps:.3g} ps are trusted, "
            f"{settings.enough_ps:g} ps or more are wanted for densities.",
        }
    return {"enough": True, "sentence": f"Densities from {trusted_ps:.4g} trusted ps."}
