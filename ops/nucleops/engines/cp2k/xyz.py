"""CP2K's XYZ files of positions and forces, of which only the complete frames are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from nucleops.engines.cp2k.units import FORCE_EV_A, HARTREE_EV
from nucleops.errors import TruncatedOutput
from nucleops.systems.system import FloatArray, System

_COMMENT = re.compile(r"^ i = +(\d+), time = +(\d+\.\d{3}), E = +(-?\d+\.\d{10})$")
_ATOM = re.compile(r"^ +([A-Z][a-z]?) +(-?\d+\.\d{10}) +(-?\d+\.\d{10}) +(-?\d+\.\d{10})$")

_ENERGY_HARTREE = 1.0e-9
_FORCE_EV_A = 1.0e-8


@dataclass(frozen=True)
class XyzFrame:
    """One frame.

    Attributes
    ----------
    step : int
        Step of molecular dynamics.
    time_fs : float
        Time in femtoseconds.
    energy : float
        Potential energy in hartree.
    symbols : tuple of str
        Elements.
    values : ndarray
        Positions in angstrom or forces in hartree/bohr, shape (n_atoms, 3).
    """

    step: int
    time_fs: float
    energy: float
    symbols: tuple[str, ...]
    values: FloatArray


def read_xyz(path: Path, n_atoms: int) -> Iterator[XyzFrame]:
    """Yield the complete frames of a file; damaged ones are passed over.

    A frame begins at a line that holds the number of atoms, so that damage does not spread from one
    frame to the next.

    Raises
    ------
    TruncatedOutput
        If the file cannot be read.
    """
    try:
        text = path.read_bytes().decode("ascii", errors="replace")
    except OSError as error:
        raise TruncatedOutput(f"CP2K left no {path.name}: {error}", log=path) from error
    lines = text.split("\n")[:-1]  # what follows the last line break is cut off, or empty
    heads = [i for i, line in enumerate(lines) if line.strip() == str(n_atoms)]
    for start, end in pairwise([*heads, len(lines)]):
        frame = _frame(lines[start + 1 : end], n_atoms)
        if frame is not None:
            yield frame


def frames_by_step(path: Path, system: System) -> dict[int, XyzFrame]:
    """Return the complete frames of a system's atoms by their steps; steps told twice are left out.

    Raises
    ------
    TruncatedOutput
        If the file cannot be read.
    """
    frames: dict[int, XyzFrame] = {}
    twice = set()
    for frame in read_xyz(path, system.n_atoms):
        if frame.symbols != system.symbols:
            continue
        if frame.step in frames:
            twice.add(frame.step)
        frames[frame.step] = frame
    return {step: frame for step, frame in frames.items() if step not in twice}


def positions_of(
    step: int,
    evaluation: tuple[float, FloatArray],
    positions: Mapping[int, XyzFrame],
    forces: Mapping[int, XyzFrame],
    log: Path,
) -> XyzFrame:
    """Return a step's positions if trajectory, file of forces and log belong together.

    Parameters
    ----------
    step : int
        Step of molecular dynamics.
    evaluation : (float, ndarray)
        What the log says of it: the energy in eV, the forces in eV/A, shape (n_atoms, 3).
    positions, forces : mapping
        Step to its frame in the trajectory and in the file of forces.
    log : Path
        The log, for errors.

    Raises
    ------
    TruncatedOutput
        If a file has no such step, or they disagree.
    """
    here, force = positions.get(step), forces.get(step)
    if here is None or force is None:
        raise TruncatedOutput(f"step {step} is missing from the trajectory", log=log)
    energy_eV, forces_eV_A = evaluation
    energies = np.array([here.energy, force.energy]) * HARTREE_EV - energy_eV
    difference = np.abs(force.values * FORCE_EV_A - forces_eV_A).max()
    if np.abs(energies).max() > _ENERGY_HARTREE * HARTREE_EV or difference > _FORCE_EV_A:
        raise TruncatedOutput(f"step {step}: trajectory and log disagree", log=log)
    return here


def _frame(lines: list[str], n_atoms: int) -> XyzFrame | None:
    if len(lines) != n_atoms + 1:
        return None
    comment = _COMMENT.match(lines[0])
    atoms = [match for line in lines[1:] if (match := _ATOM.match(line))]
    if comment is None or len(atoms) != n_atoms:
        return None
    values = np.array([[float(number) for number in atom.groups()[1:]] for atom in atoms])
    step, time_fs, energy = int(comment[1]), float(comment[2]), float(comment[3])
    return XyzFrame(step, time_fs, energy, tuple(a[1] for a in atoms), values)
