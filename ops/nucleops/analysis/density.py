"""Kernel density estimates and their maxima, with errors from blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray


@dataclass(frozen=True)
class Maximum:
    """A maximum of a density: where, its block error (nan with one block), and its height."""

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
        Standard error of the density from blocks, shape (n,); nan with fewer than two blocks.
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
    if span <= 0 or n < 10:
        return silverman(v, n)
    low, width = v.min() - 0.1 * span, 1.2 * span
    w = None if weights is None else np.asarray(weights, dtype=np.float64).ravel()
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
        return silverman(v, n)
    return float(np.sqrt(t) * width)


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


def binned_kde(values: ArrayLike, x: FloatArray, bandwidth: float) -> FloatArray:
    """Gaussian kernel density estimate on an even axis x, shape (n,), through a fine histogram.

    Values are shared linearly between the two nearest points and the histogram is convolved with
    the kernel (Silverman, Appl. Statist. 31, 93 (1982)); cost is linear in the number of values.
    """
    from scipy.ndimage import gaussian_filter1d

    step = float(x[1] - x[0])
    place = (np.asarray(values, dtype=np.float64).ravel() - x[0]) / step
    k = np.floor(place).astype(np.int64)
    part = place - k
    ok = (k >= 0) & (k < len(x) - 1)
    counts = np.bincount(k[ok], weights=1 - part[ok], minlength=len(x))
    counts = counts + np.bincount(k[ok] + 1, weights=part[ok], minlength=len(x))
    total = counts.sum()
    if total <= 0:
        return np.zeros(len(x))
    smooth = gaussian_filter1d(counts, bandwidth / step, mode="constant", truncate=6.0)
    return np.asarray(smooth / (total * step), dtype=np.float64)


def density(
    values: ArrayLike, *, n_points: int = 512, bandwidth: float | None = None, n_blocks: int = 5
) -> Density:
    """Estimate a density from a series of values, with block errors.

    Parameters
    ----------
    values : array_like
        Shape (F, P): P values (bonds, angles) in each of F frames, in order of time.
    n_points : int
        Points of the axis.
    bandwidth : float, optional
        Kernel width; :func:`bandwidth_of` the values where not given, with the number of *frames*,
        because the values of one frame are not independent.
    n_blocks : int
        Consecutive blocks of frames for the errors of density and maxima.

    Raises
    ------
    ValueError
        If there is no value.
    """
    v = np.asarray(values, dtype=np.float64)
    if v.size == 0:
        raise ValueError("no values to make a density of")
    v = v.reshape(len(v), -1)
    width = bandwidth or bandwidth_of(v, n_effective=max(2, len(v)))
    x = np.linspace(v.min() - 4 * width, v.max() + 4 * width, n_points)
    whole = binned_kde(v, x, width)
    parts = [p for p in np.array_split(v, n_blocks) if len(p)]
    curves = np.array([binned_kde(p, x, width) for p in parts])
    error = np.full(len(x), np.nan)
    if len(parts) >= 2:
        error = np.std(curves, axis=0, ddof=1) / np.sqrt(len(parts))
    return Density(x, whole, error, width, _maxima(x, whole, curves), int(v.size))


def _maxima(x: FloatArray, whole: FloatArray, curves: FloatArray) -> tuple[Maximum, ...]:
    """Peaks whose prominence is over 5% of the highest, and how much they move between blocks."""
    from scipy.signal import find_peaks

    found, _ = find_peaks(np.concatenate([[0], whole, [0]]), prominence=0.05 * whole.max())
    peaks = found - 1
    maxima = []
    for k in peaks:
        # A block's own maximum is looked for between the dips on either side of the peak.
        left = max([p for p in peaks if p < k], default=None)
        right = min([p for p in peaks if p > k], default=None)
        lo = 0 if left is None else left + int(np.argmin(whole[left:k]))
        hi = len(x) if right is None else k + int(np.argmin(whole[k:right])) + 1
        places = [x[lo + int(np.argmax(c[lo:hi]))] for c in curves if c[lo:hi].max() > 0]
        n = len(places)
        error = float(np.std(places, ddof=1) / np.sqrt(n)) if n >= 2 else float("nan")
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
