"""How close six points are to a regular octahedron."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

OCTAHEDRON = np.array(
    [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=np.float64
)
"""Vertices of the regular octahedron, opposite ones side by side."""


@dataclass(frozen=True)
class Shape:
    """Distance of six points from the regular octahedron.

    Attributes
    ----------
    measure : float
        Continuous shape measure: 0 for a regular octahedron, at most 100, without a unit.
    rmsd : float
        Root mean square distance in A of the six points from the best regular octahedron.
    edge : float
        Edge length in A of that octahedron.
    """

    measure: float
    rmsd: float
    edge: float


def octahedron_shape(points: ArrayLike) -> Shape:
    """Compare six points with the regular octahedron of best size, place and orientation.

    The continuous shape measure ``S = min sum |Q - P|^2 / sum |Q - Q0|^2 * 100`` (Pinsky and
    Avnir, Inorg. Chem. 37, 5575 (1998)), the minimum being over rotations, reflections, sizes and
    all ways to number the vertices.

    Parameters
    ----------
    points : array_like
        Shape (6, 3), in A, whole (not split by the periodic boundary).

    Raises
    ------
    ValueError
        If there are not six points, or they coincide.
    """
    q = np.asarray(points, dtype=np.float64)
    if q.shape != (6, 3):
        raise ValueError(f"an octahedron has six points, found shape {q.shape}")
    q = q - q.mean(axis=0)
    size = float(np.sum(q**2))
    if size == 0:
        raise ValueError("the six points coincide")
    # The octahedron's own symmetry (with reflections) leaves 15 distinct numberings: the ways to
    # pair six points as opposite corners. Sum of singular values: best rotation or reflection.
    overlaps = np.array([q[list(order)].T @ OCTAHEDRON for order in _pairings()])
    best = float(np.linalg.svd(overlaps, compute_uv=False).sum(axis=1).max())
    norm = float(np.sum(OCTAHEDRON**2))
    rest = max(0.0, size - best**2 / norm)
    scale = best / norm
    return Shape(100.0 * rest / size, float(np.sqrt(rest / 6)), scale * float(np.sqrt(2)))


def _pairings() -> Iterator[tuple[int, ...]]:
    for a in range(1, 6):
        rest = [i for i in range(1, 6) if i != a]
        for b in rest[1:]:
            last = [i for i in rest[1:] if i != b]
            yield (0, a, rest[0], b, last[0], last[1])


def is_octahedral(contacts: ArrayLike) -> bool:
    """Whether a contact graph, shape (6, 6), is the octahedron's.

    Each vertex touches four others and not the fifth, its opposite: three disjoint missing pairs.
    """
    graph = np.asarray(contacts, dtype=np.bool_)
    if graph.shape != (6, 6):
        return False
    return bool(np.all(graph.sum(axis=1) - np.diag(graph) == 4))
