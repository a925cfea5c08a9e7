"""Rows of a free-energy analysis, to which the frames of a trajectory are matched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleops.analysis.grid import FloatArray, Grid, IntArray
from nucleops.errors import WrongInput

_LEAST_SHARE = 0.05
_CLOSE = 0.01
"""Share of the time between two rows by which a frame and its row may be apart: times are printed
with few decimals, and binary trajectories hold them in single precision."""


@dataclass(frozen=True)
class Series:
    """Rows with their weights, of all walkers one after the other.

    Attributes
    ----------
    times : ndarray
        Time of each row, in the series' unit, shape (F,).
    values : ndarray
        The K variables of the surface, shape (F, K).
    log_weights : ndarray
        Logarithm of each row's weight, shape (F,).
    walker : ndarray of int
        Shape (F,), ascending.
    basin : ndarray of int
        Basin of each row, shape (F,); -1 where none.
    block : ndarray of int
        Block of each row, within which rows are taken to be correlated, shape (F,).
    energies : ndarray
        Free energy where each row is, shape (F,); nan where unknown.
    """

    times: FloatArray
    values: FloatArray
    log_weights: FloatArray
    walker: IntArray
    basin: IntArray
    block: IntArray
    energies: FloatArray

    @property
    def weights(self) -> FloatArray:
        """Weight of each row relative to the largest, shape (F,)."""
        return np.asarray(np.exp(self.log_weights - self.log_weights.max(initial=-np.inf)))


def on_grid(surface: FloatArray, grid: Grid, values: FloatArray) -> FloatArray:
    """Return a surface, ``grid.shape``, at the grid points nearest to values, (F, K) -> (F,)."""
    index, inside = grid.nearest(values)
    return np.asarray(np.where(inside, surface.ravel()[index], np.nan))


def match(times: FloatArray, rows: FloatArray) -> IntArray:
    """Find the row of each frame by its time.

    Parameters
    ----------
    times : ndarray
        Of the frames, shape (F,).
    rows : ndarray
        Of the rows, ascending, shape (R,), in the same unit.

    Returns
    -------
    ndarray of int
        Shape (F,); -1 where no row is within a hundredth of the time between rows.
    """
    if not len(rows):
        return np.full(len(times), -1, dtype=np.int64)
    after = np.clip(np.searchsorted(rows, times), 1, max(len(rows) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(rows) - 1)
    nearest = np.where(np.abs(rows[after] - times) < np.abs(times - rows[before]), after, before)
    step = float(np.median(np.diff(rows))) if len(rows) > 1 else 1.0
    single = 4 * float(np.finfo(np.float32).eps) * np.abs(times)
    close = np.abs(rows[nearest] - times) <= np.maximum(_CLOSE * step, single)
    return np.where(close, nearest, -1)


def refuse_strangers(
    what: str, series: str, times: FloatArray, rows: FloatArray, matched: IntArray, unit: str
) -> None:
    """Refuse a trajectory of which most frames between the first and the last row have none.

    Raises
    ------
    WrongInput
        With the times of both.
    """
    between = (times >= rows[:1].sum()) & (times <= rows[-1:].sum())
    found = int(np.sum(matched >= 0))
    # in another unit a few frames fall among the rows, and perhaps onto one
    if 2 * found >= int(between.sum()) and _LEAST_SHARE * len(times) < found:
        return
    raise WrongInput(
        f"{what}: {found or 'none'} of its {len(times)} frames, {_span(times)} {unit}, "
        f"{'is' if found < 2 else 'are'} at the time of a row of {series}, {_span(rows)}",
        advice="give the unit of times in the series (--time-unit), the time step of the "
        "trajectory (--time-step), or the files of one run",
    )


def _span(times: FloatArray) -> str:
    if not len(times):
        return "none"
    every = f" every {np.median(np.diff(times)):.6g}" if len(times) > 1 else ""
    return f"{times[0]:.6g} to {times[-1]:.6g}{every}"
