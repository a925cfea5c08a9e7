"""When a series went from one level to another, with an error.

A series is cut into spans of constant level: for each number of changes the cut with the least
sum of squares is found by dynamic programming (Auger and Lawrence, Bull. Math. Biol. 51, 39
(1989)), and the number with the least BIC is taken, a change counting as three parameters (its
time has many places to be; Zhang and Siegmund, Biometrics 63, 22 (2007)). Each change is then
dated between its neighbours. With flat priors on the two levels and on the time, and 1/sigma on
the noise, the posterior of the time k (k of n values before the change) is, up to a factor,

    p(k) ~ [k (n - k)]^(-1/2) S(k)^(-(n - 2)/2),

S(k) being the sum of squares about the two means (Smith, Biometrika 62, 407 (1975), section 3).
Values of a trajectory are correlated: n of them count as n/g independent ones, g being the
statistical inefficiency of what is left about the levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray

CREDIBLE = 0.95
"""Probability of the interval that is given with a time."""
MOST_CHANGES = 6
_COARSE = 1000
_FEWEST = 8
_SHORTEST = 3
_LEAST_NOISE = 1e-6
"""Noise, as a share of the series' range, that is assumed where levels are exact."""


@dataclass(frozen=True)
class ChangePoint:
    """One change of level.

    Attributes
    ----------
    time : float
        Most probable time: halfway between the last value before the change and the first after.
    low, high : float
        Shortest run of times that holds 95 % of the probability.
    before, after : float
        The two levels.
    evidence : float
        Logarithm of the Bayes factor for a change against none between its neighbours (Schwarz'
        approximation); 3 is strong.
    """

    time: float
    low: float
    high: float
    before: float
    after: float
    evidence: float


def change_points(times: ArrayLike, values: ArrayLike) -> list[ChangePoint]:
    """Find the times at which a series changed its level.

    Parameters
    ----------
    times, values : array_like
        Shape (n,); times increase.

    Returns
    -------
    list of ChangePoint
        In order of time, at most :data:`MOST_CHANGES`; empty for fewer than eight values and for a
        series that is constant.
    """
    t, y = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    spread = float(np.ptp(y)) if len(y) else 0.0
    if len(y) < _FEWEST or spread == 0:
        return []
    coarse = -(-len(y) // _COARSE)
    means = np.add.reduceat(y, np.arange(0, len(y), coarse))
    means /= np.diff([*range(0, len(y), coarse), len(y)])
    floor = (_LEAST_NOISE * spread) ** 2 * len(means)
    cuts, g = _cuts(means, floor)
    edges = [0, *(coarse * cut for cut in cuts), len(y)]
    return [
        _date(t[low:high], y[low:high], coarse * g, floor)
        for low, high in zip(edges[:-2], edges[2:], strict=True)
    ]


def _cuts(y: FloatArray, floor: float) -> tuple[list[int], float]:
    """Best cut into levels, and the statistical inefficiency about them."""
    from nucleops.analysis.nuclei.loops import best_cuts

    n = len(y)
    most = min(MOST_CHANGES, n // _SHORTEST - 1)
    sums = np.concatenate([[0.0], np.cumsum(y - y.mean())])
    squares = np.concatenate([[0.0], np.cumsum((y - y.mean()) ** 2)])
    best = np.empty((n + 1, most + 1))
    origin = np.zeros(best.shape, dtype=np.int64)
    best_cuts(sums, squares, _SHORTEST, best, origin)
    left = np.maximum(best[n], floor)
    m = most
    while True:
        # a cut that is too fine takes slow noise for levels, and what it leaves looks too fast
        cuts = _trace(origin, m, n)
        g = _inefficiency(y - _levels(y, cuts))
        independent = n / g
        bic = independent * np.log(left) + 3 * np.arange(most + 1) * np.log(independent)
        fewer = min(m, int(np.argmin(bic)))
        if fewer == m:
            return cuts, g
        m = fewer


def _trace(origin: np.ndarray, m: int, end: int) -> list[int]:
    cuts: list[int] = []
    for changes in range(m, 0, -1):
        end = int(origin[end, changes])
        cuts.insert(0, end)
    return cuts


def _levels(y: FloatArray, cuts: list[int]) -> FloatArray:
    parts = np.split(y, cuts)
    return np.concatenate([np.full(len(part), part.mean()) for part in parts])


def _date(t: FloatArray, y: FloatArray, g: float, floor: float) -> ChangePoint:
    """Date the one change of level in a stretch of a series."""
    n, mean = len(y), float(y.mean())
    k = np.arange(1, n)
    first = np.cumsum(y - mean)[:-1]
    # about its mean the series sums to zero: the second part sums to minus the first
    total = max(float(np.sum((y - mean) ** 2)), floor)
    left = np.maximum(total - first**2 / k - first**2 / (n - k), floor)
    independent = max(n / g, 3.0)
    power = (independent - 2) / 2
    log_p = -power * np.log(left) - 0.5 * np.log(k * (n - k))
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    low, high = _shortest(p)
    between = 0.5 * (t[1:] + t[:-1])
    mode = int(np.argmax(p))
    return ChangePoint(
        time=float(between[mode]),
        low=float(t[low]),
        high=float(t[high + 1]),
        before=mean + float(first[mode] / k[mode]),
        after=mean - float(first[mode] / (n - k[mode])),
        evidence=float(-power * np.log(left[mode] / total) - np.log(independent)),
    )


def _inefficiency(rest: FloatArray) -> float:
    """Statistical inefficiency g >= 1 of a series about zero.

    g = 1 + 2 sum C(t), summed until C first falls below zero (Chodera et al., J. Chem. Theory
    Comput. 3, 26 (2007), without the weights (1 - t/n), which matter at the end only).
    """
    n = len(rest)
    variance = float(np.mean(rest**2))
    if variance == 0:
        return 1.0
    power = np.abs(np.fft.rfft(rest, 2 * n)) ** 2
    correlation = np.fft.irfft(power)[:n] / (variance * np.arange(n, 0, -1))
    negative = np.flatnonzero(correlation <= 0)
    end = int(negative[0]) if len(negative) else n
    return float(min(max(1.0, 1 + 2 * correlation[1:end].sum()), n / 4))


def _shortest(p: FloatArray) -> tuple[int, int]:
    """First and last place of the shortest run with :data:`CREDIBLE` of the probability."""
    total = np.concatenate([[0.0], np.cumsum(p)])
    ends = np.searchsorted(total, total + CREDIBLE * (1 - 1e-12))
    runs = [(int(end) - start, start) for start, end in enumerate(ends) if end < len(total)]
    length, start = min(runs)
    return start, start + length - 1
