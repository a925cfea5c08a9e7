"""In which order variables change along a path, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nucleops.analysis.grid import FloatArray


def unwrapped(values: FloatArray, periods: Sequence[float | None]) -> FloatArray:
    """Values along a path without the jumps of periodic variables, shape (n, D)."""
    made = np.array(values, dtype=np.float64)
    for d, period in enumerate(periods):
        if period is not None:
            made[:, d] = np.unwrap(made[:, d], period=period)
    return made


def progress(values: FloatArray, least: FloatArray) -> FloatArray:
    """How much of its whole change each variable has made, shape (n, D): from 0 to 1 at the end.

    Parameters
    ----------
    values : ndarray
        Variables along the path, without jumps, shape (n, D).
    least : ndarray
        Smallest change from end to end that counts as one, shape (D,); nan for less.
    """
    whole = values[-1] - values[0]
    changes = np.abs(whole) >= least
    return np.asarray(
        np.where(changes, (values - values[0]) / np.where(changes, whole, 1.0), np.nan)
    )


def precedence(first: FloatArray, second: FloatArray) -> float:
    """By how much one variable changes before another, from their progress, shape (n,) each.

    Twice the area between the path and the diagonal in the plane of the two:
    ``2 int p_first dp_second - 1``.

    Returns
    -------
    float
        1: `first` has changed altogether before `second` begins to (an L); 0: they change together,
        or each is ahead as much as the other; -1: `second` is altogether first. Beyond that where a
        variable overshoots its final value; nan where one does not change.
    """
    middle = 0.5 * (first[1:] + first[:-1])
    return float(2.0 * np.sum(middle * np.diff(second)) - 1.0)


def half_way(along: FloatArray, done: FloatArray) -> float:
    """Where along a path a variable has first made half of its change.

    Parameters
    ----------
    along : ndarray
        Position along the path from 0 to 1, shape (n,).
    done : ndarray
        Progress of the variable, shape (n,).

    Returns
    -------
    float
        From 0 to 1; nan where it does not change.
    """
    if not np.all(np.isfinite(done)):
        return float("nan")
    after = int(np.argmax(done >= 0.5))
    if after == 0:
        return float(along[0])
    low, high = done[after - 1], done[after]
    share = (0.5 - low) / (high - low)
    return float(along[after - 1] + share * (along[after] - along[after - 1]))
