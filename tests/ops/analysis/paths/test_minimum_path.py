"""The minimum free-energy path on surfaces whose answer is known, and against exact arithmetic."""

from __future__ import annotations

import heapq
from fractions import Fraction

import numpy as np
import pytest

from nucleops.analysis.basins import lowest_pass
from nucleops.analysis.grid import Grid
from nucleops.analysis.paths.graph import GridGraph
from nucleops.analysis.paths.minimum import minimum_path


def plane(n: int = 61) -> tuple[np.ndarray, np.ndarray, Grid, GridGraph]:
    x = np.linspace(-2.0, 2.0, n)
    a, b = np.meshgrid(x, x, indexing="ij")
    grid = Grid.make([x, x])
    return a, b, grid, GridGraph(grid, np.array([4.0, 4.0]))


def flat(grid: Grid, *values: float) -> int:
    index, inside = grid.nearest([values])
    assert inside[0]
    return int(index[0])


def places(grid: Grid, path: np.ndarray) -> np.ndarray:
    where = np.stack(np.unravel_index(path, grid.shape), axis=1)
    return np.stack([axis[where[:, d]] for d, axis in enumerate(grid.axes)], axis=1)


def exact(surface: np.ndarray, graph: GridGraph, start: int, end: int, level: float) -> Fraction:
    """Smallest integral of exp(F) below a level, in rational numbers: nothing is rounded."""
    f = surface.ravel()
    # the same exponentials as numbers of 53 bits, but their sums exact
    w = [Fraction(float(np.exp(v - level))) if v <= level else None for v in f]
    near: dict[int, list[tuple[int, Fraction]]] = {}
    for a, b, left, right, length in zip(*(x.tolist() for x in graph.edges), strict=True):
        ends = [w[k] for k in (a, b, left, right)]
        if any(one is None for one in ends):
            continue
        cost = sum(ends, Fraction(0)) / 4 * Fraction(length)
        near.setdefault(a, []).append((b, cost))
        near.setdefault(b, []).append((a, cost))
    best, queue, done = {start: Fraction(0)}, [(Fraction(0), start)], set()
    while queue:
        so_far, k = heapq.heappop(queue)
        if k == end:
            return so_far
        if k in done:
            continue
        done.add(k)
        for q, cost in near.get(k, []):
            if q not in best or so_far + cost < best[q]:
                best[q] = so_far + cost
                heapq.heappush(queue, (best[q], q))
    raise AssertionError("not joined")


def integral(surface: np.ndarray, graph: GridGraph, path: np.ndarray, level: float) -> Fraction:
    f = surface.ravel()
    costs = {}
    for a, b, left, right, length in zip(*(x.tolist() for x in graph.edges), strict=True):
        ends = [Fraction(float(np.exp(f[k] - level))) for k in (a, b, left, right)]
        costs[a, b] = costs[b, a] = sum(ends, Fraction(0)) / 4 * Fraction(length)
    steps = zip(path[:-1].tolist(), path[1:].tolist(), strict=True)
    return sum((costs[step] for step in steps), Fraction(0))


