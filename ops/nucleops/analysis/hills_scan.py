"""What one pass over hills tells: ranges, widths, heights, times; and the grids that follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nucleops.analysis.grid import FloatArray, Grid, spanning
from nucleops.bias.hills import HillsTable, Kernel
from nucleops.errors import WrongInput

_PER_SIGMA = {1: 10.0, 2: 5.0, 3: 3.0}
_FINEST = {1: 4000, 2: 600, 3: 120}


@dataclass(frozen=True)
class HillsScan:
    """Sums over hills that may be too many to keep.

    Attributes
    ----------
    cvs : tuple of str
        Names of the D variables.
    periods : tuple of float or None
        Their periods.
    kernel : str
        As the hills are cut.
    bias_factor : float
        gamma; 1 or less where the run was not tempered.
    count : int
        Number of hills.
    low, high, sigma : ndarray
        Lowest and highest centre, and least width, along each variable, shape (D,).
    first_height : float
        Height of the first hill.
    first_time, last_time : float
        When hills were laid.
    """

    cvs: tuple[str, ...]
    periods: tuple[float | None, ...]
    kernel: Kernel
    bias_factor: float
    count: int
    low: FloatArray
    high: FloatArray
    sigma: FloatArray
    first_height: float
    first_time: float
    last_time: float

    def with_(self, other: HillsScan, where: str) -> HillsScan:
        """Return the scan of both, of walkers along the same variables.

        Raises
        ------
        WrongInput
            They differ in variables, periods, kernel or bias factor.
        """

        def kind(scan: HillsScan) -> tuple[object, ...]:
            return scan.cvs, scan.periods, scan.kernel, scan.bias_factor

        if kind(other) != kind(self):
            raise WrongInput(
                f"{where}: variables, periods, kernel and bias factor: found {kind(other)}, "
                f"allowed those of the first hills, {kind(self)}"
            )
        return replace(
            self,
            count=self.count + other.count,
            low=np.minimum(self.low, other.low),
            high=np.maximum(self.high, other.high),
            sigma=np.minimum(self.sigma, other.sigma),
            first_time=min(self.first_time, other.first_time),
            last_time=max(self.last_time, other.last_time),
        )


def scan_hills(pieces: Iterable[HillsTable], where: str) -> HillsScan:
    """Go through hills once.

    Raises
    ------
    WrongInput
        There is no hill.
    """
    found: HillsScan | None = None
    for table in pieces:
        if not len(table):
            continue
        own = HillsScan(
            cvs=table.cvs,
            periods=table.periods,
            kernel=table.kernel,
            bias_factor=table.bias_factor,
            count=len(table),
            low=table.centres.min(axis=0),
            high=table.centres.max(axis=0),
            sigma=table.sigmas.min(axis=0),
            first_height=float(table.height[0]),
            first_time=float(table.time_fs[0]),
            last_time=float(table.time_fs[-1]),
        )
        found = own if found is None else found.with_(own, where)
    if found is None:
        raise WrongInput(f"{where}: holds no hills")
    return found


def grid_over(
    low: Sequence[float] | FloatArray,
    high: Sequence[float] | FloatArray,
    sigma: Sequence[float] | FloatArray,
    periods: Sequence[float | None],
    *,
    per_sigma: float = 2.0,
    most: int = 200,
) -> Grid:
    """Return a grid that reaches three widths beyond a range, so many points to a width.

    Parameters
    ----------
    low, high, sigma : sequence of float
        Of each variable, shape (D,).
    periods : sequence of float or None
        A periodic variable's axis is its whole period about zero.
    per_sigma : float
        Points to a width.
    most : int
        At most so many points along a variable; the grid is coarser where they do not suffice.
    """
    axes: list[FloatArray] = []
    for a, b, s, period in zip(low, high, sigma, periods, strict=True):
        if period is None:
            axes.append(spanning(a - 3.0 * s, b + 3.0 * s, s / per_sigma, most))
        else:
            n = int(np.clip(np.ceil(per_sigma * period / s), 4, most))
            axes.append(np.asarray(-period / 2 + period / n * np.arange(n), dtype=np.float64))
    return Grid.make(axes, periods)


def history_grid(hills: HillsTable | HillsScan, points: FloatArray) -> Grid:
    """Grid on which a bias is followed: over all hills and points (F, D), fine beside the hills."""
    if isinstance(hills, HillsTable):
        if not len(hills):
            low = high = points[0]
            sigma = np.maximum(np.ptp(points, axis=0) / 20, 1e-6)
        else:
            low, high = hills.centres.min(axis=0), hills.centres.max(axis=0)
            sigma = hills.sigmas.min(axis=0)
    else:
        low, high, sigma = hills.low, hills.high, hills.sigma
    d = points.shape[1]
    return grid_over(
        np.minimum(low, points.min(axis=0)),
        np.maximum(high, points.max(axis=0)),
        sigma,
        hills.periods,
        per_sigma=_PER_SIGMA[d],
        most=_FINEST[d],
    )
