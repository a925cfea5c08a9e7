"""Errors by drawing blocks of a series, or whole walkers, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

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
    """Yield how often each row counts in each bootstrap sample, shape (F,).

    As many blocks are drawn as there are, with replacement (B. Efron and R. Tibshirani, *An
    Introduction to the Bootstrap*, 1993; of blocks: H. R. Kuensch, Ann. Statist. 17, 1217 (1989)).

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
        yield np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)[block]


@dataclass
class Spread:
    """Mean and standard deviation of arrays that come one by one; entries not finite are left out.

    Welford's recurrence (Technometrics 4, 419 (1962)): memory does not grow with their number.
    """

    _count: FloatArray | None = None
    _mean: FloatArray = field(default_factory=lambda: np.empty(0))
    _squares: FloatArray = field(default_factory=lambda: np.empty(0))

    def add(self, values: ArrayLike) -> None:
        """Take in one array."""
        x = np.asarray(values, dtype=np.float64)
        if self._count is None:
            self._count, self._mean = np.zeros(x.shape), np.zeros(x.shape)
            self._squares = np.zeros(x.shape)
        known = np.isfinite(x)
        self._count += known
        away = np.where(known, x - self._mean, 0.0)
        self._mean = self._mean + away / np.maximum(self._count, 1)
        self._squares = self._squares + away * np.where(known, x - self._mean, 0.0)

    def error(self, least: float = 0.0) -> FloatArray:
        """Return the standard deviation, nan where fewer than two, or that share, were finite."""
        if self._count is None:
            return np.empty(0)
        enough = (self._count >= 2) & (self._count >= least * self._count.max(initial=0.0))
        made = np.sqrt(self._squares / np.maximum(self._count - 1, 1))
        return np.where(enough, made, np.nan)
