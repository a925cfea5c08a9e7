"""Readers of what LAMMPS and DeePMD-kit write during dynamics.

A run can be stopped or die at any moment, so every reader takes a last frame or row that is cut
off as not written.
"""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleops.engines.lammps.inputs import DYNAMICS_MARK
from nucleops.errors import TruncatedOutput
from nucleops.systems.lammps_dump import DumpFrame, dump_texts
from nucleops.systems.lines import EndsEarly
from nucleops.systems.system import FloatArray

IntArray = NDArray[np.int64]

_TOLERANCE = 1e-6
"""Of a step that is computed from a time, to which programs give few digits."""
THERMO_COLUMNS = ("Step", "Temp", "PotEng", "KinEng", "TotEng")


@dataclass(frozen=True)
class Dump:
    """A trajectory.

    Attributes
    ----------
    steps : ndarray
        MD step of each frame, shape (F,).
    positions : ndarray
        Coordinates in angstrom as written (wrapped into the cell), shape (F, N, 3); sorted by id.
    cells : ndarray
        Edge lengths in angstrom, shape (F, 3).
    types : ndarray
        LAMMPS type of each atom (from 1), shape (N,).
    """

    steps: IntArray
    positions: FloatArray
    cells: FloatArray
    types: IntArray


@dataclass(frozen=True)
class ModelDeviation:
    """Disagreement of the committee's forces: max, min and mean over atoms, shape (F,), eV/A."""

    steps: IntArray
    max_force_eV_A: FloatArray
    min_force_eV_A: FloatArray
    mean_force_eV_A: FloatArray


@dataclass(frozen=True)
class Thermo:
    """Thermodynamic output, shape (R,) each; temperatures in K, energies in eV."""

    steps: IntArray
    temperature_K: FloatArray
    potential_eV: FloatArray
    kinetic_eV: FloatArray
    total_eV: FloatArray


def read_dump(path: Path) -> Dump:
    """Read a LAMMPS text dump with columns ``id type x y z`` (more may follow).

    Raises
    ------
    TruncatedOutput
        If the file is missing or holds no whole frame.
    """
    steps, positions, cells = [], [], []
    types: IntArray | None = None
    for frame in _whole_frames(path):
        table = frame.numbers("id", "type", "x", "y", "z")
        table = table[np.argsort(table[:, 0])]
        types = table[:, 1].astype(np.int64)
        steps.append(frame.step)
        cells.append(np.ptp(frame.bounds(), axis=1))
        positions.append(table[:, 2:])
    if types is None:
        raise TruncatedOutput(f"{path.name} holds no whole frame", log=path)
    return Dump(np.array(steps, dtype=np.int64), np.array(positions), np.array(cells), types)


def copy_dump(
    source: Path, target: Path, last_step: float, *, after: float = -1, append: bool = False
) -> int:
    """Copy the frames of a dump with ``after < step <= last_step``; return how many there were."""
    count = 0
    with target.open("a" if append else "w", encoding="ascii") as out:
        for frame in _whole_frames(source):
            if after < frame.step <= last_step:
                out.writelines(frame.lines)
                count += 1
    return count


def _whole_frames(path: Path) -> Iterator[DumpFrame]:
    if not path.is_file():
        raise TruncatedOutput(f"the run left no {path.name}")
    # the frame that a run was killed in does not count
    with contextlib.suppress(EndsEarly):
        yield from dump_texts(path)


def unwrap(positions: FloatArray, cells: FloatArray, start: FloatArray) -> FloatArray:
    """Undo the wrapping into the cell, so that molecules stay whole.

    Parameters
    ----------
    positions : ndarray
        Wrapped coordinates in angstrom, shape (F, N, 3).
    cells : ndarray
        Edge lengths in angstrom, shape (F, 3).
    start : ndarray
        Coordinates with whole molecules that the first frame is close to, shape (N, 3).

    Returns
    -------
    ndarray
        Continuous coordinates, shape (F, N, 3). Valid while no atom moves by half an edge or more
        between frames.
    """
    out = np.empty_like(positions)
    before = np.asarray(start, dtype=np.float64)
    for i, (frame, cell) in enumerate(zip(positions, cells, strict=True)):
        step = frame - before
        before = before + step - cell * np.round(step / cell)
        out[i] = before
    return out


