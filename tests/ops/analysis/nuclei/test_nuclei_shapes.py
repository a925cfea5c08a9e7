"""The continuous shape measure against a search, and the octahedron's contact graph."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from nucleops.analysis.nuclei.shapes import OCTAHEDRON, are_octahedral, octahedron_shapes


def brute_force(points: np.ndarray) -> float:
    q = points - points.mean(axis=0)
    best = max(
        np.linalg.svd(q[list(order)].T @ OCTAHEDRON, compute_uv=False).sum()
        for order in permutations(range(6))
    )
    return float(100 * (1 - best**2 / np.sum(OCTAHEDRON**2) / np.sum(q**2)))


def rotation(seed: int) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q


@pytest.mark.parametrize("seed", range(5))
def test_shape_ignores_rotation_size_place_and_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.permutation(2.1 * OCTAHEDRON @ rotation(seed) + rng.normal(size=3))
    shape = octahedron_shapes(points)
    assert shape.measure == pytest.approx(0, abs=1e-9)
    assert shape.edge_A == pytest.approx(2.1 * np.sqrt(2))


@pytest.mark.parametrize("seed", range(3))
def test_shape_equals_the_search_over_all_numberings(seed: int) -> None:
    points = OCTAHEDRON + np.random.default_rng(seed).normal(0, 0.4, (6, 3))
    assert octahedron_shapes(points).measure == pytest.approx(brute_force(points), abs=1e-9)


def test_a_trigonal_prism_is_far_from_an_octahedron() -> None:
    s = np.sqrt(3) / 2
    triangle = np.array([[1, 0], [-0.5, s], [-0.5, -s]])
    h = np.sqrt(3) / 2  # square sides: edges all equal
    prism = np.array([[*p, z] for z in (h, -h) for p in triangle])
    assert octahedron_shapes(prism).measure == pytest.approx(brute_force(prism), abs=1e-9)
    assert octahedron_shapes(prism).measure > 10


def test_octahedral_contacts() -> None:
    ring = np.ones((6, 6), dtype=bool) ^ np.eye(6, dtype=bool)
    for a in (0, 2, 4):
        ring[a, a + 1] = ring[a + 1, a] = False
    assert are_octahedral(ring)
    ring[0, 2] = ring[2, 0] = False
    assert not are_octahedral(ring)


def test_many_at_once_are_each_alone() -> None:
    points = OCTAHEDRON + np.random.default_rng(1).normal(0, 0.3, (4, 5, 6, 3))
    together = octahedron_shapes(points)
    assert together.measure.shape == (4, 5)
    alone = octahedron_shapes(points[2, 3])
    assert together.measure[2, 3] == pytest.approx(float(alone.measure), abs=1e-12)
    assert together.rmsd_A[2, 3] == pytest.approx(float(alone.rmsd_A), abs=1e-12)


def test_what_is_no_octahedron_of_points_is_refused() -> None:
    with pytest.raises(ValueError, match="six points"):
        octahedron_shapes(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="coincide"):
        octahedron_shapes(np.zeros((6, 3)))
