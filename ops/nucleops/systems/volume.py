"""Van der Waals volumes, and how many solvent molecules a box takes beside its clusters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from nucleops.systems.elements import AVOGADRO_PER_CM3_IN_A3, VAN_DER_WAALS_RADIUS_A
from nucleops.systems.motifs import motif

_GRID_A = 0.2


@cache
def van_der_waals_volume(name: str, metal: str) -> float:
    """Volume of the union of a motif's van der Waals spheres, in cubic angstrom.

    Counted on a grid of 0.2 A, so that the number is the same everywhere.
    """
    molecule = motif(name, metal)
    radii = np.array([VAN_DER_WAALS_RADIUS_A[s] for s in molecule.symbols])
    low = (molecule.positions - radii[:, None]).min(axis=0)
    high = (molecule.positions + radii[:, None]).max(axis=0)
    axes = [np.arange(a, b + _GRID_A, _GRID_A) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    inside = np.zeros(grid.shape[:3], dtype=bool)
    for centre, radius in zip(molecule.positions, radii, strict=True):
        inside |= ((grid - centre) ** 2).sum(axis=-1) < radius**2
    return float(inside.sum()) * _GRID_A**3


def fill_count(
    edge_A: float, density_g_cm3: float, others: Sequence[tuple[str, int]], metal: str
) -> int:
    """Count the methanols that fill a cube to a density beside other molecules.

    Every other molecule displaces as many methanols as have its van der Waals volume, that is,
    its share of the box is packed as densely as the liquid is.

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

    Returns
    -------
    int
        Number of methanols; zero or less if the others leave no room.
    """
    per_A3 = density_g_cm3 * AVOGADRO_PER_CM3_IN_A3 / motif("methanol", metal).mass_g_mol
    unit = van_der_waals_volume("methanol", metal)
    displaced = sum(n * van_der_waals_volume(name, metal) for name, n in others) / unit
    return round(edge_A**3 * per_A3 - displaced)
