"""Basins by watershed and by boxes, passes between them, bootstrap and block rules."""

from __future__ import annotations

import numpy as np
import pytest

from nucleops.analysis.basins import boxes_as_basins, find_basins, lowest_pass
from nucleops.analysis.block_sizes import lee_block, mean_scan, plateau
from nucleops.analysis.bootstrap import blocks_of_rows, draws
from nucleops.analysis.convergence import (
    difference_of_members,
    goes_back_and_forth,
    trips_of_members,
)
from nucleops.analysis.grid import Grid
from nucleops.analysis.replicates import choose_blocks, half_width, standard_error


def three_wells() -> tuple[np.ndarray, Grid]:
    """Wells at (-1, -1), (1, 1) and, shallow, at (1, -1); the ring between them is lower."""
    x = np.linspace(-2, 2, 81)
    a, b = np.meshgrid(x, x, indexing="ij")
    wells = ((-1, -1, 5.0), (1, 1, 4.0), (1, -1, 2.0))
    surface = 8.0 + 0.5 * (a**2 + b**2)
    for u, v, depth in wells:
        surface = surface - depth * np.exp(-((a - u) ** 2 + (b - v) ** 2) / 0.3)
    return surface, Grid.make([x, x])


def test_watershed_finds_the_wells_and_their_minima() -> None:
    surface, grid = three_wells()
    basins = find_basins(surface, grid, 0.5)
    assert basins.names == ("A", "B", "C")
    for k, place in enumerate([(-1, -1), (1, 1), (1, -1)]):
        at, value = basins.minimum(surface, k)
        np.testing.assert_allclose(at, place, atol=0.11)
        assert value == surface[basins.labels == k].min()
    assert basins.of([[-1.2, -0.8], [1.1, 0.9], [5.0, 5.0]]).tolist() == [0, 1, -1]
    assert np.all(basins.labels >= 0)


def test_shallow_basins_join_deeper_ones() -> None:
    surface, grid = three_wells()
    assert find_basins(surface, grid, 2.0).names == ("A", "B")
    noisy = surface + np.random.default_rng(0).normal(0, 0.1, surface.shape)
    assert len(find_basins(noisy, grid, 0.0).names) > 50
    assert find_basins(noisy, grid, 2.0).names == ("A", "B")


def test_unknown_points_are_in_no_basin() -> None:
    surface, grid = three_wells()
    hidden = np.where(surface > 8.5, np.nan, surface)
    basins = find_basins(hidden, grid, 0.5)
    assert np.array_equal(basins.labels == -1, np.isnan(hidden))


def test_a_basin_goes_on_across_the_end_of_a_period() -> None:
    phi = -np.pi + 2 * np.pi / 72 * np.arange(72)
    grid = Grid.make([phi], [2 * np.pi])
    surface = 2.0 + 2.0 * np.cos(phi)
    basins = find_basins(surface, grid, 0.5)
    assert basins.names == ("A",)
    two = 2.0 + 2.0 * np.cos(2 * phi) + 0.3 * np.cos(phi)
    assert find_basins(two, grid, 0.5).names == ("A", "B")
    # from -pi/2 to pi/2 the lower way is through the end of the period
    start, end = 18, 54
    assert lowest_pass(two, grid, start, end) == pytest.approx(two[0], abs=1e-9)


def test_lowest_pass_is_the_saddle() -> None:
    x = np.linspace(-2, 2, 201)
    a, b = np.meshgrid(x, x, indexing="ij")
    surface = (a**2 - 1) ** 2 * 3 + b**2
    start = np.ravel_multi_index((50, 100), surface.shape)
    end = np.ravel_multi_index((150, 100), surface.shape)
    grid = Grid.make([x, x])
    assert lowest_pass(surface, grid, int(start), int(end)) == pytest.approx(3.0)
    cut = np.where(np.abs(a) < 0.1, np.nan, surface)
    assert np.isnan(lowest_pass(cut, grid, int(start), int(end)))


def test_boxes_hold_points_and_populations() -> None:
    grid = Grid.make([np.linspace(0, 4, 401)])
    basins = boxes_as_basins(["low", "high"], [[(0.0, 1.0)], [(3.0, 4.0)]], grid)
    surface = np.where(grid.axes[0] < 2, 1.0, 3.0)
    low, high = basins.population(surface, 0.6)
    assert high - low == pytest.approx(2.0)
    assert basins.of([0.5, 2.0, 3.999]).tolist() == [0, -1, 1]


