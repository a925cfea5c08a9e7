"""Sums of hills: PLUMED's own numbers, direct sums, and what must not change them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleops.analysis.bias_history import BiasHistory, c_of_t
from nucleops.analysis.free_energy import project
from nucleops.analysis.grid import Grid
from nucleops.analysis.hills import HillSum, sum_of_hills
from nucleops.bias.hills import HillsTable, Kernel, hills_bias, hills_slope, read_hills, write_hills

DATA = Path(__file__).parents[2] / "data"
PERIODIC = {"min_phi": "-pi", "max_phi": "pi"}


def random_hills(n: int, cvs: tuple[str, ...], kernel: Kernel, seed: int = 0) -> HillsTable:
    rng = np.random.default_rng(seed)
    d = len(cvs)
    return HillsTable(
        cvs=cvs,
        time_fs=np.arange(1.0, n + 1),
        centres=rng.uniform(-3.1, 3.1, (n, d)),
        sigmas=rng.uniform(0.1, 0.5, (n, d)),
        height=rng.uniform(0.1, 1.0, n),
        bias_factor=8.0,
        kernel=kernel,
        constants=dict(PERIODIC) if "phi" in cvs else {},
    )


def grid_for(cvs: tuple[str, ...], n: int = 37) -> Grid:
    axes, periods = [], []
    for k, cv in enumerate(cvs):
        if cv == "phi":
            axes.append(-np.pi + 2 * np.pi / (n + k) * np.arange(n + k))
            periods.append(2 * np.pi)
        else:
            axes.append(np.linspace(-3.3, 3.0, n + k))
            periods.append(None)
    return Grid.make(axes, periods)


def points(grid: Grid) -> np.ndarray:
    return np.stack([m.ravel() for m in np.meshgrid(*grid.axes, indexing="ij")], axis=1)


@pytest.mark.parametrize("kernel", ["stretched-gaussian", "gaussian"])
@pytest.mark.parametrize("cvs", [("s",), ("phi",), ("s", "phi"), ("phi", "s"), ("s", "phi", "t")])
def test_sum_is_the_formula_at_every_point(cvs: tuple[str, ...], kernel: Kernel) -> None:
    hills, grid = random_hills(150, cvs, kernel), grid_for(cvs, 23)
    ours = sum_of_hills(hills.centres, hills.sigmas, hills.added, grid, kernel)
    np.testing.assert_allclose(ours.ravel(), hills_bias(hills, points(grid)), atol=1e-12)


def test_a_hill_wider_than_its_period_counts_each_point_once() -> None:
    hills, grid = random_hills(20, ("phi",), "stretched-gaussian"), grid_for(("phi",), 24)
    hills.sigmas[:] = 2.0
    ours = sum_of_hills(hills.centres, hills.sigmas, hills.added, grid)
    np.testing.assert_allclose(ours, hills_bias(hills, points(grid)), atol=1e-12)


def test_threads_do_not_change_a_sum() -> None:
    hills, grid = random_hills(300, ("s", "phi"), "stretched-gaussian"), grid_for(("s", "phi"))
    sums = []
    for threads in (1, 2, 5):
        total = HillSum(grid, threads=threads)
        total.add(hills.centres, hills.sigmas, hills.height)
        sums.append(total.values)
    assert np.array_equal(sums[0], sums[1])
    assert np.array_equal(sums[0], sums[2])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 79), st.floats(0.01, 100.0))
def test_order_splitting_and_units_do_not_matter(seed: int, cut: int, unit: float) -> None:
    cvs = ("s", "phi")
    hills, grid = random_hills(80, cvs, "stretched-gaussian", seed), grid_for(cvs, 15)
    whole = sum_of_hills(hills.centres, hills.sigmas, hills.height, grid)
    order = np.random.default_rng(seed).permutation(80)
    split = HillSum(grid)
    for part in (order[:cut], order[cut:]):
        split.add(hills.centres[part], hills.sigmas[part], hills.height[part])
    np.testing.assert_allclose(split.values, whole, atol=1e-10)
    scaled = Grid.make([a * unit for a in grid.axes], [p and p * unit for p in grid.periods])
    ours = sum_of_hills(hills.centres * unit, hills.sigmas * unit, hills.height, scaled)
    np.testing.assert_allclose(ours, whole, atol=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 22), st.integers(0, 100))
def test_the_surface_of_a_periodic_variable_is_periodic(turn: int, seed: int) -> None:
    hills, grid = random_hills(60, ("phi",), "stretched-gaussian", seed), grid_for(("phi",), 23)
    still = sum_of_hills(hills.centres, hills.sigmas, hills.height, grid)
    turned = sum_of_hills(hills.centres + turn * grid.spacing[0], hills.sigmas, hills.height, grid)
    np.testing.assert_allclose(turned, np.roll(still, turn), atol=1e-10)
    away = sum_of_hills(hills.centres - 2 * np.pi, hills.sigmas, hills.height, grid)
    np.testing.assert_allclose(away, still, atol=1e-10)


@pytest.mark.parametrize("cvs", [("s",), ("s", "phi"), ("s", "phi", "t")])
def test_bias_felt_along_a_run_is_that_of_the_hills_before(cvs: tuple[str, ...]) -> None:
    hills = random_hills(60, cvs, "stretched-gaussian")
    hills.sigmas[:] = 0.5
    rng = np.random.default_rng(1)
    at = rng.uniform(-3, 3, (50, len(cvs)))
    counts = rng.integers(0, 61, 50)
    history = BiasHistory(
        grid_for(cvs, 130 if len(cvs) < 3 else 70), 0.6, 8.0, points=at, counts=counts
    )
    for part in (slice(0, 25), slice(25, 60)):
        history.add(hills.centres[part], hills.sigmas[part], hills.added[part])
    bias, slopes = history.felt()
    coarse = 1.0 if len(cvs) < 3 else 30.0
    np.testing.assert_allclose(bias, hills_bias(hills, at, counts), atol=2e-3 * coarse)
    np.testing.assert_allclose(slopes, hills_slope(hills, at, counts), atol=2e-2 * coarse)


def test_offset_is_its_definition_even_where_exponentials_overflow() -> None:
    rng = np.random.default_rng(2)
    grid = Grid.make([np.linspace(-2, 2, 201)])
    centres, heights = rng.uniform(-1, 1, 1500), np.full(1500, 4.0)
    kT, gamma = 0.5, 20.0
    ours = c_of_t(centres, np.full(1500, 0.2), heights, grid, kT, gamma)
    for n in (1, 700, 1500):
        v = sum_of_hills(centres[:n], np.full(n, 0.2), heights[:n], grid) / kT
        upper, lower = gamma / (gamma - 1) * v, v / (gamma - 1)
        exact = kT * (np.logaddexp.reduce(upper) - np.logaddexp.reduce(lower))
        assert ours[n - 1] == pytest.approx(exact, rel=1e-9)


def test_projections_are_sums_over_the_other_variables() -> None:
    rng = np.random.default_rng(3)
    surface = rng.uniform(0, 5, (4, 5, 6))
    one = project(surface, 0.6, 1, 0.25)
    expected = -0.6 * np.log(np.exp(-surface / 0.6).sum(axis=(0, 2)) * 0.25)
    np.testing.assert_allclose(one, expected)
    np.testing.assert_allclose(project(surface, 0.6, (2, 0)).T, project(surface, 0.6, (0, 2)))
    np.testing.assert_allclose(project(surface, 0.6, (0, 1, 2)), surface)


def test_files_of_synthetic_hills_sum_to_the_bias_of_the_last_row(tmp_path: Path) -> None:
    hills = read_hills(DATA / "bias/synthetic/hills.dat")
    again = read_hills(write_hills(hills, tmp_path / "HILLS"))
    grid = Grid.make(
        [np.linspace(c.min() - 0.2, c.max() + 0.2, 60) for c in hills.centres.T], hills.periods
    )
    ours = sum_of_hills(again.centres, again.sigmas, again.added, grid)
    np.testing.assert_allclose(ours.ravel(), hills_bias(hills, points(grid)), atol=1e-9)
