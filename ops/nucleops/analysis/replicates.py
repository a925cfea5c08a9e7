"""Replicates of free-energy surfaces, and the errors of whatever follows from them.

1. The rows are cut into stretches. Leaving out one stretch at a time, and making everything anew,
   gives the jackknife's pseudo-values of one number (B. Efron, *The Jackknife*, 1982): a series in
   time that holds all that the stretch did to that number, by the density as well as by the bias.
2. The block is the shortest for which the error of that series' mean no longer grows
   (:func:`nucleops.analysis.block_sizes.plateau`). Where there is none, no error can be stated.
3. Replicates of the surface come from weighting the blocks at random
   (:func:`nucleops.analysis.bootstrap.draws`). A number is made from each, and its spread, for the
   few blocks that there are by :func:`nucleops.analysis.bootstrap.inflation`, is its error.
4. An interval of 95 % reaches as far as Student's t with one degree of freedom fewer than blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.block_sizes import plateau
from nucleops.analysis.bootstrap import blocks_of_rows, draws, inflation
from nucleops.analysis.estimators import Estimator
from nucleops.analysis.free_energy import log_sum
from nucleops.analysis.grid import BoolArray, FloatArray, IntArray

MOST_STRETCHES = 128

Statistic = Callable[[FloatArray], float]
"""A number from how much each row counts, shape (F,)."""


@dataclass(frozen=True)
class Blocks:
    """Blocks of rows that count as independent.

    Attributes
    ----------
    of : ndarray of int
        Block of each row, shape (F,), numbered from 0.
    size : int
        Rows in a block.
    scan : list of (block, n_blocks, error)
        Error of the number that the size was chosen for, against rows in a block.
    level : bool
        Whether the size was chosen by the rule, or given; else errors are lower bounds.
    """

    of: IntArray
    size: int
    scan: list[tuple[int, int, float]]
    level: bool

    @property
    def count(self) -> int:
        """Number of blocks."""
        return int(self.of.max()) + 1


def pseudo_values(statistic: Statistic, stretch: IntArray) -> FloatArray:
    """Jackknife pseudo-values of a number, ``n f - (n-1) f_without``, one for each stretch, (n,).

    Parameters
    ----------
    statistic : callable
        The number, from how much each row counts.
    stretch : ndarray of int
        Stretch of each row, shape (F,), numbered from 0.
    """
    n = int(stretch.max()) + 1
    whole = statistic(np.ones(len(stretch)))
    without = [statistic((stretch != k).astype(np.float64)) for k in range(n)] if n > 1 else []
    return np.array([n * whole - (n - 1) * value for value in without])


def choose_blocks(
    statistic: Statistic,
    walker: IntArray,
    size: int = 0,
    otherwise: int = 10,
    *,
    by_walker: bool = False,
) -> Blocks:
    """Choose blocks by what each stretch of the rows does to a number.

    Parameters
    ----------
    statistic : callable
        The number that has to have an error; nan where it is not defined.
    walker : ndarray of int
        Walker of each row, shape (F,), ascending.
    size : int
        Rows in a block; 0: by the rule.
    otherwise : int
        Number of blocks where none is long enough.
    by_walker : bool
        Whether each walker is a block, whatever the rule says.
    """
    stretch = blocks_of_rows(walker, max(1, len(walker) // MOST_STRETCHES))
    rows = len(walker) / (int(stretch.max()) + 1)
    values = pseudo_values(statistic, stretch)
    scan, chosen = plateau(values) if len(values) and np.all(np.isfinite(values)) else ([], None)
    told = [(round(rows * block), count, error) for block, count, error in scan]
    if by_walker:
        own = np.unique(walker, return_inverse=True)[1].astype(np.int64)
        return Blocks(own, len(walker) // (int(own.max()) + 1), told, True)
    found = size or (round(rows * chosen) if chosen else 0)
    used = found or max(1, len(walker) // otherwise)
    return Blocks(blocks_of_rows(walker, used), used, told, bool(found))


def normalised(surface: FloatArray, visited: BoolArray) -> FloatArray:
    """-ln of the probability of each visited point, nan elsewhere; `surface` is in kT."""
    made = np.where(visited & np.isfinite(surface), surface, np.nan)
    known = made[np.isfinite(made)]
    return made + log_sum(-known) if len(known) else made


def replicates(estimator: Estimator, members: IntArray, n_draws: int, seed: int = 0) -> FloatArray:
    """Replicates of a surface in kT, each normalised, shape ``(n_draws, *grid.shape)``.

    Parameters
    ----------
    estimator : Estimator
        The way from rows to a surface.
    members : ndarray of int
        Block of each row, shape (F,), as :attr:`Blocks.of`.
    n_draws : int
        Number of replicates.
    seed : int
        Of the random numbers.

    Returns
    -------
    ndarray
        nan where not visited; all nan where there is only one block.
    """
    made = np.full((n_draws, *estimator.grid.shape), np.nan)
    if int(members.max()) > 0:
        for k, times in enumerate(draws(members, n_draws, seed)):
            made[k] = normalised(estimator.surface(times), estimator.visited)
    return made


def standard_error(values: FloatArray, n_blocks: int) -> FloatArray:
    """Standard error of numbers from what replicates of surfaces gave, (n_draws, ...) -> (...).

    The standard deviation of Student's t: what is known of a mean whose variance is known from
    `n_blocks` blocks only spreads by ``sqrt(v / (v - 2))`` more, v = n_blocks - 1. nan where a
    tenth of the replicates or more gave none, or there is only one block.
    """
    known = np.isfinite(values)
    enough = (known.mean(axis=0) >= 0.9) & (known.sum(axis=0) >= 2)
    filled = np.where(known & enough, values, 0.0)
    count = np.maximum(known.sum(axis=0), 2)
    away = np.where(known & enough, values - filled.sum(axis=0) / count, 0.0)
    made = np.sqrt((away**2).sum(axis=0) / (count - 1)) * inflation(n_blocks)
    return np.where(enough, made * _student(n_blocks), np.nan)


def _student(n_blocks: int) -> float:
    """Standard deviation of Student's t with ``n_blocks - 1``; 1 where it has none."""
    v = n_blocks - 1
    return float(np.sqrt(v / (v - 2))) if v > 2 else 1.0


def half_width(error: float, n_blocks: int, level: float = 0.95) -> float:
    """How far an interval reaches to either side, by Student's t with ``n_blocks - 1``.

    Parameters
    ----------
    error : float
        Of :func:`standard_error`.
    n_blocks : int
        Number of blocks behind it.
    level : float
        Share of such intervals that are to hold the truth.
    """
    from scipy.stats import t

    if n_blocks < 2:
        return float("nan")
    return float(t.ppf(0.5 + level / 2.0, n_blocks - 1)) * error / _student(n_blocks)
