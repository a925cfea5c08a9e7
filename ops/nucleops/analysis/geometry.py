"""Distances, angles and centres of mass, under periodic or open boundaries."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray, IntArray


def minimum_image(vectors: ArrayLike, cell: ArrayLike, periodic: bool) -> FloatArray:
    """Shortest periodic image of vectors in an orthorhombic cell.

    Parameters
    ----------
    vectors : array_like
        Shape (..., 3), in A.
    cell : array_like
        Edge lengths in A, shape (3,), or any shape that broadcasts with `vectors`.
    periodic : bool
        False returns the vectors as they are.
    """
    v = np.asarray(vectors, dtype=np.float64)
    if not periodic:
        return v
    edges = np.asarray(cell, dtype=np.float64)
    return np.asarray(v - edges * np.round(v / edges), dtype=np.float64)


def distances(
    positions: ArrayLike, cells: ArrayLike, periodic: bool, pairs: ArrayLike
) -> FloatArray:
    """Distances of pairs of atoms through time.

    Parameters
    ----------
    positions : array_like
        Shape (F, N, 3), in A.
    cells : array_like
        Edge lengths, shape (F, 3), in A.
    periodic : bool
        Whether the cell repeats.
    pairs : array_like of int
        Shape (P, 2).

    Returns
    -------
    ndarray
        Shape (F, P), in A.
    """
    x, p = np.asarray(positions), np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    cell = np.asarray(cells)[:, None, :]
    between = minimum_image(x[:, p[:, 1]] - x[:, p[:, 0]], cell, periodic)
    return np.asarray(np.linalg.norm(between, axis=-1), dtype=np.float64)


def angles(
    positions: ArrayLike, cells: ArrayLike, periodic: bool, triples: ArrayLike
) -> FloatArray:
    """Angles i-j-k at the middle atom j, shape (F, T), in degrees; `triples` has shape (T, 3)."""
    x, t = np.asarray(positions), np.asarray(triples, dtype=np.int64).reshape(-1, 3)
    cell = np.asarray(cells)[:, None, :]
    a = minimum_image(x[:, t[:, 0]] - x[:, t[:, 1]], cell, periodic)
    b = minimum_image(x[:, t[:, 2]] - x[:, t[:, 1]], cell, periodic)
    # atan2 keeps its accuracy near 0 and 180 degrees, where arccos loses it.
    cross, dot = np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)
    return np.asarray(np.degrees(np.arctan2(cross, dot)), dtype=np.float64)


def cross_distances(a: ArrayLike, b: ArrayLike, cell: ArrayLike, periodic: bool) -> FloatArray:
    """Distances between two sets of points in one frame, shapes (A, 3), (B, 3) -> (A, B), in A."""
    between = np.asarray(b)[None, :, :] - np.asarray(a)[:, None, :]
    norms = np.linalg.norm(minimum_image(between, cell, periodic), axis=-1)
    return np.asarray(norms, dtype=np.float64)


def make_whole(
    points: ArrayLike, cell: ArrayLike, periodic: bool, contact: float | None = None
) -> FloatArray:
    """Move a cluster's atoms to images that lie together, walking from neighbour to neighbour.

    Parameters
    ----------
    points : array_like
        Shape (n, 3), in A.
    cell : array_like
        Edge lengths, shape (3,), in A.
    periodic : bool
        False returns the points as they are.
    contact : float, optional
        Unused where None: each atom is joined through the shortest link (minimum spanning tree),
        which is right for any cluster smaller than half the cell between neighbours. Otherwise
        links longer than this, in A, raise.

    Returns
    -------
    ndarray
        Shape (n, 3); the first atom stays where it is.

    Raises
    ------
    ValueError
        If a link is longer than `contact`.
    """
    x = np.array(points, dtype=np.float64)
    if not periodic or len(x) < 2:
        return x
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    d = cross_distances(x, x, cell, True)
    tree = minimum_spanning_tree(d + 1e-9 * (1 - np.eye(len(x))))
    if contact is not None and tree.max() > contact:
        raise ValueError(f"the atoms are not one cluster: a gap of {tree.max():.2f} A")
    order, parents = breadth_first_order(tree, 0, directed=False)
    for i in order[1:]:
        parent = x[parents[i]]
        x[i] = parent + minimum_image(x[i] - parent, cell, True)
    return x


def bonded_pairs(
    positions: ArrayLike,
    cell: ArrayLike,
    periodic: bool,
    first: ArrayLike,
    second: ArrayLike,
    cutoff: float,
) -> IntArray:
    """Pairs closer than a cutoff in one structure.

    Parameters
    ----------
    positions : array_like
        Shape (N, 3), in A.
    cell : array_like
        Edge lengths, shape (3,), in A.
    periodic : bool
        Whether the cell repeats.
    first, second : array_like of int
        Atom indices of the two kinds; the same array gives each pair once.
    cutoff : float
        Largest distance in A.

    Returns
    -------
    ndarray
        Shape (P, 2).
    """
    x = np.asarray(positions)
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    close = cross_distances(x[a], x[b], cell, periodic) < cutoff
    if np.array_equal(a, b):
        close &= np.triu(np.ones(close.shape, dtype=np.bool_), k=1)
    i, j = np.nonzero(close)
    return np.stack([a[i], b[j]], axis=1) if len(i) else np.zeros((0, 2), dtype=np.int64)
