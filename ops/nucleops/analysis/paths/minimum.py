"""The minimum free-energy path between two points of a grid, exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.basins import lowest_pass
from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.paths.graph import GridGraph

_MOST_SUNK = 25.0
"""Depth in kT of a valley below the passes before it from which lengths there are lost to rounding:
exp(-25) is 10^-11 of what has been added up."""


def minimum_path(surface: ArrayLike, graph: GridGraph, start: int, end: int) -> IntArray | None:
    """Find the minimum free-energy path.

    Of all paths those whose highest point is lowest are the minimax paths, and of these the one
    with the smallest integral of exp(F/kT) is taken, the most likely way to go (S. Huo and J. E.
    Straub, J. Chem. Phys. 107, 5000 (1997)). Both are found exactly on the grid, nothing is
    relaxed from a guess.

    Parameters
    ----------
    surface : array_like
        Free energy in kT, ``graph.grid.shape``; not finite where unknown, which is never crossed.
    graph : GridGraph
        The grid with its lengths.
    start, end : int
        Flat indices of the two ends.

    Returns
    -------
    ndarray of int or None
        Flat indices of the points of the path, shape (n,), both ends included; None where no
        known points join the ends.
    """
    f = np.asarray(surface, dtype=np.float64)
    level = lowest_pass(f, graph.grid, start, end)
    if not np.isfinite(level):
        return None
    return _route(np.where(np.isfinite(f), f, np.nan).ravel(), graph, start, end, level)


def _route(f: FloatArray, graph: GridGraph, start: int, end: int, level: float) -> IntArray:
    # Lengths grow by orders of magnitude towards the pass. Summed up from below on either side of
    # it they are exact; summed across it those beyond would be lost.
    up, before = graph.tree(f, level, start)
    down, behind = graph.tree(f, level, end)
    tops = np.flatnonzero(f == level)
    top = int(tops[np.argmin(up[tops] + down[tops])])
    left = _climb(f, graph, level, _traced(before, top))
    right = _climb(f, graph, level, _traced(behind, top))
    return np.concatenate([left, right[-2::-1]])


def _climb(f: FloatArray, graph: GridGraph, level: float, path: IntArray) -> IntArray:
    """Find the part of a path up to its top again where it leads through a deep valley."""
    sunk = np.maximum.accumulate(f[path]) - f[path]
    deepest = int(np.argmax(sunk))
    if sunk[deepest] < _MOST_SUNK:
        return path
    start, valley, top = int(path[0]), int(path[deepest]), int(path[-1])
    lower = lowest_pass(f.reshape(graph.grid.shape), graph.grid, start, valley)
    first = _route(f, graph, start, valley, lower)
    second = _traced(graph.tree(f, level, valley)[1], top)
    return np.concatenate([first[:-1], _climb(f, graph, level, second)])


def _traced(before: IntArray, end: int) -> IntArray:
    """Points from the source of a tree to one of its points."""
    path = [end]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return np.array(path[::-1], dtype=np.int64)
