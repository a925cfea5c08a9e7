"""Weighted means of what frames show, state by state, with errors over blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleops.analysis.grid import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class StateMeans:
    """Means in one state.

    Attributes
    ----------
    frames : int
        Frames in it.
    share, share_error : float
        Its share of the weight of all frames, and its standard error.
    mean, error : ndarray
        Weighted mean of each column and its standard error, shape (P,).
    spread : ndarray
        Weighted standard deviation of the values themselves, shape (P,).
    """

    frames: int
    share: float
    share_error: float
    mean: FloatArray
    error: FloatArray
    spread: FloatArray


def means_in(
    values: FloatArray,
    weights: FloatArray,
    block: IntArray,
    member: BoolArray,
    draws: int = 400,
    seed: int = 0,
) -> StateMeans:
    """Average the frames of a state with their weights.

    Errors are standard deviations over bootstrap samples of blocks (B. Efron and R. Tibshirani, *An
    Introduction to the Bootstrap*, 1993), so that frames of one block count as correlated.

    Parameters
    ----------
    values : ndarray
        Shape (F, P).
    weights : ndarray
        Of the frames, shape (F,).
    block : ndarray of int
        Block of each frame, shape (F,).
    member : ndarray of bool
        Which frames are in the state, shape (F,).
    draws : int
        Bootstrap samples.
    seed : int
        Of the random numbers.
    """
    inside = weights * member
    total = float(inside.sum())
    nothing = np.full(values.shape[1], np.nan)
    if total <= 0:
        return StateMeans(int(member.sum()), 0.0, float("nan"), nothing, nothing, nothing)
    mean = inside @ values / total
    spread = np.sqrt(np.maximum(inside @ (values - mean) ** 2 / total, 0.0))
    _, number = np.unique(block, return_inverse=True)
    n = int(number.max()) + 1
    sums = np.stack(
        [np.bincount(number, weights, n), np.bincount(number, inside, n)]
        + [np.bincount(number, inside * column, n) for column in values.T],
        axis=1,
    )
    rng = np.random.default_rng(seed)
    times = rng.multinomial(n, np.full(n, 1.0 / n), draws) @ sums
    # a state that one block alone has seen has no error, however often that block is drawn
    if np.count_nonzero(sums[:, 1]) < 2:
        share_error, error = float("nan"), nothing
    else:
        there = times[:, 1] > 0
        share_error = float(np.std(times[:, 1] / times[:, 0], ddof=1))
        error = np.std(times[there, 2:] / times[there, 1:2], axis=0, ddof=1)
    share = total / float(weights.sum())
    return StateMeans(int(member.sum()), share, share_error, mean, np.asarray(error), spread)