@pytest.mark.parametrize("seed", range(4))
def test_path_is_the_minimax_path_with_the_smallest_integral(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = Grid.make([np.arange(9.0), np.arange(8.0)])
    graph = GridGraph(grid, np.array([1.0, 1.5]))
    # 40 kT: where one side of the pass is summed up across it, the other is lost to rounding
    surface = rng.uniform(0, 40, grid.shape)
    start, end = 0, int(np.prod(grid.shape)) - 1
    path = minimum_path(surface, graph, start, end)
    assert path is not None
    assert (path[0], path[-1]) == (start, end)
    level = lowest_pass(surface, grid, start, end)
    assert surface.ravel()[path].max() == level
    wanted = exact(surface, graph, start, end, level)
    assert float(integral(surface, graph, path, level) / wanted) == pytest.approx(1.0, abs=1e-12)


def test_a_deep_valley_on_the_way_is_crossed_by_the_shortest_way() -> None:
    """80 kT below the passes on both sides, where the integral has no digit left for it."""
    x = np.linspace(0.0, 4.0, 81)
    y = np.linspace(-1.0, 1.0, 41)
    a, b = np.meshgrid(x, y, indexing="ij")
    grid = Grid.make([x, y])
    graph = GridGraph(grid, np.array([4.0, 2.0]))
    surface = 40.0 * np.cos(2 * np.pi * a / 2.0) + 30.0 * b**2 + 0.01 * a
    start, end = flat(grid, 0.6, 0.0), flat(grid, 3.0, 0.0)
    path = minimum_path(surface, graph, start, end)
    assert path is not None
    at = places(grid, path)
    assert np.abs(at[:, 1]).max() < 1e-9
    assert np.all(np.diff(at[:, 0]) > 0)


def test_three_wells_are_joined_over_their_saddle() -> None:
    a, b, grid, graph = plane(81)
    surface = 8.0 + 0.5 * (a**2 + b**2)
    for u, v, depth in ((-1, -1, 5.0), (1, 1, 4.0), (1, -1, 2.0)):
        surface = surface - depth * np.exp(-((a - u) ** 2 + (b - v) ** 2) / 0.3)
    path = minimum_path(surface, graph, flat(grid, -1, -1), flat(grid, 1, 1))
    assert path is not None
    assert np.abs(places(grid, path)[len(path) // 2]).max() < 0.15


def test_unknown_points_are_walked_around_and_a_wall_of_them_is_the_end() -> None:
    a, b, grid, graph = plane()
    wall = (np.abs(a) < 0.2) & (b < 1.5)
    surface = np.where(wall, np.nan, 0.5 * b**2)
    start, end = flat(grid, -1, 0), flat(grid, 1, 0)
    path = minimum_path(surface, graph, start, end)
    assert path is not None
    assert np.all(np.isfinite(surface.ravel()[path]))
    assert places(grid, path)[:, 1].max() >= 1.5
    across = np.where(np.abs(a) < 0.2, np.nan, surface)
    assert minimum_path(across, graph, start, end) is None
    thin = np.where(a == grid.axes[0][30], np.nan, 0.5 * b**2)
    # one column of unknown points: no knight jumps over it
    assert minimum_path(thin, graph, start, end) is None


def test_a_periodic_variable_is_crossed_at_its_end() -> None:
    phi = -np.pi + 2 * np.pi / 72 * np.arange(72)
    grid = Grid.make([phi, np.linspace(-1, 1, 21)], [2 * np.pi, None])
    a, b = np.meshgrid(*grid.axes, indexing="ij")
    surface = 4 * np.cos(a) + 2 * b**2 + np.where(np.abs(a) < 0.3, 5.0, 0.0)
    start, end = flat(grid, -2.5, 0.0), flat(grid, 2.5, 0.0)
    path = minimum_path(surface, GridGraph(grid, np.array([6.3, 2.0])), start, end)
    assert path is not None
    assert np.abs(places(grid, path)[:, 0]).min() > 2.4


def test_a_straight_path_is_not_a_zigzag() -> None:
    a, b, grid, graph = plane()
    surface = 20.0 * (b - 0.5 * a) ** 2
    path = minimum_path(surface, graph, flat(grid, -1.6, -0.8), flat(grid, 1.6, 0.8))
    assert path is not None
    at = places(grid, path)
    length = np.linalg.norm(np.diff(at, axis=0), axis=1).sum()
    assert length == pytest.approx(np.hypot(3.2, 1.6), rel=0.01)
    np.testing.assert_allclose(at[:, 1], 0.5 * at[:, 0], atol=0.04)


@pytest.mark.parametrize("dimensions", [1, 3])
def test_other_numbers_of_variables(dimensions: int) -> None:
    axis = np.linspace(-1.5, 1.5, 21)
    grid = Grid.make([axis] * dimensions)
    mesh = np.meshgrid(*grid.axes, indexing="ij")
    surface = 5 * (mesh[0] ** 2 - 1) ** 2 + sum((3 * m**2 for m in mesh[1:]), 0 * mesh[0])
    ends = [[s] + [0.0] * (dimensions - 1) for s in (-1.05, 1.05)]
    path = minimum_path(
        surface, GridGraph(grid, np.full(dimensions, 3.0)), *(flat(grid, *e) for e in ends)
    )
    assert path is not None
    assert surface.ravel()[path].max() == pytest.approx(5.0)
    assert np.all(np.diff(places(grid, path)[:, 0]) > 0)
