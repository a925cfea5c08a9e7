"""Distances in an orthorhombic cell: minimum images, neighbour pairs, closest molecules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nucleops.systems.system import FloatArray, System

IntArray = NDArray[np.int64]


def minimum_image(displacements: FloatArray, cell: FloatArray, periodic: bool) -> FloatArray:
    """Shortest periodic image of displacement vectors.

    Parameters
    ----------
    displacements : ndarray
        Vectors in angstrom, shape (..., 3).
    cell : ndarray
        Edge lengths in angstrom, broadcast against ``displacements``: shape (3,) or (..., 3).
    periodic : bool
        If False the vectors are returned as they are.

    Returns
    -------
    ndarray
        Vectors with every component within half an edge, shape (..., 3).
    """
    displacements = np.asarray(displacements, dtype=np.float64)
    if not periodic:
        return displacements
    wrapped: FloatArray = displacements - cell * np.round(displacements / cell)
    return wrapped


def neighbour_pairs(
    positions: FloatArray, cell: FloatArray, periodic: bool, cutoff_A: float
) -> tuple[IntArray, FloatArray]:
    """All pairs of atoms within a cutoff, each once, by its minimum image.

    Parameters
    ----------
    positions : ndarray
        Coordinates in angstrom, shape (n_atoms, 3); need not be wrapped.
    cell : ndarray
        Edge lengths in angstrom, shape (3,).
    periodic : bool
        Whether the cell repeats.
    cutoff_A : float
        Largest distance in angstrom. Beyond half an edge a pair may have further images within
        the cutoff; only the nearest counts.

    Returns
    -------
    pairs : ndarray of int
        Zero-based indices, the smaller first, sorted, shape (n_pairs, 2).
    distances : ndarray
        Angstrom, shape (n_pairs,).
    """
    from scipy.spatial import cKDTree

    points = np.asarray(positions, dtype=np.float64)
    if periodic:
        points = points % cell
        # -1e-17 % L is L itself, which cKDTree refuses.
        points = np.where(points >= cell, 0.0, points)
    tree = cKDTree(points, boxsize=cell if periodic else None)
    pairs = tree.query_pairs(cutoff_A, output_type="ndarray").astype(np.int64)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    vectors = minimum_image(points[pairs[:, 1]] - points[pairs[:, 0]], cell, periodic)
    return pairs, np.linalg.norm(vectors, axis=1)


def molecule_of_atom(system: System) -> IntArray:
    """Index of the molecule that each atom belongs to (-1: none), shape (n_atoms,)."""
    owner = np.full(system.n_atoms, -1, dtype=np.int64)
    for number, molecule in enumerate(system.molecules):
        owner[list(molecule.indices)] = number
    return owner


def minimum_intermolecular_distance(system: System) -> tuple[float, tuple[int, int] | None]:
    """Smallest distance between atoms of different molecules, under the system's periodicity.

    Parameters
    ----------
    system : System
        With its molecules.

    Returns
    -------
    distance : float
        Angstrom; infinite if there are fewer than two molecules.
    pair : (int, int) or None
        Zero-based indices of the two atoms.
    """
    if len(system.molecules) < 2:
        return float("inf"), None
    owner = molecule_of_atom(system)
    cutoff = 2.5
    # Growing the cutoff keeps the list of pairs short where molecules touch, as they mostly do.
    while True:
        pairs, distances = neighbour_pairs(system.positions, system.cell, system.periodic, cutoff)
        between = owner[pairs[:, 0]] != owner[pairs[:, 1]]
        if between.any():
            pairs, distances = pairs[between], distances[between]
            closest = int(distances.argmin())
            first, second = pairs[closest].tolist()
            return float(distances[closest]), (first, second)
        cutoff *= 2.0