@pytest.mark.parametrize("n_blocks", [4, 400])
def test_replicates_of_a_mean_spread_by_its_standard_error(n_blocks: int) -> None:
    x = np.random.default_rng(0).normal(size=4000)
    block = blocks_of_rows(np.zeros(4000, dtype=np.int64), 4000 // n_blocks)
    assert block.max() == n_blocks - 1
    made = []
    for times in draws(block, 2000, seed=1):
        assert times.mean() == pytest.approx(1.0)
        made.append([np.sum(times * x) / times.sum(), np.nan])
    means = x.reshape(n_blocks, -1).mean(axis=1)
    error = standard_error(np.array(made), n_blocks)
    few = np.sqrt((n_blocks - 1) / (n_blocks - 3))
    assert error[0] == pytest.approx(few * means.std(ddof=1) / np.sqrt(n_blocks), rel=0.06)
    assert np.isnan(error[1])


def test_blocks_do_not_span_walkers_and_lose_no_row() -> None:
    walker = np.repeat([0, 1], [25, 7])
    block = blocks_of_rows(walker, 10)
    assert block.tolist() == [0] * 10 + [1] * 15 + [2] * 7


@pytest.mark.parametrize("keep", [0.0, 0.9, 0.98])
def test_the_rules_block_gives_the_error_of_a_correlated_mean(keep: float) -> None:
    rng = np.random.default_rng(5)
    n, made, blocks = 20_000, [], []
    exact = np.sqrt((1 + keep) / (1 - keep) / (1 - keep**2) / n)
    for _ in range(20):
        x, noise = np.empty(n), rng.normal(size=n)
        x[0] = noise[0]
        for k in range(1, n):
            x[k] = keep * x[k - 1] + noise[k]
        scan = mean_scan(x, sorted({int(b) for b in np.geomspace(1, n // 8, 20)}))
        block = lee_block(scan, n)
        assert block is not None
        made.append(next(e for b, _, e in scan if b == block))
        blocks.append(block)
    assert np.mean(made) == pytest.approx(exact, rel=0.1)
    assert np.mean(blocks) > (1 + keep) / (1 - keep)


def test_no_block_is_long_enough_for_one_slow_crossing() -> None:
    x = np.tanh(np.linspace(-3, 3, 2000)) + np.random.default_rng(0).normal(0, 0.01, 2000)
    assert lee_block(mean_scan(x, [1, 2, 5, 10, 50, 200, 500]), 2000) is None


def test_intervals_of_few_blocks_are_wide() -> None:
    assert half_width(1.0, 10_000) == pytest.approx(1.96, abs=0.01)
    # the error is that of Student's t, which is wider than the blocks' own
    assert half_width(1.0, 8) == pytest.approx(2.365 / np.sqrt(7 / 5), abs=0.001)
    assert half_width(1.0, 2) == pytest.approx(12.706, abs=0.001)
    assert np.isnan(half_width(1.0, 1))


def difference_of(member: np.ndarray):
    """ln of the ratio of the rows in two basins, from how much each row counts."""

    def statistic(times: np.ndarray) -> float:
        low, high = (float(times[member == k].sum()) for k in (0, 1))
        return float(np.log(low / high)) if low and high else float("nan")

    return statistic


def test_blocks_are_long_enough_for_the_difference_of_two_basins() -> None:
    rng = np.random.default_rng(1)
    stay = rng.geometric(0.05, 2000)  # twenty rows on each side at a time, on the average
    member = np.repeat(np.arange(2000) % 2, stay)
    blocks = choose_blocks(difference_of(member), np.zeros(len(member), dtype=np.int64))
    assert blocks.level
    assert 40 < blocks.size <= len(member) // 8
    error = next(e for size, _, e in blocks.scan if size >= blocks.size)
    # of n switches: the two sums of n/2 stays each have a relative error of about sqrt(2/n)
    assert error == pytest.approx(np.sqrt(2 * 2 / 2000), rel=0.35)


@pytest.mark.parametrize("stays", [1, 2, 3])
def test_one_or_two_crossings_give_no_block(stays: int) -> None:
    member = np.repeat(np.arange(2 * stays) % 2, 500)
    walker = np.zeros(len(member), dtype=np.int64)
    blocks = choose_blocks(difference_of(member), walker)
    assert not blocks.level
    assert blocks.count == 10
    assert choose_blocks(difference_of(member), walker, 250).level  # the user knows better


def test_a_basin_in_one_stretch_only_has_no_error() -> None:
    member = np.zeros(1280, dtype=np.int64)
    member[500:505] = 1
    blocks = choose_blocks(difference_of(member), np.zeros(1280, dtype=np.int64))
    assert (blocks.level, blocks.scan) == (False, [])


def test_white_noise_needs_blocks_of_few_stretches() -> None:
    scan, block = plateau(np.random.default_rng(2).normal(size=128))
    assert block is not None
    assert block <= 16
    assert scan[0][:2] == (1, 128)


def test_members_give_differences_trips_and_free_motion() -> None:
    member = np.tile([0] * 8 + [-1] + [1] * 2, 400)
    value, error = difference_of_members(member, np.zeros(len(member)), 0.6)
    assert value == pytest.approx(0.6 * np.log(4.0), abs=0.01)
    assert error < 0.01
    assert trips_of_members(member) == 399
    assert goes_back_and_forth(member)
    stuck = np.concatenate([member, np.zeros(2000, dtype=int)])
    assert not goes_back_and_forth(stuck)
