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
    from scipy.fft import dct
    from scipy.optimize import brentq

    v = np.asarray(values, dtype=np.float64).ravel()
    n, span = n_effective or len(v), float(np.ptp(v))
    w = None if weights is None else np.asarray(weights, dtype=np.float64).ravel()
    if span <= 0 or n < 10:
        return silverman(_sample(v, w), n)
    low, width = v.min() - 0.1 * span, 1.2 * span
    counts, _ = np.histogram(v, bins=1024, range=(low, low + width), weights=w)
    squares = (dct(counts / counts.sum(), type=2)[1:] / 2.0) ** 2
    k2 = np.arange(1, 1024, dtype=np.float64) ** 2

    def residual(t: float) -> float:
        f = _functional(7, t, k2, squares)
        for s in range(6, 1, -1):
            odd = float(np.prod(np.arange(1, 2 * s, 2))) / np.sqrt(2 * np.pi)
            step = 2.0 * odd * (1.0 + 0.5 ** (s + 0.5)) / 3.0 / n / f
            f = _functional(s, float(step ** (2.0 / (3 + 2 * s))), k2, squares)
        return float(t - (2.0 * n * np.sqrt(np.pi) * f) ** (-0.4))

    try:
        t = float(brentq(residual, 1e-9, 0.1))
    except ValueError:
        return silverman(_sample(v, w), n)
    return float(np.sqrt(t) * width)


def _sample(values: FloatArray, weights: FloatArray | None) -> FloatArray:
    """Values that stand for weighted ones: their quantiles."""
    if weights is None:
        return values
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return np.asarray(values[order][np.searchsorted(share, np.linspace(5e-4, 1 - 5e-4, 1000))])


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


def binned_kde(
    values: ArrayLike, x: FloatArray, bandwidth: float, weights: ArrayLike | None = None
) -> FloatArray:
    """Gaussian kernel density estimate on an even axis x, shape (n,), through a fine histogram.

    Values are shared linearly between the two nearest points and the histogram is convolved with
    the kernel (Silverman, Appl. Statist. 31, 93 (1982)); cost is linear in the number of values.

    Parameters
    ----------
    values : array_like
        Any shape; those outside of x do not count.
    x : ndarray
        Where, shape (n,), even.
    bandwidth : float
        Standard deviation of the kernel, in x's unit.
    weights : array_like, optional
        Of the values' shape (k,), or of shape (B, k) for B densities of the same values.

    Returns
    -------
    ndarray
        Shape (n,) or (B, n); zero where there is no weight.
    """
    from scipy.ndimage import gaussian_filter1d

    step = float(x[1] - x[0])
    place = (np.asarray(values, dtype=np.float64).ravel() - x[0]) / step
    k = np.floor(place).astype(np.int64)
    part = place - k
    w = np.ones(len(k)) if weights is None else np.asarray(weights, dtype=np.float64)
    ok = (k >= 0) & (k < len(x) - 1)
    counts = np.zeros((*w.shape[:-1], len(x)))
    for row, own in zip(np.atleast_2d(counts), np.atleast_2d(w), strict=True):
        row += np.bincount(k[ok], weights=own[ok] * (1 - part[ok]), minlength=len(x))
        row += np.bincount(k[ok] + 1, weights=own[ok] * part[ok], minlength=len(x))
    total = counts.sum(axis=-1, keepdims=True)
    smooth = gaussian_filter1d(counts, bandwidth / step, axis=-1, mode="constant", truncate=6.0)
    return np.asarray(smooth / np.where(total > 0, total * step, 1.0), dtype=np.float64)


def density(
    values: ArrayLike,
    block_weights: ArrayLike,
    *,
    n_frames: int,
    n_points: int = 512,
    bandwidth: float | None = None,
    n_draws: int = 200,
    seed: int = 0,
) -> Density:
    """Estimate a density from values that carry weights in each block of a run, with errors.

    Parameters
    ----------
    values : array_like
        Shape (k,): samples, or centres of the bins of a histogram.
    block_weights : array_like
        Weight (count) of each value in each block, shape (B, k).
    n_frames : int
        Frames of the run: with so many the kernel width is chosen, for the values of one frame are
        not independent.
    n_points : int
        Points of the axis.
    bandwidth : float, optional
        Kernel width; by :func:`bandwidth_of` where not given.
    n_draws, seed : int
        Bootstrap samples of the blocks, with replacement (H. R. Kuensch, Ann. Statist. 17, 1217
        (1989)), and the seed of the draws.

    Raises
    ------
    ValueError
        If no value carries weight.
    """
    w = np.atleast_2d(np.asarray(block_weights, dtype=np.float64))
    total = w.sum(axis=0)
    if not np.any(total > 0):
        raise ValueError("no values to make a density of")
    v = np.asarray(values, dtype=np.float64).ravel()
    used = total > 0
    v, w, total = v[used], w[:, used], total[used]
    width = bandwidth or bandwidth_of(v, n_effective=max(2, n_frames), weights=total)
    x = np.linspace(v.min() - 4 * width, v.max() + 4 * width, n_points)
    whole = binned_kde(v, x, width, total)
    draws = np.zeros((0, n_points))
    if len(w) >= 2:
        shares = np.random.default_rng(seed).multinomial(len(w), [1 / len(w)] * len(w), n_draws)
        # a density is linear in the weights, so that blocks are smoothed once, not in each draw
        blocks = binned_kde(v, x, width, w) * w.sum(axis=1, keepdims=True)
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
