"""Compiled loops over pairs of atoms and over frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleops.compiled import compiled


@compiled
def invert(edges: Any, per_edge: Any) -> None:
    """Fill the inverse edge lengths of a cell, zero where an edge of zero stands for no image."""
    for k in range(3):
        per_edge[k] = 1.0 / edges[k] if edges[k] > 0 else 0.0


@compiled
def nearest2(a: Any, b: Any, edges: Any, per_edge: Any) -> Any:
    """Return the squared distance of two points by the nearest image; see :func:`invert`."""
    x, y, z = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    x -= edges[0] * np.floor(x * per_edge[0] + 0.5)
    y -= edges[1] * np.floor(y * per_edge[1] + 0.5)
    z -= edges[2] * np.floor(z * per_edge[2] + 0.5)
    return x * x + y * y + z * z


@compiled
def label(x: Any, cells: Any, closes2: float, opens2: float, graph: Any, labels: Any) -> None:
    """Name the aggregate of each point in each frame, by contacts that open later than they close.

    Parameters
    ----------
    x : ndarray
        Positions, shape (F, 3, n).
    cells : ndarray
        Edge lengths, shape (F, 3); zero stands for no periodicity.
    closes2, opens2 : float
        Squared distances at which a contact closes and opens.
    graph : ndarray of bool
        Contacts, carried from frame to frame, shape (n, n).
    labels : ndarray of int32
        Filled: the smallest place of the aggregate, shape (F, n).
    """
    n = x.shape[2]
    r2, per_edge = np.empty(n), np.empty(3)
    for f in range(x.shape[0]):
        invert(cells[f], per_edge)
        row = labels[f]
        for i in range(n):
            row[i] = i
        for i in range(n):
            for j in range(i + 1, n):  # by itself, it is done by vector instructions
                r2[j] = nearest2(x[f, :, i], x[f, :, j], cells[f], per_edge)
            for j in range(i + 1, n):
                if r2[j] >= opens2 and not graph[i, j]:
                    continue
                touch = r2[j] < (opens2 if graph[i, j] else closes2)
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


@compiled
def within(a: Any, b: Any, cells: Any, limit_A: float, close: Any) -> None:
    """Mark the pairs that are closer than a limit, by the nearest image.

    Parameters
    ----------
    a, b : ndarray
        Positions in angstrom, shapes (F, a, 3) and (F, b, 3).
    cells : ndarray
        Edge lengths in angstrom, shape (F, 3); zero stands for no periodicity.
    limit_A : float
        The limit.
    close : ndarray of bool
        Filled, shape (F, a, b).
    """
    per_edge = np.empty(3)
    for f in range(a.shape[0]):
        invert(cells[f], per_edge)
        for i in range(a.shape[1]):
            for j in range(b.shape[1]):
                r2 = nearest2(b[f, j], a[f, i], cells[f], per_edge)
                close[f, i, j] = r2 < limit_A * limit_A


@compiled
def vote(bonds: Any, half: int, most: Any) -> None:
    """Let the frames about each frame vote on every bond; a tie leaves it as it is.

    Parameters
    ----------
    bonds : ndarray of bool
        Shape (F, b).
    half : int
        Frames before and after that vote.
    most : ndarray of bool
        Filled, shape (F, b).
    """
    n = bonds.shape[0]
    votes = np.zeros(bonds.shape[1], dtype=np.int64)
    for f in range(min(half, n)):
        votes += bonds[f]
    for f in range(n):
        if f + half < n:
            votes += bonds[f + half]
        if f > half:
            votes -= bonds[f - half - 1]
        voters = min(f + half + 1, n) - max(f - half, 0)
        for k in range(bonds.shape[1]):
            twice = 2 * votes[k]
            most[f, k] = bonds[f, k] if twice == voters else twice > voters


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
        (n + 1, most + 1); infinite where there are too few values.
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
                best[end, 0] = cost
                continue
            for m in range(1, best.shape[1]):
                if best[start, m - 1] + cost < best[end, m]:
                    best[end, m] = best[start, m - 1] + cost
                    origin[end, m] = start
