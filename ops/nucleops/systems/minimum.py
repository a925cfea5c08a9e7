"""From a rough geometry to a checked minimum of GFN1-xTB, with a record of how it was made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nucleops.errors import ProgramFailed
from nucleops.systems.relax import forces, frequencies, relax
from nucleops.systems.system import FloatArray, Molecule, System

_DISPLACEMENT_A = 0.02
_VACUUM_A = 12.0


def find_minimum(
    name: str,
    symbols: Sequence[str],
    roles: Sequence[str],
    start: FloatArray,
    faults_of: Callable[[FloatArray], list[str]],
    seed: int,
    work: Path,
    *,
    source: str,
    maker: str,
) -> tuple[System, str]:
    """Relax an isolated molecule and make sure that it is a minimum with the right bonds.

    Parameters
    ----------
    name : str
        What the molecule is called.
    symbols, roles : sequence of str
        Elements and roles, shape (n_atoms,).
    start : ndarray
        Rough coordinates in angstrom, shape (n_atoms, 3).
    faults_of : callable
        Takes coordinates and says what is wrong with the bonds; an empty list where nothing is.
    seed : int
        Seed of the small push off symmetry, which keeps it from resting on a saddle point.
    work : Path
        Folder for CP2K's files.
    source, maker : str
        Where the start comes from and who asks, for the record.

    Returns
    -------
    system : System
        The relaxed molecule in a vacuum cell.
    provenance : str
        How it was made.

    Raises
    ------
    ProgramFailed
        The relaxed geometry lost its bonding, or is not a minimum.
    NucleoError
        Whatever CP2K's run ended as.
    """
    rng = np.random.default_rng(seed)
    pushed = start + rng.normal(scale=_DISPLACEMENT_A, size=start.shape)
    relaxed = relax(symbols, pushed, work)
    positions = relaxed.positions - relaxed.positions.mean(axis=0)
    faults = faults_of(positions)
    if faults:
        raise ProgramFailed(f"{name}: relaxation changed the bonds: {'; '.join(faults)}")
    energy, force = forces(symbols, positions, work)
    lowest = float(frequencies(symbols, positions, work)[0])
    if lowest <= 0:
        raise ProgramFailed(f"{name}: a saddle point, lowest wavenumber {lowest:.1f} 1/cm")
    largest = float(np.linalg.norm(force, axis=1).max())
    provenance = (
        f"GFN1-xTB (vacuum, charge 0, singlet), {relaxed.version}; total energy {energy:.6f} eV;"
        f" largest force {largest:.5f} eV/A; lowest wavenumber {lowest:.1f} 1/cm;"
        f" {source}, displaced by {_DISPLACEMENT_A} A rms,"
        f" relaxed in {relaxed.steps} BFGS steps by {maker}"
    )
    edge = float(np.ptp(positions, axis=0).max()) + _VACUUM_A
    cell = np.full(3, round(edge, 3))
    molecule = Molecule(name, tuple(range(len(roles))), tuple(roles))
    return System(name, tuple(symbols), positions + cell / 2, cell, False, (molecule,)), provenance
