"""Van der Waals volumes, and how many solvent molecules a box takes beside its clusters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nucleops.systems.elements import AVOGADRO_PER_CM3_IN_A3, VAN_DER_WAALS_RADIUS_A
from nucleops.systems.molecules import Molecules, find_motif
from nucleops.systems.motifs import Motif

_GRID_A = 0.2


def van_der_waals_volume(name: str, metal: str, molecules: Molecules | None = None) -> float:
    """Volume of the union of a molecule's van der Waals spheres, in cubic angstrom.

    Counted on a grid of 0.2 A, so that the number is the same everywhere. ``molecules`` are the
    study's own.
    """
    return volume_of(find_motif(name, metal, molecules))


def volume_of(molecule: Motif) -> float:
    """:func:`van_der_waals_volume` of a molecule at hand."""
    return _volume(molecule.symbols, molecule.positions.tobytes())


@cache
def _volume(symbols: tuple[str, ...], raw: bytes) -> float:
    positions: NDArray[np.float64] = np.frombuffer(raw).reshape(-1, 3)
    radii = np.array([VAN_DER_WAALS_RADIUS_A[s] for s in symbols])
    low = (positions - radii[:, None]).min(axis=0)
    high = (positions + radii[:, None]).max(axis=0)
    axes = [np.arange(a, b + _GRID_A, _GRID_A) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    inside = np.zeros(grid.shape[:3], dtype=bool)
    for centre, radius in zip(positions, radii, strict=True):
        inside |= ((grid - centre) ** 2).sum(axis=-1) < radius**2
    return float(inside.sum()) * _GRID_A**3


def fill_count(
    edge_A: float,
    density_g_cm3: float,
    others: Sequence[tuple[str, int]],
    metal: str,
    solvent: str = "methanol",
    molecules: Molecules | None = None,
) -> int:
    """Count the solvent molecules that fill a cube to a density beside other molecules.

    Every other molecule displaces as much solvent as has its van der Waals volume, that is, its
    share of the box is packed as densely as the liquid is.

    Parameters
    ----------
    edge_A : float
        Edge of the cube in angstrom.
    density_g_cm3 : float
        Density of the pure solvent.
    others : sequence of (str, int)
        Motif and count of everything else in the box.
    metal : str
        The cluster's metal.
    solvent : str
        Methanol, or one of the study's own molecules.
    molecules : mapping of str to MoleculeSpec, optional
        The study's own molecules.

    Returns
    -------
    int
        Number of solvent molecules; zero or less if the others leave no room.
    """
    mass = find_motif(solvent, metal, molecules).mass_g_mol
    per_A3 = density_g_cm3 * AVOGADRO_PER_CM3_IN_A3 / mass
    unit = van_der_waals_volume(solvent, metal, molecules)
    displaced = sum(n * van_der_waals_volume(name, metal, molecules) for name, n in others) / unit
    return round(edge_A**3 * per_A3 - displaced)
