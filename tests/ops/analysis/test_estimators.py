"""Static biases from slopes, densities on grids, surfaces from weighted rows."""

from __future__ import annotations

import numpy as np
import pytest
from KDEpy import FFTKDE

from nucleops.analysis.bias_force import bias_grid_over, static_bias
from nucleops.analysis.density import bandwidth_of
from nucleops.analysis.estimators import Estimator, Rows, levelled
from nucleops.analysis.grid import Grid
from nucleops.analysis.grid_density import Sharing, bandwidths_of, kish, smoothed


def rows_of(points: np.ndarray, slopes: np.ndarray | None, logs: np.ndarray) -> Rows:
    n, d = points.shape
    nothing = np.zeros(n)
    return Rows(points, points, tuple(range(d)), logs, slopes, nothing, nothing.astype(np.int64))


def test_slopes_of_a_still_bias_integrate_to_it() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (20_000, 2))
    bias = np.sin(2 * points[:, 0]) + points[:, 0] * points[:, 1] ** 2
    slopes = np.stack(
        [2 * np.cos(2 * points[:, 0]) + points[:, 1] ** 2, 2 * points[:, 0] * points[:, 1]], axis=1
    )
    made = static_bias(points, slopes, bias, Grid.make([np.linspace(-1, 1, 41)] * 2))
    assert made.islands == 1
    np.testing.assert_allclose(made.at(points), bias, atol=0.01)


def test_a_periodic_variable_closes_on_itself() -> None:
    rng = np.random.default_rng(1)
    phi = rng.uniform(-np.pi, np.pi, 5000)
    grid = bias_grid_over(phi[:, None], [0.2], [2 * np.pi])
    made = static_bias(phi, -np.sin(phi)[:, None], np.cos(phi), grid)
    np.testing.assert_allclose(made.at(phi), np.cos(phi), atol=0.01)
    np.testing.assert_allclose(made.at(phi + 2 * np.pi), made.at(phi), atol=1e-9)


def test_islands_are_set_off_as_their_own_bias_says() -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(-2, -1, 3000), rng.uniform(1, 2, 3000)])
    bias = 3.0 * x**2 + np.where(x > 0, 5.0, 0.0)
    made = static_bias(x, 6.0 * x[:, None], bias, Grid.make([np.linspace(-2, 2, 81)]))
    assert made.islands == 2
    np.testing.assert_allclose(made.at(x), bias, atol=0.05)
    # rows drawn more often count more, and those not drawn not at all
    half = static_bias(
        x, 6.0 * x[:, None], bias, Grid.make([np.linspace(-2, 2, 81)]), (x > 0).astype(float)
    )
    assert half.islands == 1
    assert np.isnan(half.bias[:40]).all()


def test_no_row_on_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="no row lies on the grid"):
        static_bias([5.0], [[1.0]], [0.0], Grid.make([np.linspace(-1, 1, 5)]))


def test_kernel_density_is_kdepys() -> None:
    rng = np.random.default_rng(3)
    samples, weights = rng.normal(size=(4000, 2)) * [1.0, 0.3], rng.random(4000)
    axes = [np.linspace(-6, 6, 241), np.linspace(-2, 2, 161)]
    grid = Grid.make(axes)
    ours = smoothed(Sharing(samples, grid, linear=True).histogram(weights), grid, [0.2, 0.08])
    scaled = samples / [0.2, 0.08]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2) / [0.2, 0.08]
    theirs = FFTKDE(kernel="gaussian", bw=1.0).fit(scaled, weights).evaluate(points)
    theirs = theirs.reshape(grid.shape) / theirs.sum()
    np.testing.assert_allclose(ours / ours.sum(), theirs, atol=2e-4 * theirs.max())


def test_a_kernel_goes_around_a_period() -> None:
    phi = -np.pi + 2 * np.pi / 60 * np.arange(60)
    grid = Grid.make([phi], [2 * np.pi])
    made = smoothed(Sharing([np.pi - 0.01], grid, linear=True).histogram(), grid, [0.3])
    assert made.sum() == pytest.approx(1.0)
    assert made[0] == pytest.approx(made.max(), rel=0.01)
    assert made[1] == pytest.approx(made[-1], rel=0.05)


def test_samples_off_the_grid_count_nowhere() -> None:
    grid = Grid.make([np.linspace(0, 1, 11)])
    for linear in (True, False):
        shared = Sharing([-5.0, 0.52, 7.0], grid, linear=linear)
        assert shared.histogram().sum() == pytest.approx(1.0)
        assert shared.inside.tolist() == [False, True, False]


def test_equal_weights_change_no_bandwidth() -> None:
    x = np.random.default_rng(4).normal(size=3000)
    assert bandwidth_of(x, weights=np.full(3000, 0.1)) == pytest.approx(bandwidth_of(x))
    two = bandwidths_of(np.stack([x, 10 * x], axis=1))
    assert two[1] == pytest.approx(10 * two[0])
    assert two[0] > bandwidth_of(x)
    assert kish(np.ones(7)) == pytest.approx(7.0)
    assert kish([1.0, 0.0, 0.0]) == pytest.approx(1.0)


@pytest.mark.parametrize("smoothing", ["kernel", "histogram"])
def test_a_harmonic_well_comes_back_from_under_its_bias(smoothing: str) -> None:
    rng = np.random.default_rng(5)
    # F = 4 x^2 in kT under a still bias of -2 x^2 that was felt as slopes
    x = rng.normal(0, np.sqrt(1 / (2 * 2.0)), 200_000)[:, None]
    grid = Grid.make([np.linspace(-1, 1, 41)])
    for bias_grid in (None, Grid.make([np.linspace(-2.5, 2.5, 201)])):
        rows = rows_of(x, -4.0 * x, -2.0 * x[:, 0] ** 2)
        made = Estimator(rows, grid, bias_grid, smoothing).surface()  # type: ignore[arg-type]
        away = made - 4.0 * grid.axes[0] ** 2
        assert np.std(away) < 0.03


def test_a_row_drawn_twice_is_two_rows() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(500, 1))
    grid, bias_grid = Grid.make([np.linspace(-4, 4, 60)]), Grid.make([np.linspace(-4, 4, 30)])
    times = rng.integers(0, 3, 500)
    again = np.repeat(x, times, axis=0)
    widths = np.array([0.3])
    one = Estimator(rows_of(x, x, x[:, 0] ** 2 / 2), grid, bias_grid, "kernel", widths)
    two = Estimator(rows_of(again, again, again[:, 0] ** 2 / 2), grid, bias_grid, "kernel", widths)
    np.testing.assert_allclose(one.surface(times.astype(float)), two.surface(), atol=1e-9)


def test_what_was_never_visited_is_masked() -> None:
    x = np.random.default_rng(7).uniform(0.0, 1.0, (500, 1))
    grid = Grid.make([np.linspace(-2, 3, 101)])
    made = Estimator(rows_of(x, None, np.zeros(500)), grid, None, "kernel", np.array([0.1]))
    inside = (grid.axes[0] > -0.12) & (grid.axes[0] < 1.12)
    assert made.visited[(grid.axes[0] > 0) & (grid.axes[0] < 1)].all()
    assert not made.visited[~inside].any()


def test_levels_of_walkers_are_their_effective_rows() -> None:
    logs = np.log(np.array([1.0, 1.0, 2.0])) + 40.0
    assert np.exp(levelled(logs)).sum() == pytest.approx(kish([1.0, 1.0, 2.0]))
