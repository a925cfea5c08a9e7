"""The static bias that a history-dependent one amounts to, from the force that was felt where.

While a slowly growing bias V(s, t) lets the variables equilibrate locally, the gradient of the free
energy is at every s (F. Marinelli and J. D. Faraldo-Gomez, J. Chem. Theory Comput. 17, 6775
(2021); for a bias that stands still J. Kaestner and W. Thiel, J. Chem. Phys. 123, 144104 (2005))

    grad F(s) = -kT grad ln rho(s) - <grad V(s, t)>,

with rho the density of all rows and the mean over the rows at s, whenever they were there. So all
rows together are a sample of one run under the static bias U with grad U = <grad V>, and their
weights are exp(U/kT). No offset c(t) enters, and what the run stayed too long in one place is made
up by the hills that it laid there. Energies are in one unit throughout a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray, Grid, IntArray, as_points, spanning

_FINEST = {1: 1000, 2: 150, 3: 40}


@dataclass(frozen=True)
class StaticBias:
    """A static bias on a grid.

    Attributes
    ----------
    grid : Grid
        Its grid.
    bias : ndarray
        The bias, ``grid.shape``, in the energies' unit; nan where no row was.
    slopes : ndarray
        Mean slope at each point, shape ``(D, *grid.shape)``; nan where no row was.
    islands : int
        How many parts of the grid were visited that do not touch: outliers, or a grid too fine.
        They are set off from each other as the rows' own bias says.
    """

    grid: Grid
    bias: FloatArray
    slopes: FloatArray
    islands: int

    def at(self, points: ArrayLike) -> FloatArray:
        """Return the bias at points, shape (F, D) -> (F,).

        It goes on straight from the nearest point of the grid that was visited.
        """
        from scipy.ndimage import distance_transform_edt

        values = as_points(points, self.grid.n_dimensions)
        axes = zip(self.grid.axes, self.grid.periods, self.grid.spacing, strict=True)
        index = []
        for d, (axis, period, step) in enumerate(axes):
            k = np.floor((values[:, d] - axis[0]) / step + 0.5).astype(np.int64)
            index.append(np.clip(k, 0, len(axis) - 1) if period is None else k % len(axis))
        near = distance_transform_edt(
            np.isnan(self.bias), sampling=self.grid.spacing / self.grid.spacing.min(),
            return_distances=False, return_indices=True,
        )  # fmt: skip
        where = tuple(part[tuple(index)] for part in near)
        made = self.bias[where]
        for d, (axis, period) in enumerate(zip(self.grid.axes, self.grid.periods, strict=True)):
            away = values[:, d] - axis[where[d]]
            if period is not None:
                away -= period * np.round(away / period)
            made = made + away * self.slopes[d][where]
        return np.asarray(made, dtype=np.float64)


def static_bias(
    points: ArrayLike,
    slopes: ArrayLike,
    bias: ArrayLike,
    grid: Grid,
    multiplicity: ArrayLike | None = None,
) -> StaticBias:
    """Average the slopes of the bias over the rows at each grid point, and integrate them.

    Neighbouring points that were both visited are joined by the mean of their slopes; the bias is
    the least-squares solution over all such pairs, each counting as the harmonic mean of the rows
    at its two points (in one variable: the trapezoidal rule).

    Parameters
    ----------
    points : array_like
        Values of the biased variables of each row, shape (F, D), or (F,) where D is 1.
    slopes : array_like
        Slope of the bias that each row felt, along each variable, shape (F, D).
    bias : array_like
        Bias less its offset c(t), shape (F,); sets the level of each island.
    grid : Grid
        Where to average; about half a hill's width fine.
    multiplicity : array_like, optional
        How often each row counts, shape (F,).

    Raises
    ------
    ValueError
        If no row lies on the grid.
    """
    from scipy.sparse.csgraph import connected_components

    values, rises = as_points(points, grid.n_dimensions), as_points(slopes, grid.n_dimensions)
    index, inside = grid.nearest(values)
    times = np.where(inside, 1.0 if multiplicity is None else np.asarray(multiplicity), 0.0)
    size = int(np.prod(grid.shape))
    count = np.bincount(index, times, size).astype(np.float64)
    been = np.flatnonzero(count)
    if not len(been):
        raise ValueError("no row lies on the grid")
    mean = np.full((grid.n_dimensions, size), np.nan)
    for d in range(grid.n_dimensions):
        mean[d, been] = np.bincount(index, times * rises[:, d], size)[been] / count[been]
    number = np.full(size, -1)
    number[been] = np.arange(len(been))
    start, end, rise, weight = _pairs(grid, number, mean, count)
    if grid.n_dimensions == 1 and grid.periods[0] is None:
        level, island = _along_line(len(been), number[end], rise)
    else:
        joined = _joined(len(been), number[start], number[end], weight)
        level = _least_squares(joined, number[start], number[end], rise * weight)
        _, island = connected_components(joined, directed=False)
    # each island is lifted to where its rows' own bias says, on the average
    own = np.bincount(index, times * np.asarray(bias, dtype=np.float64), size)[been]
    heavy = np.bincount(island, count[been])
    lift = np.bincount(island, own - count[been] * level) / heavy
    made = np.full(size, np.nan)
    made[been] = level + lift[island]
    slopes_there = mean.reshape(-1, *grid.shape)
    return StaticBias(grid, made.reshape(grid.shape), slopes_there, len(lift))


def bias_grid_over(
    values: FloatArray, sigma: Sequence[float] | FloatArray, periods: Sequence[float | None]
) -> Grid:
    """Grid for a static bias: over all rows, half a hill's width fine where that is affordable.

    Parameters
    ----------
    values : ndarray
        Values of the biased variables of each row, shape (F, D).
    sigma : sequence of float
        Width of the hills along each variable, shape (D,).
    periods : sequence of float or None
        Of each variable.
    """
    most = _FINEST[values.shape[1]]
    axes = []
    for v, width, period in zip(values.T, sigma, periods, strict=True):
        if period is not None:
            n = int(np.clip(np.ceil(2 * period / width), 4, most))
            axes.append(-period / 2 + period / n * np.arange(n))
        else:
            axes.append(spanning(v.min(), max(v.max(), v.min() + width), width / 2, most))
    return Grid.make(axes, periods)


def _pairs(
    grid: Grid, number: IntArray, mean: FloatArray, count: FloatArray
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Neighbours that were both visited, the rise from one to the other, and its weight."""
    flat = np.arange(number.size).reshape(grid.shape)
    starts, ends, rises = [], [], []
    for d, period in enumerate(grid.periods):
        a = flat if period is not None else np.take(flat, range(grid.shape[d] - 1), axis=d)
        b = np.roll(flat, -1, axis=d)
        b = b if period is not None else np.take(b, range(grid.shape[d] - 1), axis=d)
        both = (number[a] >= 0) & (number[b] >= 0)
        a, b = a[both], b[both]
        starts.append(a)
        ends.append(b)
        rises.append(0.5 * grid.spacing[d] * (mean[d, a] + mean[d, b]))
    start, end = np.concatenate(starts), np.concatenate(ends)
    weight = 2.0 * count[start] * count[end] / (count[start] + count[end])
    return start, end, np.concatenate(rises), weight


