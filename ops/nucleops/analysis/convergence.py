"""Free-energy differences between regions, and how a run moves between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.errors import jackknife
from nucleops.analysis.grid import BoolArray, FloatArray, Grid, IntArray, as_points

Box = Sequence[tuple[float, float]]
"""Lowest and highest value of each collective variable, shape (D, 2)."""


def in_box(points: ArrayLike, box: Box) -> BoolArray:
    """Which points, shape (F, D), lie inside a box (bounds included), shape (F,)."""
    x = as_points(points, len(box))
    bounds = np.asarray(box, dtype=np.float64)
    return np.asarray(np.all((x >= bounds[:, 0]) & (x <= bounds[:, 1]), axis=1), dtype=np.bool_)


def grid_points(grid: Grid) -> FloatArray:
    """All points of a grid in C order, shape (n, D)."""
    mesh = np.meshgrid(*grid.axes, indexing="ij")
    return np.stack([m.ravel() for m in mesh], axis=1)


def difference_on_grid(surface: ArrayLike, grid: Grid, start: Box, end: Box, kT: float) -> float:
    """Free energy of box `end` minus that of box `start`.

    ``-kT ln( int_end exp(-F/kT) ds / int_start exp(-F/kT) ds )``.

    Parameters
    ----------
    surface : array_like
        Free energy, ``grid.shape``, in the unit of kT; inf where not known.
    grid : Grid
        Its grid.
    start, end : Box
        The two basins.
    kT : float
        Thermal energy.

    Returns
    -------
    float
        nan where a box holds no known point.
    """
    from scipy.special import logsumexp

    minus = -np.asarray(surface, dtype=np.float64).ravel() / kT
    points = grid_points(grid)
    logs = []
    for box in (start, end):
        inside = minus[in_box(points, box) & np.isfinite(minus)]
        if not len(inside):
            return float("nan")
        logs.append(float(logsumexp(inside)))
    return kT * (logs[0] - logs[1])


def difference_from_samples(
    samples: ArrayLike,
    log_weights: ArrayLike,
    start: Box,
    end: Box,
    kT: float,
    n_blocks: int = 10,
) -> tuple[float, float]:
    """Free-energy difference of two boxes from reweighted samples, with a jackknife error.

    Parameters
    ----------
    samples : array_like
        Shape (F, D), in order of time.
    log_weights : array_like
        Logarithm of each sample's weight, shape (F,).
    start, end : Box
        The two basins.
    kT : float
        Thermal energy in the unit wanted.
    n_blocks : int
        Consecutive blocks for the error.

    Returns
    -------
    difference, error : float
        nan where a box was not visited (or, for the error, was visited in one block only).
    """
    return difference_of_members(members(samples, start, end), log_weights, kT, n_blocks)


def members(samples: ArrayLike, start: Box, end: Box) -> IntArray:
    """Which box each row, shape (F, D), is in, shape (F,): 0 or 1, or -1 for neither."""
    inside_end = np.where(in_box(samples, end), 1, -1)
    return np.where(in_box(samples, start), 0, inside_end)


def difference_of_members(
    member: ArrayLike,
    log_weights: ArrayLike,
    kT: float,
    n_blocks: int = 10,
    basins: tuple[int, int] = (0, 1),
) -> tuple[float, float]:
    """Free energy of the second basin minus the first's from rows, with a jackknife error.

    Parameters
    ----------
    member : array_like of int
        Basin of each row, shape (F,), in order of time.
    log_weights : array_like
        Logarithm of each row's weight, shape (F,).
    kT : float
        Thermal energy in the unit wanted.
    n_blocks : int
        Consecutive blocks for the error.
    basins : tuple of int
        The two basins.

    Returns
    -------
    difference, error : float
        nan where a basin was not visited (or, for the error, was visited in one block only).
    """
    which, logs = np.asarray(member), np.asarray(log_weights, dtype=np.float64)
    if not len(logs):
        return float("nan"), float("nan")
    w = np.exp(logs - logs.max())
    inside = np.stack([(which == basin) * w for basin in basins], axis=1)
    blocks = np.array([part.sum(axis=0) for part in np.array_split(inside, n_blocks)])

    def difference(sums: FloatArray) -> float:
        if sums[0] <= 0 or sums[1] <= 0:
            return float("nan")
        return float(kT * np.log(sums[0] / sums[1]))

    return jackknife(difference, blocks)


def round_trips(samples: ArrayLike, start: Box, end: Box) -> int:
    """How often a run went from `start` to `end` and back again (or the other way round)."""
    return trips_of_members(members(samples, start, end))


def trips_of_members(member: ArrayLike, basins: tuple[int, int] = (0, 1)) -> int:
    """How often a run went from one basin to the other and back, from the basin of each row."""
    which = np.asarray(member)
    state = which[np.isin(which, basins)]
    return int(np.count_nonzero(np.diff(state))) // 2


def goes_back_and_forth(member: ArrayLike, basins: tuple[int, int] = (0, 1)) -> bool:
    """Whether a run moves freely between two basins: is in both in each quarter of its last half.

    Once the bias has flattened the surface, the variables diffuse; a run that still is held in one
    place for a quarter of that time is not there yet.
    """
    which = np.asarray(member)
    late = which[len(which) // 2 :]
    quarters = np.array_split(late, 4)
    return all(bool(np.any(q == basin)) for q in quarters for basin in basins)
