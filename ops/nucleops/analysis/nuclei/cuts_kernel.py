"""The loop of the dynamic programming that cuts a series into levels."""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleops.compiled import compiled


@compiled
def best_cuts(sums: Any, squares: Any, shortest: int, best: Any, origin: Any) -> None:
    """Fill the least sums of squares of a series cut into levels, and where the last cut is.

    Parameters
    ----------
    sums, squares : ndarray
        Running sums of the values and of their squares, from 0, shape (n + 1,).
    shortest : int
        Fewest values of a level.
    best : ndarray
        Filled: least sum of squares of the first ``e`` values with ``m`` changes, shape
        (most + 1, n + 1); infinite where there are too few values.
    origin : ndarray of int
        Filled: where the last of these changes is, same shape.
    """
    n = sums.shape[0] - 1
    best[:] = np.inf
    for start in range(n):
        for end in range(start + shortest, n + 1):
            total = sums[end] - sums[start]
            cost = max(squares[end] - squares[start] - total * total / (end - start), 0.0)
            if start == 0:
                best[0, end] = cost
                continue
            for m in range(1, best.shape[0]):
                if best[m - 1, start] + cost < best[m, end]:
                    best[m, end] = best[m - 1, start] + cost
                    origin[m, end] = start
