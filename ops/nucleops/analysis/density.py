"""Kernel density estimates and their maxima, with errors by drawing blocks of the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray


@dataclass(frozen=True)
class Maximum:
    """A maximum of a density: where, its error (nan with one block), and its height."""

    position: float
    error: float
    density: float


@dataclass(frozen=True)
class Density:
    """A probability density.

    Attributes
    ----------
    x : ndarray
        Where, shape (n,).
    density : ndarray
        Probability per unit of x, shape (n,); integrates to 1.
    error : ndarray
        Standard error of the density, shape (n,), by bootstrap over blocks; nan with fewer than
        two blocks.
    bandwidth : float
        Standard deviation of the Gaussian kernel, in x's unit.
    maxima : tuple of Maximum
        Highest first.
    n_samples : int
        Number of values that went in.
    """

    x: FloatArray
    density: FloatArray
    error: FloatArray
    bandwidth: float
    maxima: tuple[Maximum, ...]
    n_samples: int


def bandwidth_of(
    values: ArrayLike, n_effective: float | None = None, weights: ArrayLike | None = None
) -> float:
    """Kernel width by the improved Sheather-Jones rule; Silverman's where it has no solution.

    The rule makes no assumption of one peak, so that two maxima are not smeared into one (Botev,
    Grotowski and Kroese, Ann. Statist. 38, 2916 (2010), algorithm 1 with l = 7).

    Parameters
    ----------
    values : array_like
        Any shape.
    n_effective : float, optional
        Number of independent values; the number of values where not given.
    weights : array_like, optional
        Weight of each value, of the values' shape.

    Returns
    -------
    float
        Standard deviation of the Gaussian kernel, in the values' unit.
    """
    v = np.asarray(values, dtype=np.float64).ravel()
    n, span = n_effective or len(v), float(np.ptp(v))
    if span <= 0 or n < 10:
        return silverman(v, n)
    low, width = v.min() - 0.1 * span, 1.2 * span
    w = None if weights is None else np.asarray(weights, dtype=np.float64).ravel()
    counts, _ = np.histogram(v, bins=1024, range=(low, low + width), weights=w)
    found = _sheather_jones(np.asarray(counts, dtype=np.float64), width, n)
    return silverman(v, n) if found is None else found


def bandwidth_of_counts(counts: ArrayLike, step: float, n_effective: float) -> float:
    """Kernel width as :func:`bandwidth_of`, of values that were counted in even bins.

    Parameters
    ----------
    counts : array_like
        Values in each bin, shape (k,).
    step : float
        Width of a bin; no kernel is narrower.
    n_effective : float
        Number of independent values.

    Returns
    -------
    float
        Standard deviation of the Gaussian kernel, in the unit of `step`.
    """
    c = np.asarray(counts, dtype=np.float64)
    used = np.flatnonzero(c)
    c = c[used[0] : used[-1] + 1]
    pad = max(1, len(c) // 10)
    if len(c) > 4 and n_effective >= 10:
        # the bins themselves: sharing them out anew would leave a comb, and the rule would see it
        found = _sheather_jones(np.pad(c, pad), (len(c) + 2 * pad) * step, n_effective)
        if found is not None:
            return max(step, found)
    share = np.cumsum(c) / c.sum()
    quantiles = np.searchsorted(share, np.linspace(5e-4, 1 - 5e-4, 1000)) * step
    return max(step, silverman(quantiles, n_effective))


def _sheather_jones(counts: FloatArray, width: float, n: float) -> float | None:
    """Solve the rule for a histogram that spans `width`; None where it has no solution."""
    from scipy.fft import dct
    from scipy.optimize import brentq

    squares = (dct(counts / counts.sum(), type=2)[1:] / 2.0) ** 2
    k2 = np.arange(1, len(counts), dtype=np.float64) ** 2

    def residual(t: float) -> float:
        f = _functional(7, t, k2, squares)
        for s in range(6, 1, -1):
            odd = float(np.prod(np.arange(1, 2 * s, 2))) / np.sqrt(2 * np.pi)
            step = 2.0 * odd * (1.0 + 0.5 ** (s + 0.5)) / 3.0 / n / f
            f = _functional(s, float(step ** (2.0 / (3 + 2 * s))), k2, squares)
        return float(t - (2.0 * n * np.sqrt(np.pi) * f) ** (-0.4))

    try:
        return float(np.sqrt(float(brentq(residual, 1e-9, 0.1))) * width)
    except ValueError:
        return None


def _functional(s: int, t: float, k2: FloatArray, squares: FloatArray) -> float:
    terms = k2**s * squares * np.exp(-k2 * np.pi**2 * t)
    return float(2.0 * np.pi ** (2 * s) * terms.sum())


def silverman(values: ArrayLike, n_effective: float | None = None) -> float:
    """Silverman's bandwidth, ``0.9 min(std, IQR/1.34) n^(-1/5)`` (*Density Estimation*, 1986)."""
    v = np.asarray(values, dtype=np.float64)
    spread = min(float(np.std(v)), float(np.subtract(*np.percentile(v, [75, 25]))) / 1.34)
    if spread <= 0:
        spread = float(np.std(v)) or 1e-3 * max(1.0, abs(float(v.flat[0])))
    return float(0.9 * spread * (n_effective or v.size) ** -0.2)