def read_model_deviation(path: Path) -> ModelDeviation:
    """Read ``model_devi.out``: step; max, min, mean deviation of the virial; the same of forces.

    Raises
    ------
    TruncatedOutput
        If the file is missing or holds no whole row.
    """
    if not path.is_file():
        raise TruncatedOutput(f"the run left no {path.name}")
    rows = []
    for line in _whole_lines(path):
        words = line.split()
        if not line.startswith("#") and len(words) >= 7:
            rows.append([float(word) for word in words[:7]])
    if not rows:
        raise TruncatedOutput(f"{path.name} holds no whole row", log=path)
    table = np.array(rows)
    return ModelDeviation(table[:, 0].astype(np.int64), table[:, 4], table[:, 5], table[:, 6])


def copy_model_deviation(source: Path, target: Path, last_step: int) -> None:
    """Copy header and rows of ``model_devi.out`` up to and including a step."""
    target.write_text("".join(rows_between(source, -math.inf, last_step)), encoding="utf-8")


def rows_between(path: Path, after: float, upto: float, per_step: float = 1.0) -> Iterator[str]:
    """Yield the lines of a text file that count, unchanged.

    Parameters
    ----------
    path : Path
        Its rows begin with a number that grows with the step, its other lines with ``#``; the
        latter all count.
    after, upto : float
        Rows count with ``after < step <= upto``.
    per_step : float
        By how much the number grows in a step: 1, or the time step in fs.
    """
    for line in _whole_lines(path):
        first = line.split(maxsplit=1)[:1]
        if first and (
            first[0].startswith("#")
            or after + _TOLERANCE < float(first[0]) / per_step <= upto + _TOLERANCE
        ):
            yield line


def step_of_row(word: str | bytes, per_step: float = 1.0) -> int:
    """Return the MD step of the row that begins with a word; ``per_step`` as above."""
    return round(float(word) / per_step)


def _whole_lines(path: Path) -> list[str]:
    """Lines with their line breaks, less a last one that is cut off."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return text[: text.rfind("\n") + 1].splitlines(keepends=True)


def read_thermo(path: Path) -> Thermo:
    """Read the dynamics' thermodynamic output from ``log.lammps``.

    Raises
    ------
    TruncatedOutput
        If the file is missing.
    """
    if not path.is_file():
        raise TruncatedOutput(f"the run left no {path.name}")
    return parse_thermo(path.read_text(encoding="utf-8", errors="replace"))


def parse_thermo(text: str) -> Thermo:
    """Read thermodynamic output from a log's text, the dynamics' only; may have no rows."""
    text = text[: text.rfind("\n") + 1]
    # LAMMPS echoes the print command as well as what it prints, so the last mark counts.
    _, mark, dynamics = text.rpartition(DYNAMICS_MARK)
    rows: list[list[float]] = []
    inside = False
    for line in dynamics.splitlines() if mark else []:
        words = line.split()
        if tuple(words) == THERMO_COLUMNS:
            inside = True
        elif inside and len(words) == len(THERMO_COLUMNS):
            try:
                rows.append([float(word) for word in words])
            except ValueError:
                continue  # a warning among the rows
    table = np.array(rows, dtype=np.float64).reshape(-1, len(THERMO_COLUMNS))
    return Thermo(table[:, 0].astype(np.int64), table[:, 1], table[:, 2], table[:, 3], table[:, 4])


def write_thermo_csv(thermo: Thermo, time_step_fs: float, path: Path) -> None:
    """Write ``thermo.csv``: step, time_ps, temperature_K, then energies in eV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            (
                *("step", "time_ps", "temperature_K"),
                *("potential_energy_eV", "kinetic_energy_eV", "total_energy_eV"),
            )
        )
        for i, step in enumerate(thermo.steps.tolist()):
            row = [thermo.temperature_K, thermo.potential_eV, thermo.kinetic_eV, thermo.total_eV]
            writer.writerow(
                [step, f"{step * time_step_fs / 1000:.6g}", *(f"{c[i]:.10g}" for c in row)]
            )