def _along_line(n: int, end: IntArray, rise: FloatArray) -> tuple[FloatArray, IntArray]:
    """Levels of n points on a line, from the rises to those that have a neighbour before them.

    No pair closes a ring there, so that least squares takes each rise as it is.
    """
    step, first = np.zeros(n), np.ones(n, dtype=np.bool_)
    step[end], first[end] = rise, False
    return np.cumsum(step), (np.cumsum(first) - 1).astype(np.int64)


def _joined(n: int, start: IntArray, end: IntArray, weight: FloatArray) -> Any:
    """Weights of pairs of n points as a symmetric sparse matrix, shape (n, n)."""
    from scipy.sparse import coo_array

    one_way = coo_array((weight, (start, end)), shape=(n, n))
    return (one_way + one_way.T).tocsr()


def _least_squares(joined: Any, start: IntArray, end: IntArray, pull: FloatArray) -> FloatArray:
    """Levels of n points whose pairs are pulled apart, to all pulls as well as can be, (n,)."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import spsolve

    n = joined.shape[0]
    pulled = np.bincount(end, pull, n) - np.bincount(start, pull, n)
    diagonal = np.asarray(joined.sum(axis=1)).ravel()
    # without a trace of each point's own pull to zero the levels of islands are not definite
    trace = 1e-9 * max(float(diagonal.max(initial=0.0)), 1.0)
    matrix = (diags_array(diagonal + trace) - joined).tocsc()
    return np.atleast_1d(np.asarray(spsolve(matrix, pulled), dtype=np.float64))