def kde_of_counts(
    centres: FloatArray, counts: FloatArray, x: FloatArray, bandwidth: float
) -> FloatArray:
    """Gaussian kernel density estimate of binned values (Silverman, Appl. Statist. 31, 93 (1982)).

    Parameters
    ----------
    centres : ndarray
        Middle of each bin, shape (k,), even.
    counts : ndarray
        Values in each bin, shape (k,), or (B, k) for B densities.
    x : ndarray
        Where, shape (n,), even.
    bandwidth : float
        Standard deviation of the kernel, in x's unit, a bin's width or more.

    Returns
    -------
    ndarray
        Probability per unit of x, shape (n,) or (B, n); zero where there is no count.
    """
    kernel = np.exp(-0.5 * ((x[:, None] - centres[None, :]) / bandwidth) ** 2)
    total = counts.sum(axis=-1, keepdims=True) * bandwidth * np.sqrt(2 * np.pi)
    return np.asarray(counts @ kernel.T / np.where(total > 0, total, 1.0), dtype=np.float64)


def density(
    centres: ArrayLike,
    block_counts: ArrayLike,
    *,
    n_frames: int,
    n_points: int = 512,
    n_draws: int = 200,
    seed: int = 0,
) -> Density:
    """Estimate a density from histograms of the blocks of a run, with errors.

    Parameters
    ----------
    centres : array_like
        Middle of each bin, shape (k,), even.
    block_counts : array_like
        Values of each block in each bin, shape (B, k).
    n_frames : int
        Frames of the run: with so many the kernel width is chosen, for the values of one frame are
        not independent.
    n_points : int
        Points of the axis.
    n_draws, seed : int
        Bootstrap samples of the blocks, with replacement (H. R. Kuensch, Ann. Statist. 17, 1217
        (1989)), and the seed of the draws.

    Raises
    ------
    ValueError
        If there is no value.
    """
    bins = np.asarray(centres, dtype=np.float64)
    w = np.atleast_2d(np.asarray(block_counts, dtype=np.float64))
    total = w.sum(axis=0)
    used = np.flatnonzero(total)
    if not len(used):
        raise ValueError("no values to make a density of")
    own = slice(used[0], used[-1] + 1)
    width = bandwidth_of_counts(total, float(bins[1] - bins[0]), max(2, n_frames))
    bins, w, total = bins[own], w[:, own], total[own]
    x = np.linspace(bins[0] - 4 * width, bins[-1] + 4 * width, n_points)
    whole = kde_of_counts(bins, total, x, width)
    draws = np.zeros((0, n_points))
    if len(w) >= 2:
        shares = np.random.default_rng(seed).multinomial(len(w), [1 / len(w)] * len(w), n_draws)
        # a density is linear in the counts, so that blocks are smoothed once, not in each draw
        blocks = kde_of_counts(bins, w, x, width) * w.sum(axis=1, keepdims=True)
        draws = shares @ blocks / np.maximum(shares @ w.sum(axis=1), 1e-300)[:, None]
    error = draws.std(axis=0, ddof=1) if len(draws) else np.full(n_points, np.nan)
    return Density(x, whole, error, width, _maxima(x, whole, draws), round(float(total.sum())))


def _maxima(x: FloatArray, whole: FloatArray, draws: FloatArray) -> tuple[Maximum, ...]:
    """Peaks whose prominence is over 5% of the highest, and how much they move between draws."""
    from scipy.signal import find_peaks

    found, _ = find_peaks(np.concatenate([[0], whole, [0]]), prominence=0.05 * whole.max())
    peaks = found - 1
    maxima = []
    for k in peaks:
        # A draw's own maximum is looked for between the dips on either side of the peak.
        left = max([p for p in peaks if p < k], default=None)
        right = min([p for p in peaks if p > k], default=None)
        lo = 0 if left is None else left + int(np.argmin(whole[left:k]))
        hi = len(x) if right is None else k + int(np.argmin(whole[k:right])) + 1
        places = [_vertex(x, c, lo + int(np.argmax(c[lo:hi]))) for c in draws]
        error = float(np.std(places, ddof=1)) if len(places) >= 2 else float("nan")
        maxima.append(Maximum(_vertex(x, whole, int(k)), error, float(whole[k])))
    return tuple(sorted(maxima, key=lambda m: -m.density))


def _vertex(x: FloatArray, y: FloatArray, k: int) -> float:
    """Top of the parabola through a peak's point and its two neighbours."""
    if k == 0 or k == len(x) - 1:
        return float(x[k])
    a, b, c = y[k - 1], y[k], y[k + 1]
    curve = a - 2 * b + c
    shift = 0.0 if curve == 0 else 0.5 * (a - c) / curve
    return float(x[k] + shift * (x[1] - x[0]))
