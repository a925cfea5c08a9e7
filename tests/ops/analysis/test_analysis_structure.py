"""Densities, octahedra, aggregates and nucleation points on constructed clusters."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from nucleops.analysis.aggregates import components, contact_graph, find_aggregates
from nucleops.analysis.density import bandwidth_of, density
from nucleops.analysis.geometry import angles, distances, make_whole, minimum_image
from nucleops.analysis.nucleation import (
    around_points,
    coordination_series,
    nucleation_points,
    together_since,
)
from nucleops.analysis.settings import BondSettings, NucleationSettings, Switch
from nucleops.analysis.shapes import OCTAHEDRON, is_octahedral, octahedron_shape
from nucleops.analysis.structure import structure_series
from nucleops.systems.motifs import motif

SETTINGS = NucleationSettings()


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
    shape = octahedron_shape(points)
    assert shape.measure == pytest.approx(0, abs=1e-9)
    assert shape.edge == pytest.approx(2.1 * np.sqrt(2))


@pytest.mark.parametrize("seed", range(3))
def test_shape_equals_the_search_over_all_numberings(seed: int) -> None:
    points = OCTAHEDRON + np.random.default_rng(seed).normal(0, 0.4, (6, 3))
    assert octahedron_shape(points).measure == pytest.approx(brute_force(points), abs=1e-9)


def test_a_trigonal_prism_is_far_from_an_octahedron() -> None:
    s = np.sqrt(3) / 2
    triangle = np.array([[1, 0], [-0.5, s], [-0.5, -s]])
    h = np.sqrt(3) / 2  # square sides: edges all equal
    prism = np.array([[*p, z] for z in (h, -h) for p in triangle])
    assert octahedron_shape(prism).measure == pytest.approx(brute_force(prism), abs=1e-9)
    assert octahedron_shape(prism).measure > 10


def test_octahedral_contacts() -> None:
    ring = np.ones((6, 6), dtype=bool) ^ np.eye(6, dtype=bool)
    for a in (0, 2, 4):
        ring[a, a + 1] = ring[a + 1, a] = False
    assert is_octahedral(ring)
    ring[0, 2] = ring[2, 0] = False
    assert not is_octahedral(ring)


@pytest.mark.parametrize("shift", [0.0, 8.0])
def test_octahedron_is_perfect_wherever_the_boundary_cuts_it(shift: float) -> None:
    m = motif("octahedron")
    x = (m.positions + shift) % 16.0
    (found,) = find_aggregates(m.symbols, x, np.full(3, 16.0), True, SETTINGS)
    assert found.kind == "perfect octahedron"
    assert found.shape_measure is not None
    assert found.shape_measure < 1
    assert set(found.sulfur_per_metal) == {2}
    assert set(found.nitrogen_per_metal) == {1}


def test_torn_octahedron_under_open_boundaries_is_none() -> None:
    m = motif("octahedron")
    x = m.positions % 16.0
    kinds = [a.kind for a in find_aggregates(m.symbols, x, np.full(3, 16.0), False, SETTINGS)]
    assert "perfect octahedron" not in kinds


def test_thermal_noise_leaves_the_octahedron_perfect() -> None:
    m = motif("octahedron")
    rng = np.random.default_rng(5)
    kinds = [
        find_aggregates(
            m.symbols, m.positions + rng.normal(0, 0.06, m.positions.shape), np.full(3, 40.0),
            False, SETTINGS,
        )[0].kind
        for _ in range(30)
    ]  # fmt: skip
    assert set(kinds) == {"perfect octahedron"}


def test_fakes_are_not_perfect() -> None:
    symbols = ["Ag"] * 6
    cell = np.full(3, 60.0)
    bare = 2.1 * OCTAHEDRON
    assert find_aggregates(symbols, bare, cell, False, SETTINGS)[0].kind == "disordered nucleus"
    assert (
        "without exactly two S" in find_aggregates(symbols, bare, cell, False, SETTINGS)[0].reason
    )
    chain = np.array([[3.0 * k, 0.0, 0.0] for k in range(6)])
    assert find_aggregates(symbols, chain, cell, False, SETTINGS)[0].kind == "open aggregate"
    pyramid = bare[:5]
    (five,) = find_aggregates(symbols[:5], pyramid, cell, False, SETTINGS)
    assert five.kind == "disordered nucleus"
    assert five.shape_measure is None


def test_dimers_apart_are_dimers() -> None:
    m = motif("dimer")
    n = len(m.symbols)
    x = np.concatenate([m.positions + np.array([0, 0, 12.0 * k]) for k in range(3)])
    found = find_aggregates(m.symbols * 3, x, np.full(3, 36.0), True, SETTINGS)
    assert [a.kind for a in found] == ["dimer"] * 3
    assert {i // n for a in found for i in a.members} == {0, 1, 2}


def test_components_across_the_boundary() -> None:
    x = np.array([[0.5, 5, 5], [9.5, 5, 5], [5.0, 5, 5]])
    graph = contact_graph(x, np.full(3, 10.0), True, 2.0)
    labels = components(graph)
    assert labels[0] == labels[1] != labels[2]


def test_whole_cluster_keeps_its_distances() -> None:
    m = motif("octahedron")
    whole = make_whole((m.positions + 8) % 16.0, np.full(3, 16.0), True)
    near = np.linalg.norm(m.positions[:, None] - m.positions[None], axis=-1)
    made = np.linalg.norm(whole[:, None] - whole[None], axis=-1)
    np.testing.assert_allclose(made, near, atol=1e-9)


def test_structure_series_finds_the_articles_bonds_and_angles() -> None:
    m = motif("octahedron")
    x = (m.positions[None] + 7.0) % 15.0
    series = structure_series(m.symbols, x, np.full((1, 3), 15.0), True, BondSettings())
    count = {k: v.shape[1] for k, v in series.items()}
    assert count == {
        "Ag-Ag": 12, "Ag-S": 12, "Ag-N": 6,
        "Ag-Ag-Ag": 24, "S-Ag-S": 6, "N-Ag-Ag": 24, "N-Ag-S": 12,
    }  # fmt: skip
    assert series["Ag-Ag-Ag"].mean() == pytest.approx(60, abs=1e-6)  # triangles: exact by sum
    assert np.all((series["Ag-S"] > 2.3) & (series["Ag-S"] < 2.8))


def test_distances_and_angles_under_the_boundary() -> None:
    x = np.array([[[0.5, 0, 0], [9.5, 0, 0], [9.5, 1.0, 0]]])
    cell = np.full((1, 3), 10.0)
    assert distances(x, cell, True, [[0, 1]])[0, 0] == pytest.approx(1.0)
    assert distances(x, cell, False, [[0, 1]])[0, 0] == pytest.approx(9.0)
    assert angles(x, cell, True, [[0, 1, 2]])[0, 0] == pytest.approx(90.0)
    assert minimum_image([6.0, 0, 0], [10.0] * 3, True)[0] == pytest.approx(-4.0)


def test_density_is_normalised_and_finds_both_peaks() -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(81, 4, (2000, 3)), rng.normal(138, 5, (2000, 3))], axis=1)
    made = density(values)
    assert np.sum(made.density) * (made.x[1] - made.x[0]) == pytest.approx(1, abs=1e-3)
    tops = sorted(m.position for m in made.maxima)
    assert tops == pytest.approx([81, 138], abs=1.0)
    assert all(m.error < 1.0 for m in made.maxima)
    assert made.bandwidth < 3


def test_bandwidth_of_a_normal_sample_is_near_the_optimum() -> None:
    v = np.random.default_rng(4).normal(size=5000)
    assert bandwidth_of(v) == pytest.approx(1.06 * 5000**-0.2, rel=0.3)


def test_density_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        density(np.zeros((3, 0)))


def test_coordination_leaves_out_the_atom_itself() -> None:
    x = np.array([[[0.0, 0, 0], [3.25, 0, 0]]])
    made = coordination_series(x, np.full((1, 3), 30.0), True, [0, 1], [0, 1], Switch(r0_A=3.25))
    assert made[0] == pytest.approx(0.75, abs=0.01)  # n/m at r0, slightly stretched


def test_nucleation_point_follows_atoms_through_the_boundary() -> None:
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 4, (6, 3))
    drift = np.arange(40)[:, None, None] * np.array([0.35, 0.0, -0.2])
    true = start[None] + drift
    cells = np.full((40, 3), 12.0)
    points = nucleation_points(true % 12.0, cells, True, range(6))
    moved = points - true.mean(axis=1)
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-9)
    assert np.all(np.abs(moved[0] / 12 - np.round(moved[0] / 12)) < 1e-9)
    near = around_points(true % 12.0, cells, True, points, range(6), Switch(r0_A=3.0))
    np.testing.assert_allclose(near, near[0], atol=1e-9)


def test_together_since_is_the_last_joining() -> None:
    labels = np.array([[0, 1], [0, 0], [0, 1], [1, 1], [0, 0]])
    assert together_since(labels, [0, 1]) == 3
    assert together_since(labels[:3], [0, 1]) == 3  # apart at the end: the number of frames
