"""Errors by drawing blocks of a series, or whole walkers, again and again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nucleops.analysis.grid import FloatArray, IntArray


def blocks_of_rows(walker: IntArray, block: int) -> IntArray:
    """Number of the block that each row is in, shape (F,).

    Parameters
    ----------
    walker : ndarray of int
        Walker of each row, shape (F,), ascending.
    block : int
        Rows in a block. No block holds rows of two walkers; what is left over at a walker's end
        joins its last block.
    """
    made = np.empty(len(walker), dtype=np.int64)
    first = 0
    for own in np.unique(walker):
        rows = np.flatnonzero(walker == own)
        count = max(1, len(rows) // block)
        made[rows] = first + np.minimum(np.arange(len(rows)) // block, count - 1)
        first += count
    return made


def draws(block: IntArray, n_draws: int, seed: int = 0) -> Iterator[FloatArray]:
    """Yield how much each row counts in each bootstrap sample, shape (F,), 1 on the average.

    Blocks count by exponential random numbers (D. B. Rubin, *The Bayesian Bootstrap*, Ann.
    Statist. 9, 130 (1981); of blocks: H. R. Kuensch, Ann. Statist. 17, 1217 (1989)). Unlike in a
    drawing with replacement no block is ever left out, so that a basin seen in few blocks is in
    every sample.

    Parameters
    ----------
    block : ndarray of int
        Block of each row, shape (F,), numbered from 0.
    n_draws : int
        How many samples.
    seed : int
        Of the random numbers.
    """
    rng = np.random.default_rng(seed)
    count = int(block.max()) + 1
    for _ in range(n_draws):
        share = rng.standard_exponential(count)
        yield np.asarray(share / share.mean())[block]


def inflation(n_blocks: int) -> float:
    """Factor from the spread of bootstrap samples to a standard error, ``sqrt((n+1)/(n-1))``.

    A mean of n values spreads by ``sum (x - mean)^2 / (n (n+1))`` in samples of :func:`draws`
    (Rubin, section 3), and has the variance ``sum (x - mean)^2 / (n (n-1))``. nan for one block.
    """
    return float(np.sqrt((n_blocks + 1) / (n_blocks - 1))) if n_blocks > 1 else float("nan")
