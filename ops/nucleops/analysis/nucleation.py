"""Nucleation through time: coordination, aggregates, and what happens at a nucleation point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.geometry import cross_distances, make_whole, minimum_image
from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.settings import Switch
from nucleops.bias.switch import switch


def switched(distance: ArrayLike, rational: Switch) -> FloatArray:
    """Evaluate a rational switching function in PLUMED's stretched form.

    See :func:`nucleops.bias.switch.switch`; `distance` in A, any shape.
    """
    r = np.asarray(distance, dtype=np.float64)
    return switch(r, rational.r0_A, rational.n, rational.m)


def coordination_series(
    positions: ArrayLike,
    cells: ArrayLike,
    periodic: bool,
    first: ArrayLike,
    second: ArrayLike,
    rational: Switch,
) -> FloatArray:
    """Mean coordination of the atoms of `first` by those of `second` in each frame.

    Parameters
    ----------
    positions, cells : array_like
        Shapes (F, N, 3) and (F, 3), in A.
    periodic : bool
        Whether the cell repeats.
    first, second : array_like of int
        Atom indices, shapes (a,) and (b,); an atom does not coordinate itself.
    rational : Switch
        Switching function.

    Returns
    -------
    ndarray
        Shape (F,): sum of the switching function over pairs, divided by the number of `first`.
    """
    x, a = np.asarray(positions), np.asarray(first, dtype=np.int64)
    b = np.asarray(second, dtype=np.int64)
    if not len(a) or not len(b):
        return np.zeros(len(x))
    own = a[:, None] == b[None, :]
    values = []
    for frame, cell in zip(x, np.asarray(cells), strict=True):
        s = switched(cross_distances(frame[a], frame[b], cell, periodic), rational)
        values.append(float(np.where(own, 0.0, s).sum()) / len(a))
    return np.array(values)


def nucleation_points(
    positions: ArrayLike, cells: ArrayLike, periodic: bool, members: ArrayLike
) -> FloatArray:
    """Centre of mass through time of the metals that end up in one nucleus.

    Atoms are followed backwards in time from the last frame, where they lie together, each by its
    shortest move between frames; so the point is the same whichever image of an atom is stored.

    Parameters
    ----------
    positions, cells : array_like
        Shapes (F, N, 3) and (F, 3), in A; atoms must move less than half an edge between frames.
    periodic : bool
        Whether the cell repeats.
    members : array_like of int
        Metals of the final nucleus (all of one element, so that the centre of mass is the mean).

    Returns
    -------
    ndarray
        Shape (F, 3), in A (not wrapped).
    """
    x, box = np.asarray(positions), np.asarray(cells)
    own = x[:, np.asarray(members, dtype=np.int64)]
    place = make_whole(own[-1], box[-1], periodic)
    points = np.empty((len(x), 3))
    points[-1] = place.mean(axis=0)
    for k in range(len(x) - 2, -1, -1):
        place = place + minimum_image(own[k] - place, box[k], periodic)
        points[k] = place.mean(axis=0)
    return points


def around_points(
    positions: ArrayLike,
    cells: ArrayLike,
    periodic: bool,
    points: ArrayLike,
    atoms: ArrayLike,
    rational: Switch,
) -> FloatArray:
    """Coordination of a moving point by atoms in each frame.

    Parameters
    ----------
    positions, cells : array_like
        Shapes (F, N, 3) and (F, 3), in A.
    periodic : bool
        Whether the cell repeats.
    points : array_like
        Shape (F, 3), in A.
    atoms : array_like of int
        Atom indices.
    rational : Switch
        Switching function.

    Returns
    -------
    ndarray
        Shape (F,): sum of the switching function over the atoms.
    """
    x, own = np.asarray(positions), np.asarray(atoms, dtype=np.int64)
    between = x[:, own] - np.asarray(points)[:, None, :]
    r = np.linalg.norm(minimum_image(between, np.asarray(cells)[:, None, :], periodic), axis=-1)
    return np.asarray(switched(r, rational).sum(axis=1), dtype=np.float64)


def together_since(labels: ArrayLike, columns: Sequence[int]) -> int:
    """First frame from which the given metals stay in one aggregate to the end.

    Parameters
    ----------
    labels : array_like
        Component of each metal in each frame, shape (F, n).
    columns : sequence of int
        Columns of the metals.

    Returns
    -------
    int
        Frame index; the number of frames where they are not together at the end.
    """
    rows: IntArray = np.asarray(labels)[:, list(columns)]
    joined = np.all(rows == rows[:, :1], axis=1)
    apart = np.flatnonzero(~joined)
    return int(apart[-1]) + 1 if len(apart) else 0
