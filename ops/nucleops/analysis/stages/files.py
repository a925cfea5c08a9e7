"""Writing stage result folders: JSON, CSV, linked copies, structures."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.geometry import make_whole, minimum_image
from nucleops.analysis.trust import Run
from nucleops.systems.system import METALS, System

SUMMARY = "summary.json"
LAST = "last-trusted.extxyz"
"""Structure of the last trusted frame, written beside an MD run."""


def plain(value: Any) -> Any:
    """Turn numpy values into plain ones, and what is not finite into None, at any depth."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(path: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write JSON that any reader takes: no NaN, no infinity."""
    text = json.dumps(plain(value), indent=1, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_csv(path: Path, columns: Mapping[str, Any]) -> None:
    """Write columns of one length; names carry the unit. What is not finite is left empty."""
    names = list(columns)
    series = [np.asarray(columns[n]).tolist() for n in names]
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(names)
        for row in zip(*series, strict=True):
            writer.writerow([_cell(v) for v in row])


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.10g}" if math.isfinite(value) else ""
    return value


def read_csv(path: Path) -> dict[str, list[str]]:
    """Read a CSV file as text columns."""
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))
    if not rows:
        return {}
    return {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}


def numbers(column: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Turn a text column into floats, empty cells into nan."""
    return np.array([float(v) if v != "" else np.nan for v in column], dtype=np.float64)


def link_file(source: str | Path, target: str | Path) -> str:
    """Copy a file by a hard link where the file system allows it (trajectories are large)."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copy2(source, target)
    return str(target)


def link_tree(source: Path, target: Path) -> None:
    """Copy a folder by hard links, see :func:`link_file`."""
    # Symbolic links are followed: dflow's local inputs are links into another step's folder.
    shutil.copytree(source, target, copy_function=link_file)


def whole_system(system: System) -> System:
    """Return a system for looking at: molecules whole, each near the middle of the metal atoms.

    Coordinates wrapped into a periodic cell draw molecules torn in two; every molecule is made
    whole, all metal atoms are gathered, and the cell is centred on them.
    """
    if not system.periodic:
        return system
    x = np.array(system.positions, dtype=np.float64)
    metals = [i for i, s in enumerate(system.symbols) if s in METALS]
    if not metals:
        return system
    gathered = make_whole(x[metals], system.cell, True)
    centre = gathered.mean(axis=0)
    x = centre + minimum_image(x - centre, system.cell, True)
    compact = np.all(np.ptp(gathered, axis=0) < 0.6 * system.cell)
    if compact:
        x[metals] = gathered
    for molecule in system.molecules:
        own = list(molecule.indices)
        whole = make_whole(x[own], system.cell, True)
        own_metals = [k for k, i in enumerate(own) if i in set(metals)]
        anchor = whole[own_metals].mean(axis=0) if own_metals else whole.mean(axis=0)
        wanted = x[[own[k] for k in own_metals]].mean(axis=0) if own_metals and compact else None
        goal = (
            wanted
            if wanted is not None
            else centre + minimum_image(anchor - centre, system.cell, True)
        )
        x[own] = whole + (goal - anchor)
    return system.with_positions(x - centre + np.asarray(system.cell) / 2)


def write_last(run: Run, folder: Path) -> None:
    """Write the last trusted frame of a run beside it, as :data:`LAST`."""
    write_last_frame(run.last(), float(run.times_ps[-1]), run.trusted.temperature_K, folder)


def write_last_frame(last: System, time_ps: float, temperature_K: float, folder: Path) -> None:
    """Write a run's last trusted frame, as :data:`LAST`, with when and how hot it was."""
    from nucleops.systems.files import write_extxyz

    write_extxyz(
        whole_system(last),
        folder / LAST,
        provenance=f"last trusted frame, {time_ps:g} ps, {temperature_K:g} K",
    )
