"""Compiled loops over hills on a grid of three variables; fewer are padded with grids of one point.

A hill's Gaussian is the product of one factor along each variable, so that a hill of w points along
each of D variables takes D w exponentials and w^D multiplications. Only the points under a hill are
visited.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleops.compiled import compiled


@compiled
def _along(
    centre: float, sigma: float, cut: float, first: float, step: float, n: int, period: float,
    factor: Any, half: Any,
) -> Any:  # fmt: skip
    """Fill Gaussian factors and half squared distances of the points near a centre.

    Returns the index of the first of them (to be taken modulo n) and how many they are.
    """
    reach = np.sqrt(2.0 * cut) * sigma
    low = int(np.ceil((centre - reach - first) / step))
    high = int(np.floor((centre + reach - first) / step))
    if period > 0.0:
        if high - low + 1 > n:
            low = int(np.floor((centre - first) / step + 0.5)) - n // 2
            high = low + n - 1
    else:
        low, high = max(low, 0), min(high, n - 1)
    for k in range(low, high + 1):
        away = first + k * step - centre
        if period > 0.0:
            away -= period * np.floor(away / period + 0.5)
        x = away / sigma
        half[k - low] = 0.5 * x * x
        factor[k - low] = np.exp(-half[k - low])
    return low, max(0, high - low + 1)


@compiled
def _under(half: Any, count: int, left: float) -> Any:
    """First and last point along a variable whose half squared distance is at most `left`."""
    a, b = 0, count - 1
    while a <= b and half[a] > left:
        a += 1
    while b >= a and half[b] > left:
        b -= 1
    return a, b


@compiled
def add_hills(
    centres: Any, sigmas: Any, heights: Any, origin: Any, spacing: Any, periods: Any,
    cut: float, edge: float, share: int, shares: int, total: Any,
) -> None:  # fmt: skip
    """Add hills ``height (exp(-d) - edge)``, zero where d exceeds `cut`, to a grid in place.

    Parameters
    ----------
    centres, sigmas : ndarray
        Shape (n_hills, 3).
    heights : ndarray
        Shape (n_hills,), with the stretching already in it.
    origin, spacing, periods : ndarray
        Of the grid's axes, shape (3,); a period of 0 where there is none.
    cut, edge : float
        Half the squared distance at which a hill ends, and the value that is taken off.
    share, shares : int
        The rows to work on, every so many: threads each take their own rows, so that no two write
        the same point and sums do not depend on how many threads there are.
    total : ndarray
        Shape (n0, n1, n2).
    """
    n0, n1, n2 = total.shape
    f0, h0, f1, h1 = np.empty(n0), np.empty(n0), np.empty(n1), np.empty(n1)
    f2, h2 = np.empty(n2), np.empty(n2)
    for hill in range(len(heights)):
        c, s = centres[hill], sigmas[hill]
        k0, w0 = _along(c[0], s[0], cut, origin[0], spacing[0], n0, periods[0], f0, h0)
        k1, w1 = _along(c[1], s[1], cut, origin[1], spacing[1], n1, periods[1], f1, h1)
        k2, w2 = _along(c[2], s[2], cut, origin[2], spacing[2], n2, periods[2], f2, h2)
        if w0 * w1 * w2 == 0:
            continue
        take_off = heights[hill] * edge
        for a in range(w0):
            i = (k0 + a) % n0
            for b in range(w1):
                j = (k1 + b) % n1
                if (i * n1 + j) % shares != share:
                    continue
                left = cut - h0[a] - h1[b]
                if left < 0.0:
                    continue
                low, high = _under(h2, w2, left)
                tall = heights[hill] * f0[a] * f1[b]
                # the points that wrapped around are a run of their own
                start = (k2 + low) % n2
                run = max(0, min(high - low + 1, n2 - start))
                row, factor = total[i, j, start : start + run], f2[low : low + run]
                for m in range(run):
                    row[m] += tall * factor[m] - take_off
                row, factor = total[i, j], f2[low + run : high + 1]
                for m in range(len(factor)):
                    row[m] += tall * factor[m] - take_off


@compiled
def _weights(x: float, first: float, step: float, n: int, period: float, w: Any, d: Any) -> Any:
    """Weights of four points for a value and for its slope (Lagrange's cubic), and the first."""
    if n == 1:
        w[0], d[0] = 1.0, 0.0
        return 0, 1
    place = (x - first) / step
    low = int(np.floor(place)) - 1
    if period <= 0.0:
        low = min(max(low, 0), n - 4)
        place = min(max(place, 0.0), n - 1.0)
    t = place - low - 1.0
    w[0] = -t * (t - 1.0) * (t - 2.0) / 6.0
    w[1] = (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0
    w[2] = -(t + 1.0) * t * (t - 2.0) / 2.0
    w[3] = (t + 1.0) * t * (t - 1.0) / 6.0
    d[0] = (-3.0 * t * t + 6.0 * t - 2.0) / 6.0 / step
    d[1] = (3.0 * t * t - 4.0 * t - 1.0) / 2.0 / step
    d[2] = (-3.0 * t * t + 2.0 * t + 2.0) / 2.0 / step
    d[3] = (3.0 * t * t - 1.0) / 6.0 / step
    return low, 4


@compiled
def interpolate(values: Any, origin: Any, spacing: Any, periods: Any, point: Any, out: Any) -> None:
    """Value and slopes along three variables at a point, shape (4,), from values on a grid."""
    n0, n1, n2 = values.shape
    w0, w1, w2 = np.empty(4), np.empty(4), np.empty(4)
    d0, d1, d2 = np.empty(4), np.empty(4), np.empty(4)
    k0, m0 = _weights(point[0], origin[0], spacing[0], n0, periods[0], w0, d0)
    k1, m1 = _weights(point[1], origin[1], spacing[1], n1, periods[1], w1, d1)
    k2, m2 = _weights(point[2], origin[2], spacing[2], n2, periods[2], w2, d2)
    out[:] = 0.0
    for a in range(m0):
        for b in range(m1):
            row = values[(k0 + a) % n0, (k1 + b) % n1]
            value, slope = 0.0, 0.0
            for c in range(m2):
                v = row[(k2 + c) % n2]
                value += w2[c] * v
                slope += d2[c] * v
            out[0] += w0[a] * w1[b] * value
            out[1] += d0[a] * w1[b] * value
            out[2] += w0[a] * d1[b] * value
            out[3] += w0[a] * w1[b] * slope


@compiled
def follow_hills(
    centres: Any, sigmas: Any, heights: Any, origin: Any, spacing: Any, periods: Any,
    cut: float, edge: float, upper: float, lower: float,
    points: Any, counts: Any, first: int,
    bias: Any, sums: Any, offsets: Any, felt: Any,
) -> None:  # fmt: skip
    """Add hills one by one to a bias in kT; note c(t)/kT after each, and what points felt.

    Parameters
    ----------
    centres, sigmas, heights, origin, spacing, periods, cut, edge
        As :func:`add_hills` takes them; heights in kT.
    upper, lower : float
        What the bias is multiplied by in the two exponentials of c(t).
    points : ndarray
        Shape (n_points, 3): where the bias is asked for.
    counts : ndarray of int
        Shape (n_points,), ascending: how many hills came before each.
    first : int
        How many hills came before the first of these.
    bias : ndarray
        Shape (n0, n1, n2), in kT; changed in place.
    sums : ndarray
        The two sums of exponentials, and the bias that they are relative to, shape (3,); changed in
        place.
    offsets : ndarray
        Shape (n_hills,), filled; empty where c(t) is not wanted, which saves most of the work.
    felt : ndarray
        Shape (n_points, 4), filled: bias and its slope along each variable.
    """
    n0, n1, n2 = bias.shape
    f0, h0, f1, h1 = np.empty(n0), np.empty(n0), np.empty(n1), np.empty(n1)
    f2, h2 = np.empty(n2), np.empty(n2)
    at = np.searchsorted(counts, first)
    for hill in range(len(heights)):
        while at < len(counts) and counts[at] == first + hill:
            interpolate(bias, origin, spacing, periods, points[at], felt[at])
            at += 1
        c, s = centres[hill], sigmas[hill]
        k0, w0 = _along(c[0], s[0], cut, origin[0], spacing[0], n0, periods[0], f0, h0)
        k1, w1 = _along(c[1], s[1], cut, origin[1], spacing[1], n1, periods[1], f1, h1)
        k2, w2 = _along(c[2], s[2], cut, origin[2], spacing[2], n2, periods[2], f2, h2)
        top, bottom, base = sums[0], sums[1], sums[2]
        highest = base
        for a in range(w0):
            for b in range(w1):
                left = cut - h0[a] - h1[b]
                if left < 0.0:
                    continue
                row = bias[(k0 + a) % n0, (k1 + b) % n1]
                low, high = _under(h2, w2, left)
                tall = f0[a] * f1[b]
                for m in range(low, high + 1):
                    k = (k2 + m) % n2
                    old = row[k]
                    new = old + heights[hill] * (tall * f2[m] - edge)
                    row[k] = new
                    if len(offsets):
                        top += np.exp(upper * (new - base)) - np.exp(upper * (old - base))
                        bottom += np.exp(lower * (new - base)) - np.exp(lower * (old - base))
                        highest = max(highest, new)
        if not len(offsets):
            continue
        # summed anew before exponentials overflow, or differences have added up their errors
        if highest > base + 100.0 or hill % 1000 == 999:
            base = max(base, highest - 50.0) if highest > base + 100.0 else base
            top, bottom = 0.0, 0.0
            for value in bias.flat:
                top += np.exp(upper * (value - base))
                bottom += np.exp(lower * (value - base))
        sums[0], sums[1], sums[2] = top, bottom, base
        offsets[hill] = np.log(top / bottom) + (upper - lower) * base


@compiled
def look_up(values: Any, origin: Any, spacing: Any, periods: Any, points: Any, out: Any) -> None:
    """Value and slopes at points, shape (n_points, 4), from values on a grid."""
    for k in range(len(points)):
        interpolate(values, origin, spacing, periods, points[k], out[k])
