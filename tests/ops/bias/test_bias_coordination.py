"""The compiled coordination loop against the switching function for single distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleops.bias import values
from nucleops.bias.coordination import coordination_numbers
from nucleops.bias.geometry import minimum_image
from nucleops.bias.switch import switch


def direct(
    a: np.ndarray, b: np.ndarray, cell: np.ndarray | None, r0: float, n: int, m: int
) -> np.ndarray:
    r = np.linalg.norm(minimum_image(a[:, :, None] - b[:, None], cell), axis=-1)
    return switch(r, r0, n, m)


@settings(max_examples=25, deadline=None)
@given(
    exponents=st.sampled_from([(6, 8), (6, 10), (6, 12), (5, 7), (1, 2), (12, 24), (47, 48)]),
    r0=st.floats(0.3, 8.0),
    edge=st.one_of(st.none(), st.floats(3.0, 40.0)),
    seed=st.integers(0, 10_000),
)
def test_any_exponents_and_cells(
    exponents: tuple[int, int], r0: float, edge: float | None, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scale = edge or 20.0
    a, b = rng.random((18, 3, 3)) * scale * 2, rng.random((18, 5, 3)) * scale
    cell = None if edge is None else edge * rng.uniform(0.8, 1.3, (18, 3))
    found = coordination_numbers(a, b, cell, r0, *exponents)
    np.testing.assert_allclose(found, direct(a, b, cell, r0, *exponents).sum(axis=2), atol=1e-12)
    within = coordination_numbers(a, None, cell, r0, *exponents)
    pairs = np.triu(direct(a, a, cell, r0, *exponents), k=1)
    np.testing.assert_allclose(within, pairs.sum(axis=2), rtol=0, atol=1e-12)


def test_at_zero_at_r0_at_the_cutoff_and_beyond() -> None:
    distances = np.array([0.0, 2.0, 2.0 * (1 + 1e-13), 35.5655, 35.566, 1e6])
    a = np.zeros((1, 1, 3))
    for r in distances:
        b = np.array([[[r, 0.0, 0.0]]])
        expected = switch(np.array([r]), 2.0, 6, 10)
        np.testing.assert_allclose(
            coordination_numbers(a, b, None, 2.0, 6, 10)[0], expected, rtol=0, atol=1e-14
        )


def test_number_of_threads_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.random((100, 4, 3)) * 10, rng.random((100, 50, 3)) * 10
    cell = np.full((100, 3), 10.0)
    one, three = (coordination_numbers(a, b, cell, 2.0, 6, 10, threads=k) for k in (1, 3))
    np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("few", [0, 10**9])
def test_both_ways_give_plumeds_numbers(
    few: int, golden: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "FEW_PAIRS", few)
    found = values.evaluate(golden.resolved, golden.positions, golden.cell)
    for name, column in {"s1": "s1", "cn": "cn", "lowest_ch": "cn_CH3.lowest"}.items():
        expected = golden.colvar[column]
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-9)
