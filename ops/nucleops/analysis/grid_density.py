"""Weighted densities on grids: counted at the nearest point, or smoothed by a kernel.

A kernel density is a histogram whose samples are shared among the points around them, convolved
with the kernel along each variable (B. W. Silverman, Appl. Statist. 31, 93 (1982); M. P. Wand,
J. Comput. Graph. Stat. 3, 433 (1994)): its cost is linear in the number of samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.density import bandwidth_of
from nucleops.analysis.grid import FloatArray, Grid, IntArray, as_points

_TRUNCATE = 5.0
"""Standard deviations at which kernels end."""


class Sharing:
    """How samples are shared among the points of a grid, kept for many sets of weights.

    Parameters
    ----------
    samples : array_like
        Shape (F, D), or (F,) where D is 1.
    grid : Grid
        The grid.
    linear : bool
        Whether a sample is shared by the 2^D points around it, in proportion to their nearness;
        else the nearest point has all of it (PLUMED's ``KERNEL=DISCRETE``).
    """

    def __init__(self, samples: ArrayLike, grid: Grid, *, linear: bool) -> None:
        self.grid = grid
        values = as_points(samples, grid.n_dimensions)
        nearest, inside = grid.nearest(values)
        self.inside = inside
        """Which samples lie on the grid, shape (F,)."""
        self._places: list[tuple[IntArray, FloatArray]] = []
        if not linear:
            self._places.append((nearest, inside.astype(np.float64)))
            return
        corners: list[tuple[IntArray, FloatArray]] = [
            (np.zeros(len(values), dtype=np.int64), inside.astype(np.float64))
        ]
        for d, (axis, period) in enumerate(zip(grid.axes, grid.periods, strict=True)):
            place = (values[:, d] - axis[0]) / grid.spacing[d]
            low = np.floor(place).astype(np.int64)
            part = place - low
            n = len(axis)
            sides = [
                (k % n if period is not None else np.clip(k, 0, n - 1), share)
                for k, share in ((low, 1.0 - part), (low + 1, part))
            ]
            corners = [(i * n + k, w * s) for i, w in corners for k, s in sides]
        self._places = corners

    def histogram(self, weights: ArrayLike | None = None) -> FloatArray:
        """Sum of the samples' weights, shape (F,), at each point, ``grid.shape``."""
        size = int(np.prod(self.grid.shape))
        w = None if weights is None else np.asarray(weights, dtype=np.float64)
        total = np.zeros(size)
        for index, share in self._places:
            total += np.bincount(index, share if w is None else share * w, size)
        return total.reshape(self.grid.shape)


def smoothed(histogram: ArrayLike, grid: Grid, bandwidths: ArrayLike) -> FloatArray:
    """Convolve a histogram with a Gaussian along each variable, periodic where the grid is.

    Parameters
    ----------
    histogram : array_like
        Shape ``grid.shape``.
    grid : Grid
        Its grid.
    bandwidths : array_like
        Standard deviation along each variable, in its unit; 0 for none.

    Returns
    -------
    ndarray
        Shape ``grid.shape``; exactly zero beyond the reach of every sample.
    """
    from scipy.ndimage import gaussian_filter1d

    made = np.asarray(histogram, dtype=np.float64)
    for d, (width, period) in enumerate(zip(np.asarray(bandwidths), grid.periods, strict=True)):
        if width > 0:
            made = gaussian_filter1d(
                made,
                width / grid.spacing[d],
                axis=d,
                mode="constant" if period is None else "wrap",
                truncate=_TRUNCATE,
            )
    return np.asarray(made, dtype=np.float64)


def bandwidths_of(
    samples: ArrayLike, weights: ArrayLike | None = None, n_effective: float | None = None
) -> FloatArray:
    """Kernel width along each variable, shape (D,).

    Each variable's own by the improved Sheather-Jones rule, times ``n^(1/5 - 1/(D+4))``: what is
    best for one variable is too narrow where D share the samples (Silverman, *Density Estimation*,
    1986, section 4.3).

    Parameters
    ----------
    samples : array_like
        Shape (F, D).
    weights : array_like, optional
        Weight of each sample, shape (F,).
    n_effective : float, optional
        Number of independent samples; (sum w)^2 / sum w^2 (Kish) where not given.
    """
    values = np.asarray(samples, dtype=np.float64)
    if n_effective is None:
        n_effective = float(len(values)) if weights is None else kish(weights)
    wider = n_effective ** (0.2 - 1.0 / (values.shape[1] + 4))
    return np.array(
        [bandwidth_of(v, n_effective, weights) * wider for v in values.T], dtype=np.float64
    )


def kish(weights: ArrayLike) -> float:
    """How many equally weighted samples say as much: ``(sum w)^2 / sum w^2``, weights (F,)."""
    w = np.asarray(weights, dtype=np.float64)
    return float(w.sum() ** 2 / np.square(w).sum()) if np.any(w) else 0.0
