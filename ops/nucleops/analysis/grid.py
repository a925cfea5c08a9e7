"""Regular grids in one or more collective variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """Evenly spaced points along each collective variable.

    Attributes
    ----------
    axes : tuple of ndarray
        Points along each variable, ascending and evenly spaced, in the variable's unit; one
        array of shape (n_d,) for each of the D variables.
    periods : tuple of float or None
        Period of each variable; None where it is not periodic. A periodic axis holds the points
        of exactly one period, without its upper end.

    Raises
    ------
    ValueError
        If an axis has fewer than two points, is not evenly spaced, or does not span its period.
    """

    axes: tuple[FloatArray, ...]
    periods: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if len(self.axes) != len(self.periods):
            raise ValueError(f"{len(self.axes)} axes but {len(self.periods)} periods")
        for axis, period in zip(self.axes, self.periods, strict=True):
            steps = np.diff(axis)
            if len(axis) < 2 or steps[0] <= 0 or not np.allclose(steps, steps[0], rtol=1e-4):
                raise ValueError("a grid axis must be ascending, even, and of two points or more")
            if period is not None and not np.isclose(len(axis) * self._step(axis), period):
                raise ValueError(f"a periodic axis must span one period of {period}")

    @staticmethod
    def _step(axis: FloatArray) -> float:
        return float((axis[-1] - axis[0]) / (len(axis) - 1))

    @classmethod
    def make(cls, axes: Sequence[ArrayLike], periods: Sequence[float | None] | None = None) -> Grid:
        """Make a grid from axes, shape (n_d,) each; not periodic unless `periods` says so."""
        arrays = tuple(np.asarray(axis, dtype=np.float64) for axis in axes)
        return cls(arrays, tuple(periods) if periods is not None else (None,) * len(arrays))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points along each variable."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def spacing(self) -> FloatArray:
        """Distance between neighbouring points along each variable, shape (D,)."""
        return np.array([self._step(axis) for axis in self.axes])

    @property
    def origin(self) -> FloatArray:
        """First point along each variable, shape (D,)."""
        return np.array([axis[0] for axis in self.axes])

    @property
    def n_dimensions(self) -> int:
        """Number of variables, D."""
        return len(self.axes)

    def nearest(self, points: ArrayLike) -> tuple[IntArray, BoolArray]:
        """Find the grid point nearest to each of the points.

        Parameters
        ----------
        points : array_like
            Values of the variables, shape (F, D), or (F,) where D is 1.

        Returns
        -------
        index : ndarray
            Flat (C-order) index of the nearest grid point, shape (F,); 0 where outside.
        inside : ndarray
            False for points more than half a spacing outside a non-periodic axis, shape (F,).
        """
        values = as_points(points, self.n_dimensions)
        index = np.zeros(len(values), dtype=np.int64)
        inside = np.ones(len(values), dtype=np.bool_)
        for d, (axis, period) in enumerate(zip(self.axes, self.periods, strict=True)):
            k = np.floor((values[:, d] - axis[0]) / self.spacing[d] + 0.5).astype(np.int64)
            if period is None:
                inside &= (k >= 0) & (k < len(axis))
                k = np.clip(k, 0, len(axis) - 1)
            else:
                k %= len(axis)
            index = index * len(axis) + k
        return np.where(inside, index, 0), inside


def as_points(values: ArrayLike, n_dimensions: int) -> FloatArray:
    """Return values as a float array of shape (F, D); (F,) is taken as (F, 1).

    Raises
    ------
    ValueError
        If the last dimension is not D.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != n_dimensions:
        raise ValueError(f"expected values of shape (F, {n_dimensions}), found {array.shape}")
    return array


def spanning(low: float, high: float, spacing: float, most: int = 400) -> FloatArray:
    """Return an even axis from `low` to `high`, shape (n,), no finer than `spacing`.

    At most `most` points are made; the spacing grows where that many do not suffice.
    """
    n = int(np.clip(np.ceil((high - low) / spacing) + 1, 2, most))
    return np.linspace(low, high, n)
