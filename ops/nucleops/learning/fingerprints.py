"""A vector for each frame that says what surrounds its atoms, to tell frames that are alike.

Radial symmetry functions of Behler (G2 of J. Chem. Phys. 134, 074106 (2011)) for every element
around every other, averaged over the atoms of an element, with their spread::

    G_i(b, k) = sum_{j of b} exp(-eta (r_ij - r_k)^2) f_c(r_ij)
    f_c(r)    = (1 + cos(pi r / r_c)) / 2   for r < r_c, else 0
    v         = (mean_i in a G_i(b, k), std_i in a G_i(b, k))   for all a, b, k

The vector does not depend on the order of atoms, nor on where a frame lies and how it is turned.
It needs no potential: it is the same in every round, unlike the descriptor that a potential has
learned, and selection needs neither models nor a deep-learning framework.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucleops.systems.distances import minimum_image

FloatArray = NDArray[np.float64]

CUTOFF_A = 5.0
CENTRES_A = np.arange(1.0, CUTOFF_A, 0.5)
ETA_A2 = 4.0
"""Of Gaussians that are as wide as their centres lie apart."""


def fingerprints(
    symbols: Sequence[str],
    positions: FloatArray,
    cells: FloatArray,
    periodic: bool,
    elements: Sequence[str],
) -> FloatArray:
    """Return the vectors of some frames of the same atoms.

    Parameters
    ----------
    symbols : sequence of str
        Element of each atom, shape (n_atoms,).
    positions : ndarray
        Coordinates in angstrom, shape (n_frames, n_atoms, 3).
    cells : ndarray
        Edges of the cells in angstrom, shape (n_frames, 3).
    periodic : bool
        Whether the cells repeat; edges of at least twice the cutoff are assumed.
    elements : sequence of str
        Elements that vectors are made for; compared vectors need the same ones.

    Returns
    -------
    ndarray
        Shape (n_frames, 2 * n_elements**2 * n_centres), without unit; zero where an element is
        missing.
    """
    kinds = np.array([list(elements).index(symbol) for symbol in symbols])
    rows = [
        _one(kinds, frame, cell if periodic else None, len(elements))
        for frame, cell in zip(positions, cells, strict=True)
    ]
    width = 2 * len(elements) ** 2 * len(CENTRES_A)
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)


def _one(
    kinds: NDArray[np.int64], positions: FloatArray, cell: FloatArray | None, n_elements: int
) -> FloatArray:
    from scipy.spatial import cKDTree

    wrapped = positions if cell is None else np.mod(positions, cell)
    if cell is not None:  # a rounded-up remainder can equal the edge, which the tree refuses
        wrapped = np.where(wrapped >= cell, 0.0, wrapped)
    pairs = cKDTree(wrapped, boxsize=cell).query_pairs(CUTOFF_A, output_type="ndarray")
    vectors = positions[pairs[:, 1]] - positions[pairs[:, 0]]
    if cell is not None:
        vectors = minimum_image(vectors, cell, True)
    around = np.zeros((len(kinds), n_elements, len(CENTRES_A)))
    terms = _radial(np.linalg.norm(vectors, axis=1))
    for atom, other in (pairs.T, pairs.T[::-1]):
        np.add.at(around, (atom, kinds[other]), terms)
    out = np.zeros((n_elements, 2, n_elements, len(CENTRES_A)))
    for element in np.unique(kinds):
        own = around[kinds == element]
        out[element] = own.mean(axis=0), own.std(axis=0)
    return out.ravel()


def _radial(distance_A: FloatArray) -> FloatArray:
    """Terms of the symmetry functions, shape (n_pairs, n_centres)."""
    smooth = 0.5 * (1 + np.cos(np.pi * distance_A / CUTOFF_A))
    shells = np.exp(-ETA_A2 * (distance_A[:, None] - CENTRES_A) ** 2)
    return np.asarray(shells * smooth[:, None], dtype=np.float64)
