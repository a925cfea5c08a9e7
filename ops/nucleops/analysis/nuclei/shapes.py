"""How close sets of six points are to a regular octahedron."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import BoolArray, FloatArray

OCTAHEDRON = np.array(
    [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=np.float64
)
"""Vertices of the regular octahedron, opposite ones side by side."""


@dataclass(frozen=True)
class Shapes:
    """Distance of sets of six points from the regular octahedron.

    Attributes
    ----------
    measure : ndarray
        Continuous shape measure: 0 for a regular octahedron, at most 100, without a unit.
    rmsd_A : ndarray
        Root mean square distance of the six points from the best regular octahedron.
    edge_A : ndarray
        Edge length of that octahedron.
    """

    measure: FloatArray
    rmsd_A: FloatArray
    edge_A: FloatArray


def octahedron_shapes(points: ArrayLike) -> Shapes:
    """Compare six points with the regular octahedron of best size, place and orientation.

    The continuous shape measure ``S = min sum |Q - P|^2 / sum |Q - Q0|^2 * 100`` (Pinsky and
    Avnir, Inorg. Chem. 37, 5575 (1998)), the minimum being over rotations, reflections, sizes and
    all ways to number the vertices.

    Parameters
    ----------
    points : array_like
        Shape (..., 6, 3), in A, whole (not split by the periodic boundary).

    Returns
    -------
    Shapes
        Arrays of shape (...).

    Raises
    ------
    ValueError
        If there are not six points, or they coincide.
    """
    q = np.asarray(points, dtype=np.float64)
    if q.shape[-2:] != (6, 3):
        raise ValueError(f"an octahedron has six points, found shape {q.shape}")
    q = q - q.mean(axis=-2, keepdims=True)
    size = np.sum(q**2, axis=(-2, -1))
    if np.any(size == 0):
        raise ValueError("the six points coincide")
    # The octahedron's own symmetry (with reflections) leaves 15 distinct numberings: the ways to
    # pair six points as opposite corners. Sum of singular values: best rotation or reflection.
    numbered = q[..., np.array(list(_pairings())), :]
    overlaps = np.swapaxes(numbered, -1, -2) @ OCTAHEDRON
    best = np.linalg.svd(overlaps, compute_uv=False).sum(axis=-1).max(axis=-1)
    norm = float(np.sum(OCTAHEDRON**2))
    rest = np.maximum(0.0, size - best**2 / norm)
    return Shapes(100.0 * rest / size, np.sqrt(rest / 6), best / norm * np.sqrt(2))


def _pairings() -> Iterator[tuple[int, ...]]:
    for a in range(1, 6):
        rest = [i for i in range(1, 6) if i != a]
        for b in rest[1:]:
            last = [i for i in rest[1:] if i != b]
            yield (0, a, rest[0], b, last[0], last[1])


def are_octahedral(contacts: ArrayLike) -> BoolArray:
    """Whether contact graphs, shape (..., 6, 6), are the octahedron's.

    Each vertex touches four others and not the fifth, its opposite: three disjoint missing pairs.
    """
    graphs = np.asarray(contacts, dtype=np.bool_)
    if graphs.shape[-2:] != (6, 6):
        raise ValueError(f"an octahedron has six vertices, found shape {graphs.shape}")
    degrees = graphs.sum(axis=-1) - np.diagonal(graphs, axis1=-2, axis2=-1)
    return np.asarray(np.all(degrees == 4, axis=-1), dtype=np.bool_)
