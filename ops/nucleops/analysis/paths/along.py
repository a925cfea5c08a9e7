"""A minimum free-energy path with its profile, its pass and its order, all with errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from nucleops.analysis.basins import Basins
from nucleops.analysis.convergence import grid_points
from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.paths.ends import End
from nucleops.analysis.paths.graph import GridGraph
from nucleops.analysis.paths.minimum import minimum_path
from nucleops.analysis.paths.order import half_way, precedence, progress, unwrapped
from nucleops.analysis.replicates import half_width, standard_error

LEAST_SHARE = 0.9
"""Share of the replicates in which a number must be known for it to have an error."""
MOST_POINTS = 20_000
FEW_REPLICATES = 25
"""Replicates in which the path is found anew on a grid of more than :data:`MOST_POINTS` points."""


@dataclass(frozen=True)
class Order:
    """By how much `before` changes ahead of `after` (:func:`precedence`), and 95 % interval."""

    before: str
    after: str
    value: float
    low: float
    high: float

    def sentence(self) -> str:
        """Say it in words."""
        number = f"order {self.value:+.2f}"
        if not np.isfinite(self.value):
            return f"{self.before} or {self.after} hardly changes between the ends."
        if np.isfinite(self.low):
            number += f" (95 % {self.low:+.2f} to {self.high:+.2f})"
            if self.low <= 0 <= self.high:
                return f"{self.before} and {self.after} change in no certain order: {number}."
        first, second = (self.before, self.after) if self.value > 0 else (self.after, self.before)
        return f"{first} changes before {second}: {number}."


@dataclass(frozen=True)
class PathProfile:
    """The path between two ends and what is known along it; energies in the surface's unit.

    Attributes
    ----------
    variables : tuple of str
        The D variables.
    ends : tuple of str
        Names of its ends.
    points : ndarray of int
        Flat indices of its points on the grid, shape (n,).
    values : ndarray
        The variables there, without jumps of periodic ones, shape (n, D).
    along : ndarray
        Length up to each point in units of the whole, from 0 to 1, shape (n,); each variable counts
        in units of its known range.
    profile, error : ndarray
        Free energy above the start, and its standard error, shape (n,).
    top : int
        Place of the highest point among `points`.
    height, height_error : float
        Free energy of the pass above the start; in each replicate the path is found anew.
    progress : ndarray
        Share of its change that each variable has made, shape (n, D).
    half_way : ndarray
        Where along the path each variable has made half of it, shape (D,).
    orders : tuple of Order
        Of each pair of variables.
    crossed : tuple of str
        Basins that the path leads through, in its order.
    replicates : int
        Surfaces behind the errors.
    """

    variables: tuple[str, ...]
    ends: tuple[str, str]
    points: IntArray
    values: FloatArray
    along: FloatArray
    profile: FloatArray
    error: FloatArray
    top: int
    height: float
    height_error: float
    progress: FloatArray
    half_way: FloatArray
    orders: tuple[Order, ...]
    crossed: tuple[str, ...]
    replicates: int


def path_between(
    surface: FloatArray,
    basins: Basins,
    variables: Sequence[str],
    ends: tuple[End, End],
    kT: float,
    replicates: FloatArray | None = None,
    n_blocks: int = 0,
) -> PathProfile | None:
    """Find the minimum free-energy path between two ends, with errors.

    Parameters
    ----------
    surface : ndarray
        Free energy, ``grid.shape``; not finite where unknown, which is never crossed.
    basins : Basins
        Basins on its grid.
    variables : sequence of str
        Names of the D variables.
    ends : tuple of End
        Where it begins and ends.
    kT : float
        Thermal energy in the surface's unit.
    replicates : ndarray, optional
        Bootstrap surfaces, shape ``(n, *grid.shape)``, of which errors and intervals are made: the
        profile's along the path as it stands, the pass's and the order's along each one's own path.
    n_blocks : int
        Blocks of rows behind the replicates.

    Returns
    -------
    PathProfile or None
        None where no points that the run has visited join the ends.
    """
    extent = grid_points(basins.grid)[np.isfinite(surface).ravel()]
    span = np.ptp(extent, axis=0) if len(extent) else np.zeros(0)
    graph = GridGraph(basins.grid, np.maximum(span, basins.grid.spacing))
    whole = _one(surface, basins, graph, ends, kT)
    if whole is None:
        return None
    points, height, orders = whole
    values = _values(points, basins)
    along = _along(values, graph.scale)
    done = progress(values, 2 * basins.grid.spacing)
    profile = surface.ravel()[points] - surface.ravel()[points[0]]
    drawn = np.empty((0, *surface.shape)) if replicates is None else replicates
    flat = drawn.reshape(len(drawn), surface.size)[:, points]
    again = drawn if surface.size <= MOST_POINTS else drawn[:FEW_REPLICATES]
    found = [_one(one, basins, graph, ends, kT) for one in again]
    heights = np.array([np.nan if one is None else one[1] for one in found])
    own = np.array([np.full(len(orders), np.nan) if one is None else one[2] for one in found])
    own = own.reshape(len(found), len(orders))
    return PathProfile(
        variables=tuple(variables),
        ends=(ends[0].name, ends[1].name),
        points=points,
        values=values,
        along=along,
        profile=profile,
        error=_error(flat - flat[:, :1], n_blocks),
        top=int(np.argmax(profile)),
        height=height,
        height_error=float(_error(heights, n_blocks)),
        progress=done,
        half_way=np.array([half_way(along, column) for column in done.T]),
        orders=_orders(variables, orders, own, n_blocks),
        crossed=_crossed(points, basins),
        replicates=len(drawn),
    )


def _orders(
    variables: Sequence[str], values: FloatArray, own: FloatArray, n_blocks: int
) -> tuple[Order, ...]:
    """Orders of all pairs, shape (P,), with intervals from those of the replicates, (n, P)."""
    pairs = combinations(range(len(variables)), 2)
    return tuple(
        Order(variables[j], variables[i], value, *_interval(value, column, n_blocks))
        for (i, j), value, column in zip(pairs, values.tolist(), own.T, strict=True)
    )


def _one(
    surface: FloatArray, basins: Basins, graph: GridGraph, ends: tuple[End, End], kT: float
) -> tuple[IntArray, float, FloatArray] | None:
    """Points, height of the pass above the start, and order of each pair, on one surface."""
    start, end = (one.on(surface, basins) for one in ends)
    if start < 0 or end < 0 or start == end:
        return None
    points = minimum_path(surface / kT, graph, start, end)
    if points is None:
        return None
    f = surface.ravel()[points]
    done = progress(_values(points, basins), 2 * basins.grid.spacing)
    pairs = combinations(range(done.shape[1]), 2)
    orders = np.array([precedence(done[:, j], done[:, i]) for i, j in pairs])
    return points, float(f.max() - f[0]), orders


def _values(points: IntArray, basins: Basins) -> FloatArray:
    return unwrapped(grid_points(basins.grid)[points], basins.grid.periods)


def _along(values: FloatArray, scale: FloatArray) -> FloatArray:
    steps = np.linalg.norm(np.diff(values, axis=0) / scale, axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(length / length[-1])


def _error(values: FloatArray, n_blocks: int) -> FloatArray:
    """Standard error of numbers from what each replicate gave, (n, ...) -> (...); or nan."""
    if len(values) < 2 or n_blocks < 2:
        return np.full(values.shape[1:], np.nan)
    return standard_error(values, n_blocks)


def _interval(value: float, values: FloatArray, n_blocks: int) -> tuple[float, float]:
    """Between which percentiles 95 % of the replicates are, widened for few blocks.

    Percentiles, for two ways that compete make two peaks; widened by as much as Student's t makes
    an interval wider than the normal distribution does.
    """
    known = values[np.isfinite(values)]
    if len(known) < 20 or len(known) < LEAST_SHARE * len(values) or n_blocks < 2:
        return float("nan"), float("nan")
    spread = float(known.std(ddof=1))
    wide = half_width(float(standard_error(values, n_blocks)), n_blocks)
    widening = wide / (1.96 * spread) if spread > 0 else 1.0
    low, high = value + widening * (np.quantile(known, (0.025, 0.975)) - value)
    return float(min(low, value)), float(max(high, value))


def _crossed(points: IntArray, basins: Basins) -> tuple[str, ...]:
    labels = basins.labels.ravel()[points]
    kept = labels[np.concatenate([[True], np.diff(labels) != 0])]
    return tuple(basins.names[k] for k in kept if k >= 0)
