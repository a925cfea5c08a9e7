"""The metals' contact graph through time, and its aggregates.

A contact closes below one distance and opens above a larger one. Between the two it stays what it
was, so that a pair that vibrates about a single limit does not make and break an aggregate in
every second frame.
"""

from __future__ import annotations

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
    from nucleops.analysis.nuclei.loops import label

    n = watched.metal.shape[1]
    labels = np.empty((len(watched), n), dtype=np.int32)
    graph = np.zeros((n, n), dtype=np.bool_)
    for part in watched.chunks():
        x = np.ascontiguousarray(watched.metal[part].transpose(0, 2, 1), dtype=np.float64)
        label(x, watched.edges(part), closes_A**2, opens_A**2, graph, labels[part])
    return labels


def contacts_of(positions: FloatArray, cell: FloatArray, limit_A: float) -> BoolArray:
    """Which points touch in one frame: (n, 3) in angstrom -> (n, n), False on the diagonal.

    An edge of zero in `cell` stands for no periodicity.
    """
    from nucleops.analysis.nuclei.loops import label

    graph = np.zeros((len(positions), len(positions)), dtype=np.bool_)
    labels = np.empty((1, len(positions)), dtype=np.int32)
    x = np.ascontiguousarray(np.transpose(positions), dtype=np.float64)[None]
    label(x, np.asarray(cell, dtype=np.float64)[None], limit_A**2, limit_A**2, graph, labels)
    return graph
