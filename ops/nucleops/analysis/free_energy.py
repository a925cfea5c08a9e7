"""Free energies from weighted samples and from surfaces on grids.

Energies are in one unit throughout a call (kcal/mol in this project's files).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import BoolArray, FloatArray, Grid
from nucleops.analysis.grid_density import Sharing
from nucleops.bias.enhanced import KB_KCAL_MOL_K


def thermal_energy(temperature_K: float) -> float:
    """Return kT in kcal/mol at a temperature in kelvin."""
    return KB_KCAL_MOL_K * temperature_K


def weighted_histogram(
    samples: ArrayLike, log_weights: ArrayLike, grid: Grid
) -> tuple[FloatArray, FloatArray]:
    """Histogram of weighted samples at the nearest grid points (PLUMED's ``KERNEL=DISCRETE``).

    Parameters
    ----------
    samples : array_like
        Values of the variables, shape (F, D) or (F,).
    log_weights : array_like
        Logarithm of each sample's weight, shape (F,): rbias/kT, or the final bias/kT (REWEIGHT_BIAS
        in the PLUMED manual; Branduardi, Bussi and Parrinello, JCTC 8, 2247 (2012)).
    grid : Grid
        Where to count.

    Returns
    -------
    weight : ndarray
        Sum of weights at each point, relative to the largest single weight, ``grid.shape``.
    count : ndarray
        Number of samples at each point, ``grid.shape``.
    """
    logs = np.asarray(log_weights, dtype=np.float64)
    shared = Sharing(samples, grid, linear=False)
    weights = np.exp(logs - logs.max()) if len(logs) else logs
    return shared.histogram(weights), shared.histogram()


def free_energy(probability: ArrayLike, kT: float, *, min_to_zero: bool = True) -> FloatArray:
    """``-kT ln p``, the shape of `probability`, in the unit of kT; +inf where p is zero."""
    p = np.asarray(probability, dtype=np.float64)
    surface = np.full(p.shape, np.inf)
    surface[p > 0] = -kT * np.log(p[p > 0])
    if min_to_zero and np.any(p > 0):
        surface -= surface[p > 0].min()
    return surface


def log_sum(values: FloatArray) -> float:
    """``ln sum exp(values)`` of finite values, any shape; scipy's own takes ten times as long."""
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum()))


def project(
    surface: ArrayLike, kT: float, axis: int | Sequence[int], spacing: float = 1.0
) -> FloatArray:
    """Integrate a surface over the variables that do not stay.

    ``F(s1) = -kT ln int exp(-F(s1, s2)/kT) ds2`` (``plumed sum_hills --idw``).

    Parameters
    ----------
    surface : array_like
        Free energy, shape (n1, .., nD), in the unit of kT; inf where not known.
    kT : float
        Thermal energy.
    axis : int or sequence of int
        The variable or variables that stay; the result has them in this order.
    spacing : float
        Product of the spacings of the variables that are integrated out.

    Returns
    -------
    ndarray
        One axis for each variable that stays; +inf where nothing is known.
    """
    from scipy.special import logsumexp

    minus = -np.asarray(surface, dtype=np.float64) / kT
    stay = (axis,) if isinstance(axis, int) else tuple(axis)
    gone = tuple(d for d in range(minus.ndim) if d not in stay)
    with np.errstate(divide="ignore"):
        summed = np.asarray(logsumexp(minus, axis=gone) if gone else minus)
    kept = sorted(stay)
    summed = np.transpose(summed, [kept.index(d) for d in stay])
    return np.asarray(-kT * (summed + np.log(spacing)), dtype=np.float64)


def visited(samples: ArrayLike, grid: Grid, reach: int = 0) -> BoolArray:
    """Where on the grid the run has been, ``grid.shape``.

    Parameters
    ----------
    samples : array_like
        Values of the variables, shape (F, D) or (F,).
    grid : Grid
        The grid.
    reach : int
        Points this many steps away (in every direction) from a sample count as visited too.
    """
    _, count = weighted_histogram(samples, np.zeros(len(np.asarray(samples))), grid)
    mask = count > 0
    if reach > 0:
        from scipy.ndimage import binary_dilation

        structure = np.ones((3,) * grid.n_dimensions, dtype=np.bool_)
        mask = np.asarray(binary_dilation(mask, structure=structure, iterations=reach))
    return np.asarray(mask, dtype=np.bool_)
