"""Fingerprints of frames: what they do not depend on, and what they tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from nucleops.learning.coverage import BINS, unvisited_weights
from nucleops.learning.fingerprints import CENTRES_A, CUTOFF_A, ETA_A2, fingerprints

ELEMENTS = ("Ag", "S", "O")
SYMBOLS = ("Ag", "S", "S", "O", "O", "O", "Ag")
EDGES = np.full((1, 3), 12.0)


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(1, 8, (1, len(SYMBOLS), 3))


def one(positions: np.ndarray, periodic: bool = False, symbols: tuple = SYMBOLS) -> np.ndarray:
    return fingerprints(symbols, positions, EDGES, periodic, ELEMENTS)[0]


@settings(max_examples=25)
@given(st.integers(0, 999), st.integers(0, 999))
def test_neither_place_nor_turn_nor_order_matters(seed: int, other: int) -> None:
    rng, positions = np.random.default_rng(other), frame(seed)
    turned = positions @ Rotation.random(rng=rng).as_matrix().T + rng.uniform(-9, 9, 3)
    np.testing.assert_allclose(one(turned), one(positions), atol=1e-9)
    order = rng.permutation(len(SYMBOLS))
    mixed = one(positions[:, order], symbols=tuple(SYMBOLS[i] for i in order))
    np.testing.assert_allclose(mixed, one(positions), atol=1e-9)


def test_a_periodic_frame_may_be_shifted_across_the_boundary() -> None:
    positions = frame(1)
    shifted = np.mod(positions + np.array([5.0, -3.0, 11.0]), 12.0)
    np.testing.assert_allclose(one(shifted, True), one(positions, True), atol=1e-9)
    assert np.abs(one(shifted, False) - one(positions, False)).max() > 0.01


def test_two_atoms_give_behlers_terms() -> None:
    r = 2.3
    made = one(np.array([[[0.0, 0, 0], [r, 0, 0]]]), symbols=("Ag", "O"))
    table = made.reshape(3, 2, 3, len(CENTRES_A))
    smooth = 0.5 * (1 + np.cos(np.pi * r / CUTOFF_A))
    wanted = np.exp(-ETA_A2 * (r - CENTRES_A) ** 2) * smooth
    np.testing.assert_allclose(table[0, 0, 2], wanted)
    np.testing.assert_allclose(table[2, 0, 0], wanted)
    assert not table[:, 1].any()
    assert not table[1].any()


def test_it_changes_smoothly_at_the_cutoff() -> None:
    near = one(np.array([[[0.0, 0, 0], [CUTOFF_A - 1e-4, 0, 0]]]), symbols=("Ag", "O"))
    assert np.abs(near).max() < 1e-8


def test_no_frame_gives_no_vector() -> None:
    none = fingerprints(SYMBOLS, np.zeros((0, 7, 3)), np.zeros((0, 3)), False, ELEMENTS)
    assert none.shape == (0, 2 * 9 * len(CENTRES_A))


def test_seldom_visited_regions_weigh_more() -> None:
    seldom, often = np.array([[1.0]]), np.zeros((99, 1))
    weights = unvisited_weights([seldom, often], np.concatenate([seldom, often]))
    assert weights[0][0] == pytest.approx(99 * weights[1][0])
    assert np.concatenate(weights).mean() == pytest.approx(1.0)


def test_what_earlier_rounds_visited_counts() -> None:
    here = np.linspace(0, 1, BINS)[:, None]
    earlier = np.full((50, 1), here[3, 0])
    (weights,) = unvisited_weights([here], np.concatenate([here, earlier]))
    assert np.argmin(weights) == 3
    assert len(np.unique(np.delete(weights, 3))) == 1


def test_variables_without_numbers_weigh_one() -> None:
    (weights,) = unvisited_weights([np.array([[np.nan, 1.0]])], np.zeros((0, 2)))
    assert weights.tolist() == [1.0]
    assert unvisited_weights([], np.zeros((0, 1))) == []
