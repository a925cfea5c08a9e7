"""The metals' contact graph through time, and its aggregates.

A contact closes below one distance and opens above a larger one. Between the two it stays what it
was, so that a pair that vibrates about a single limit does not make and break an aggregate in
every second frame.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.analysis.grid import BoolArray, FloatArray
from nucleops.analysis.nuclei.watched import Watched

LabelArray = NDArray[np.int32]


def aggregate_labels(watched: Watched, closes_A: float, opens_A: float) -> LabelArray:
    """Aggregate of each metal in each frame.

    Parameters
    ----------
    watched : Watched
        Positions.
    closes_A, opens_A : float
        Distances in angstrom at which a contact closes and opens; ``closes_A <= opens_A``.

    Returns
    -------
    ndarray of int32
        Shape (F, n): the smallest place among the metals of the same aggregate, so that equal rows
        are equal partitions.
    """
    n = watched.metal.shape[1]
    labels = np.empty((len(watched), n), dtype=np.int32)
    graph = np.zeros((n, n), dtype=np.bool_)
    kernel = _compiled()
    for part in watched.chunks():
        x = np.asarray(watched.metal[part], dtype=np.float64)
        kernel(x, watched.edges(part), closes_A**2, opens_A**2, graph, labels[part])
    return labels


def contacts_of(positions: FloatArray, cell: FloatArray, limit_A: float) -> BoolArray:
    """Which points touch in one frame: (n, 3) in angstrom -> (n, n), False on the diagonal.

    An edge of zero in `cell` stands for no periodicity.
    """
    graph = np.zeros((len(positions), len(positions)), dtype=np.bool_)
    labels = np.empty((1, len(positions)), dtype=np.int32)
    x = np.asarray(positions, dtype=np.float64)[None]
    _compiled()(x, np.asarray(cell, dtype=np.float64)[None], limit_A**2, limit_A**2, graph, labels)
    return graph


@cache
def _compiled() -> Callable[..., None]:
    import numba

    def label(
        x: Any,  # (F, n, 3)
        cells: Any,  # (F, 3)
        closes2: float,
        opens2: float,
        graph: Any,  # (n, n), carried from frame to frame
        labels: Any,  # (F, n)
    ) -> None:
        n = x.shape[1]
        for f in range(x.shape[0]):
            row = labels[f]
            for i in range(n):
                row[i] = i
            for i in range(n):
                for j in range(i + 1, n):
                    r2 = 0.0
                    for k in range(3):
                        d = x[f, i, k] - x[f, j, k]
                        edge = cells[f, k]
                        if edge > 0:
                            d -= edge * np.floor(d / edge + 0.5)
                        r2 += d * d
                    touch = r2 < (opens2 if graph[i, j] else closes2)
                    graph[i, j] = touch
                    graph[j, i] = touch
                    if touch:
                        a, b = i, j
                        while row[a] != a:
                            a = row[a]
                        while row[b] != b:
                            b = row[b]
                        if a < b:
                            row[b] = a
                        else:
                            row[a] = b
            for i in range(n):
                # parents have smaller numbers, and theirs are roots already
                row[i] = row[row[i]]

    compiled: Callable[..., None] = numba.njit(label, nogil=True, error_model="numpy")
    return compiled
