"""Minimum images and neighbour pairs against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleops.systems.distances import (
    minimum_image,
    minimum_intermolecular_distance,
    molecule_of_atom,
    neighbour_pairs,
)
from nucleops.systems.system import FloatArray, Molecule, System


def _brute_force(
    x: FloatArray, cell: FloatArray, periodic: bool, cutoff: float
) -> dict[tuple[int, int], float]:
    shifts = np.array(
        [[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)], dtype=float
    )
    shifts = shifts * cell if periodic else np.zeros((1, 3))
    wrapped = x % cell if periodic else x
    found = {}
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            d = np.linalg.norm(wrapped[j] - wrapped[i] + shifts, axis=1).min()
            if d <= cutoff:
                found[i, j] = float(d)
    return found


@given(st.integers(0, 10_000), st.booleans(), st.floats(0.5, 6.0))
@settings(max_examples=40, deadline=None)
def test_neighbour_pairs_are_the_definition(seed: int, periodic: bool, cutoff: float) -> None:
    rng = np.random.default_rng(seed)
    cell = rng.uniform(4.0, 9.0, size=3)
    x = rng.uniform(-10.0, 20.0, size=(25, 3))
    pairs, distances = neighbour_pairs(x, cell, periodic, cutoff)
    expected = _brute_force(x, cell, periodic, cutoff)
    assert [tuple(p) for p in pairs.tolist()] == sorted(expected)
    np.testing.assert_allclose(distances, [expected[p] for p in sorted(expected)], atol=1e-9)


@given(st.integers(0, 10_000))
def test_minimum_image_is_within_half_a_cell_and_equivalent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cell = rng.uniform(2.0, 9.0, size=3)
    vectors = rng.uniform(-40.0, 40.0, size=(7, 5, 3))
    wrapped = minimum_image(vectors, cell, True)
    assert (np.abs(wrapped) <= cell / 2 + 1e-9).all()
    turns = (vectors - wrapped) / cell
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-9)
    assert minimum_image(vectors, cell, False) is vectors


def test_an_atom_a_hair_below_zero_is_accepted() -> None:
    x = np.array([[-1e-18, 0.0, 0.0], [9.5, 0.0, 0.0]])
    _, distances = neighbour_pairs(x, np.full(3, 10.0), True, 1.0)
    assert distances == pytest.approx([0.5])


def _two_molecules(gap: float, periodic: bool) -> System:
    x = np.array([[0.2, 5, 5], [1.2, 5, 5], [10.0 - gap + 0.2, 5, 5], [10.0 - gap - 0.8, 5, 5]])
    molecules = (Molecule("a", (0, 1), ("A", "B")), Molecule("b", (2, 3), ("A", "B")))
    return System("s", ("H",) * 4, x, np.full(3, 10.0), periodic, molecules)


def test_closest_molecules_are_found_across_the_face() -> None:
    distance, pair = minimum_intermolecular_distance(_two_molecules(1.5, True))
    assert distance == pytest.approx(1.5)
    assert pair == (0, 2)
    distance, pair = minimum_intermolecular_distance(_two_molecules(1.5, False))
    assert distance == pytest.approx(6.7 - 0.2)
    assert pair == (1, 3)


def test_distances_inside_a_molecule_do_not_count() -> None:
    system = _two_molecules(3.0, True)
    assert minimum_intermolecular_distance(system)[0] == pytest.approx(3.0)
    assert molecule_of_atom(system).tolist() == [0, 0, 1, 1]
    alone = System("s", ("H",), np.zeros((1, 3)), np.ones(3), True, (Molecule("a", (0,), ("A",)),))
    assert minimum_intermolecular_distance(alone) == (float("inf"), None)
