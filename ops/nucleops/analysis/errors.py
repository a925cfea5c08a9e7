"""Statistical errors of weighted averages, by blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray, Grid


@dataclass(frozen=True)
class BlockEstimate:
    """A probability and its free energy with errors from blocks.

    Attributes
    ----------
    mean, error : ndarray
        Probability of each bin and its standard error, shape (n,).
    free_energy, free_energy_error : ndarray
        ``-kT ln mean`` and ``kT error/mean``, shape (n,), in kT's unit; inf and nan where the
        mean is zero.
    n_blocks : int
        Number of blocks.
    """

    mean: FloatArray
    error: FloatArray
    free_energy: FloatArray
    free_energy_error: FloatArray
    n_blocks: int


def block_average(histograms: ArrayLike, weights: ArrayLike, kT: float = 1.0) -> BlockEstimate:
    """Average block histograms, with the error of weighted blocks.

    With ``p_b = hist_b / W_b`` and ``S = sum W_b``: ``mean = sum W_b p_b / S``,
    ``q = sum W_b^2 / S^2``, ``var = [sum W_b (p_b - mean)^2 / S] / (1 - q)``,
    ``error = sqrt(var q)``, ``F = -kT ln mean``, ``error(F) = kT error / mean`` (Invernizzi,
    Piaggi and Parrinello, Phys. Rev. X 10, 041034 (2020), appendix; PLUMED's block tutorial).

    Parameters
    ----------
    histograms : array_like
        Sum of weights in each bin of each block, shape (B, n).
    weights : array_like
        Sum of all weights of each block, shape (B,); blocks of no weight are left out.
    kT : float
        Thermal energy, in the unit wanted.

    Raises
    ------
    ValueError
        If fewer than two blocks carry weight.
    """
    hist = np.asarray(histograms, dtype=np.float64)
    w = np.asarray(weights, dtype=np.float64)
    hist, w = hist[w > 0], w[w > 0]
    if len(w) < 2:
        raise ValueError("an error needs at least two blocks that carry weight")
    total = w.sum()
    p = hist / w[:, None]
    mean = (w[:, None] * p).sum(axis=0) / total
    q = float((w**2).sum() / total**2)
    variance = (w[:, None] * (p - mean) ** 2).sum(axis=0) / total / (1.0 - q)
    error = np.sqrt(variance * q)
    surface, surface_error = np.full(mean.shape, np.inf), np.full(mean.shape, np.nan)
    known = mean > 0
    surface[known] = -kT * np.log(mean[known])
    surface_error[known] = kT * error[known] / mean[known]
    return BlockEstimate(mean, error, surface, surface_error, len(w))


def block_histograms(
    samples: ArrayLike, log_weights: ArrayLike, grid: Grid, block: int
) -> tuple[FloatArray, FloatArray]:
    """Weighted histogram of each block of consecutive samples; an incomplete last one is dropped.

    Parameters
    ----------
    samples : array_like
        Shape (F, D) or (F,), in order of time.
    log_weights : array_like
        Logarithm of each sample's weight, shape (F,).
    grid : Grid
        Bins (nearest grid point).
    block : int
        Samples in a block.

    Returns
    -------
    histograms : ndarray
        Shape (B, n) with n the number of grid points, flat in C order.
    weights : ndarray
        Sum of the weights of each block's samples inside the grid, shape (B,).
    """
    index, inside = grid.nearest(samples)
    logs = np.asarray(log_weights, dtype=np.float64)
    n_blocks, size = len(index) // block, int(np.prod(grid.shape))
    histograms, weights = np.zeros((n_blocks, size)), np.zeros(n_blocks)
    if n_blocks == 0:
        return histograms, weights
    w = np.where(inside, np.exp(logs - logs.max()), 0.0)
    for b in range(n_blocks):
        part = slice(b * block, (b + 1) * block)
        histograms[b] = np.bincount(index[part], weights=w[part], minlength=size)
        weights[b] = w[part].sum()
    return histograms, weights


def jackknife(statistic: Callable[[FloatArray], float], blocks: ArrayLike) -> tuple[float, float]:
    """Value and standard error of a function of summed blocks, leaving out one block at a time.

    Parameters
    ----------
    statistic : callable
        Takes a sum over blocks, shape (n,), and returns a number; nan or inf where undefined.
    blocks : array_like
        What each block contributes to the sums, shape (B, n).

    Returns
    -------
    value, error : float
        The statistic of the whole, and its jackknife error (Efron, *The Jackknife*, 1982); nan
        where there are fewer than two blocks or a left-out estimate is not finite.
    """
    b = np.asarray(blocks, dtype=np.float64)
    total = b.sum(axis=0)
    value = statistic(total)
    if len(b) < 2:
        return value, float("nan")
    parts = np.array([statistic(total - row) for row in b])
    if not np.all(np.isfinite(parts)):
        return value, float("nan")
    n = len(b)
    return value, float(np.sqrt((n - 1) / n * np.sum((parts - parts.mean()) ** 2)))


def standard_error(values: ArrayLike, n_blocks: int = 5) -> tuple[float, float]:
    """Mean of a series, shape (F,), and its standard error from `n_blocks` consecutive blocks."""
    series = np.asarray(values, dtype=np.float64)
    means = [float(part.mean()) for part in np.array_split(series, n_blocks) if len(part)]
    if len(means) < 2:
        return float(series.mean()) if len(series) else float("nan"), float("nan")
    return float(series.mean()), float(np.std(means, ddof=1) / np.sqrt(len(means)))
