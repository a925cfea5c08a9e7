"""Sums of metadynamics hills on grids, and the time-dependent offset of the bias.

Energies are in one unit throughout a call (the bias files' unit: kcal/mol in this project), and
collective variables in theirs. PLUMED's HILLS files hold the height that was added to the bias
multiplied by gamma/(gamma-1), so that minus their plain sum estimates the free energy; the added
height is :attr:`nucleops.bias.hills.HillsTable.added`. Hills at points: ``bias.hills.hills_bias``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray, Grid, IntArray, as_points
from nucleops.bias.hills import COLVARS_CUT, PLUMED_CUT, Kernel, kernel_value

_VALUES_AT_ONCE = 2_000_000


def sum_of_hills(
    centres: ArrayLike,
    sigmas: ArrayLike,
    heights: ArrayLike,
    grid: Grid,
    kernel: Kernel = "stretched-gaussian",
) -> FloatArray:
    """Sum hills on a grid.

    Parameters
    ----------
    centres, sigmas : array_like
        Centre and width of each hill, shape (H, D), or (H,) where D is 1.
    heights : array_like
        Height of each hill, shape (H,).
    grid : Grid
        Where to evaluate the sum.
    kernel : str
        ``stretched-gaussian`` (PLUMED, zero from dp2 = 6.25) or ``gaussian`` (Colvars).

    Returns
    -------
    ndarray
        The sum in the heights' unit, shape ``grid.shape``. With a HILLS file's own heights,
        minus this is the free energy; with the added heights, this is the bias.
    """
    total = np.zeros(int(np.prod(grid.shape)))
    for index, values in _contributions(centres, sigmas, heights, grid, kernel):
        total += np.bincount(index.ravel(), weights=values.ravel(), minlength=total.size)
    return total.reshape(grid.shape)


def sums_of_hills(
    centres: ArrayLike,
    sigmas: ArrayLike,
    heights: ArrayLike,
    grid: Grid,
    counts: Sequence[int],
    kernel: Kernel = "stretched-gaussian",
) -> Iterator[FloatArray]:
    """Yield the sum of the first n hills on a grid for each n of `counts` (ascending).

    Takes what :func:`sum_of_hills` takes; each hill is evaluated once.
    """
    c, s = as_points(centres, grid.n_dimensions), as_points(sigmas, grid.n_dimensions)
    h = np.asarray(heights, dtype=np.float64)
    total, done = np.zeros(grid.shape), 0
    for count in counts:
        if count < done:
            raise ValueError("counts must be ascending")
        total = total + sum_of_hills(c[done:count], s[done:count], h[done:count], grid, kernel)
        done = count
        yield total


def _contributions(
    centres: ArrayLike, sigmas: ArrayLike, heights: ArrayLike, grid: Grid, kernel: Kernel
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield flat grid indices and values of hills, some hills at a time, shapes (h, w1, .., wD)."""
    c, s = as_points(centres, grid.n_dimensions), as_points(sigmas, grid.n_dimensions)
    h = np.asarray(heights, dtype=np.float64)
    if not len(h):
        return
    reach = np.sqrt(2.0 * (COLVARS_CUT if kernel == "gaussian" else PLUMED_CUT)) * s.max(axis=0)
    # Only the points that a hill can reach are visited: cost does not grow with the grid.
    half = np.minimum(np.ceil(reach / grid.spacing).astype(int), np.array(grid.shape))
    widths = 2 * half + 1
    at_once = max(1, int(_VALUES_AT_ONCE // np.prod(widths)))
    for start in range(0, len(h), at_once):
        part = slice(start, start + at_once)
        dp2: FloatArray = np.zeros((1,) * (grid.n_dimensions + 1))
        index: IntArray = np.zeros((1,) * (grid.n_dimensions + 1), dtype=np.int64)
        for d in range(grid.n_dimensions):
            k, dp2_d = _along(c[part, d], s[part, d], grid, d, int(half[d]))
            shape = [len(k)] + [1] * grid.n_dimensions
            shape[d + 1] = k.shape[1]
            dp2 = dp2 + dp2_d.reshape(shape)
            index = index * grid.shape[d] + k.reshape(shape)
        tall = h[part].reshape([-1] + [1] * grid.n_dimensions)
        yield index, tall * kernel_value(dp2, kernel)


def _along(
    centre: FloatArray, sigma: FloatArray, grid: Grid, d: int, half: int
) -> tuple[IntArray, FloatArray]:
    """Grid indices near each centre along variable d and half squared distances, shape (h, w)."""
    axis, period, step = grid.axes[d], grid.periods[d], grid.spacing[d]
    if period is not None and 2 * half + 1 >= len(axis):
        k = np.broadcast_to(np.arange(len(axis)), (len(centre), len(axis)))
    else:
        nearest = np.floor((centre - axis[0]) / step + 0.5).astype(np.int64)
        k = nearest[:, None] + np.arange(-half, half + 1)
    away = axis[0] + k * step - centre[:, None]
    if period is not None:
        away -= period * np.round(away / period)
        return k % len(axis), 0.5 * (away / sigma[:, None]) ** 2
    outside = (k < 0) | (k >= len(axis))
    dp2 = np.where(outside, np.inf, 0.5 * (away / sigma[:, None]) ** 2)
    return np.where(outside, 0, k), dp2


def c_of_t(
    centres: ArrayLike,
    sigmas: ArrayLike,
    heights: ArrayLike,
    grid: Grid,
    kT: float,
    bias_factor: float | None,
    kernel: Kernel = "stretched-gaussian",
) -> FloatArray:
    """Time-dependent offset of a well-tempered bias after each hill.

    ``c(t) = kT ln( int exp(gamma V / ((gamma-1) kT)) ds / int exp(V / ((gamma-1) kT)) ds )``
    (Tiwary and Parrinello, J. Phys. Chem. B 119, 736 (2015), eq. 12); for an untempered run
    gamma -> infinity.

    Parameters
    ----------
    centres, sigmas, heights : array_like
        The hills in order of time; added heights, not the file's.
    grid : Grid
        Where to integrate; it should hold all that was visited.
    kT : float
        Thermal energy in the heights' unit.
    bias_factor : float or None
        gamma; None (or 1 or less) for an untempered run.
    kernel : str
        As in :func:`sum_of_hills`.

    Returns
    -------
    ndarray
        c after hill 1, 2, .. H, shape (H,), in the heights' unit.
    """
    tempered = bias_factor is not None and bias_factor > 1.0
    upper = bias_factor / (bias_factor - 1.0) if tempered and bias_factor else 1.0
    lower = 1.0 / (bias_factor - 1.0) if tempered and bias_factor else 0.0
    bias = np.zeros(int(np.prod(grid.shape)))
    top = bottom = float(bias.size)
    offsets: list[float] = []
    for index, values in _contributions(centres, sigmas, heights, grid, kernel):
        for k, v in zip(index, values, strict=True):
            # Only the points under this hill change, so only they enter the update.
            where, add = k.ravel()[v.ravel() > 0], v.ravel()[v.ravel() > 0]
            old, new = bias[where] / kT, (bias[where] + add) / kT
            top += float(np.sum(np.exp(upper * new) - np.exp(upper * old)))
            bottom += float(np.sum(np.exp(lower * new) - np.exp(lower * old)))
            bias[where] += add
            offsets.append(kT * float(np.log(top / bottom)))
    return np.array(offsets)


def offset_at(times: ArrayLike, hill_times: ArrayLike, offsets: ArrayLike) -> FloatArray:
    """Return c(t) at given times, shape (F,): that of the last hill strictly before each time."""
    n_before = np.searchsorted(np.asarray(hill_times), np.asarray(times), side="left")
    return np.asarray(np.concatenate([[0.0], np.asarray(offsets)])[n_before], dtype=np.float64)
