"""How often regions of collective variables were visited, and weights that favour the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BINS = 12
"""Bins along each variable, over the range that was ever visited."""


def unvisited_weights(values: Sequence[FloatArray], visited: FloatArray) -> list[FloatArray]:
    """Weights of frames by the inverse of a histogram of where frames have been.

    Parameters
    ----------
    values : sequence of ndarray
        Collective variables of the frames of some trajectories, each of shape (n_frames, n_cvs).
    visited : ndarray
        Those of all frames that count as visited, these ones among them, shape (n, n_cvs).

    Returns
    -------
    list of ndarray
        Of each trajectory, shape (n_frames,): one over the number of visits to the frame's bin,
        scaled to a mean of one over all frames given. A frame without a number weighs one.
    """
    here = np.concatenate([*values, np.empty((0, visited.shape[1]))])
    sound = np.isfinite(here).all(axis=1)
    every = np.concatenate([here[sound], visited[np.isfinite(visited).all(axis=1)]])
    weights = np.ones(len(here))
    if sound.any():
        _, place = np.unique(_bins(every), axis=0, return_inverse=True)
        n_here = int(sound.sum())
        visits = np.bincount(place[n_here:], minlength=place.max() + 1)
        weights[sound] = 1 / np.maximum(1, visits[place[:n_here]])
        weights[sound] /= weights[sound].mean()
    ends = np.cumsum([len(part) for part in values], dtype=np.int64)
    return list(np.split(weights, ends[:-1])) if values else []


def _bins(rows: FloatArray) -> NDArray[np.int64]:
    """Bin of each row, shape (n, n_cvs)."""
    low, span = rows.min(axis=0), np.ptp(rows, axis=0)
    place = BINS * (rows - low) / np.where(span > 0, span, 1.0)
    return np.asarray(np.clip(place, 0, BINS - 1), dtype=np.int64)
