"""Sums of metadynamics hills on grids.

Energies are in one unit throughout a call (the bias files' unit: kcal/mol in this project), and
collective variables in theirs. PLUMED's HILLS files hold the height that was added to the bias
multiplied by gamma/(gamma-1), so that minus their plain sum estimates the free energy; the added
height is :attr:`nucleops.bias.hills.HillsTable.added`. Hills at points: ``bias.hills.hills_bias``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray, Grid, as_points
from nucleops.bias.hills import COLVARS_CUT, PLUMED_CUT, Kernel
from nucleops.cores import usable_threads

MOST_VARIABLES = 3


class Padded(NamedTuple):
    """A grid as compiled loops take it: three variables, those added have one point at 0.

    Attributes
    ----------
    origin, spacing, periods : ndarray
        Shape (3,); a period of 0 where there is none.
    shape : tuple of int
        Number of points along each of the three.
    """

    origin: FloatArray
    spacing: FloatArray
    periods: FloatArray
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, grid: Grid) -> Padded:
        """Pad a grid; the variables that are added come first.

        Raises
        ------
        ValueError
            If it has more than three variables.
        """
        lacking = MOST_VARIABLES - grid.n_dimensions
        if lacking < 0:
            raise ValueError(f"a grid of {grid.n_dimensions} variables; allowed 1, 2 or 3")
        periods = [p or 0.0 for p in grid.periods]
        shape = (1,) * lacking + grid.shape
        return cls(
            np.concatenate([np.zeros(lacking), grid.origin]),
            np.concatenate([np.ones(lacking), grid.spacing]),
            np.array([0.0] * lacking + periods),
            (shape[0], shape[1], shape[2]),
        )

    def points(self, values: FloatArray, fill: float = 0.0) -> FloatArray:
        """Pad values of the variables, shape (n, D), to shape (n, 3)."""
        lacking = MOST_VARIABLES - values.shape[1]
        return np.ascontiguousarray(
            np.concatenate([np.full((len(values), lacking), fill), values], axis=1)
        )


class Shape(NamedTuple):
    """Where a hill ends (half a squared distance in sigmas), and how it is stretched to be 0 there.

    A hill of height 1 is ``scale (exp(-d) - edge)``, and 0 beyond ``cut``.
    """

    cut: float
    edge: float
    scale: float

    @classmethod
    def of(cls, kernel: Kernel) -> Shape:
        """Return the shape of PLUMED's hills (stretched-gaussian) or of Colvars' (gaussian)."""
        if kernel == "gaussian":
            return cls(COLVARS_CUT, 0.0, 1.0)
        edge = float(np.exp(-PLUMED_CUT))
        return cls(PLUMED_CUT, edge, 1.0 / (1.0 - edge))


class HillSum:
    """A sum of hills on a grid that grows as hills are added.

    Parameters
    ----------
    grid : Grid
        Where to sum, in one to three variables.
    kernel : str
        ``stretched-gaussian`` (PLUMED, zero from dp2 = 6.25) or ``gaussian`` (Colvars).
    threads : int or None
        How many; see :func:`nucleops.cores.usable_threads` for None. The sum does not depend on it.
    """

    def __init__(
        self, grid: Grid, kernel: Kernel = "stretched-gaussian", *, threads: int | None = None
    ) -> None:
        self.grid = grid
        self._padded = Padded.of(grid)
        self._shape = Shape.of(kernel)
        self._total = np.zeros(self._padded.shape)
        self._threads = usable_threads(threads)

    @property
    def values(self) -> FloatArray:
        """The sum so far in the heights' unit, a copy of shape ``grid.shape``."""
        return self._total.reshape(self.grid.shape).copy()

    def at(self, points: ArrayLike) -> FloatArray:
        """Return the sum at points, shape (F, D) -> (F,), by cubic interpolation."""
        from nucleops.analysis.hills_kernel import look_up

        values = self._padded.points(as_points(points, self.grid.n_dimensions))
        found, p = np.zeros((len(values), 4)), self._padded
        look_up(self._total, p.origin, p.spacing, p.periods, values, found)
        return np.ascontiguousarray(found[:, 0])

    def add(self, centres: ArrayLike, sigmas: ArrayLike, heights: ArrayLike) -> None:
        """Add hills.

        Parameters
        ----------
        centres, sigmas : array_like
            Centre and width of each hill, shape (H, D), or (H,) where D is 1.
        heights : array_like
            Height of each hill, shape (H,).
        """
        from nucleops.analysis.hills_kernel import add_hills

        p, shape = self._padded, self._shape
        c = p.points(as_points(centres, self.grid.n_dimensions))
        s = p.points(as_points(sigmas, self.grid.n_dimensions), 1.0)
        h = np.ascontiguousarray(heights, dtype=np.float64) * shape.scale
        shares = min(self._threads, p.shape[0] * p.shape[1]) if len(h) > 100 else 1

        def one(share: int) -> None:
            add_hills(
                c, s, h, p.origin, p.spacing, p.periods, shape.cut, shape.edge, share, shares,
                self._total,
            )  # fmt: skip

        if shares == 1:
            one(0)
            return
        with ThreadPoolExecutor(shares) as pool:
            list(pool.map(one, range(shares)))  # the list raises what a thread raised


def sum_of_hills(
    centres: ArrayLike,
    sigmas: ArrayLike,
    heights: ArrayLike,
    grid: Grid,
    kernel: Kernel = "stretched-gaussian",
) -> FloatArray:
    """Sum hills on a grid; see :class:`HillSum` for the parameters.

    Returns
    -------
    ndarray
        The sum in the heights' unit, shape ``grid.shape``. With a HILLS file's own heights,
        minus this is the free energy; with the added heights, this is the bias.
    """
    total = HillSum(grid, kernel)
    total.add(centres, sigmas, heights)
    return total.values


def sums_of_hills(
    centres: ArrayLike,
    sigmas: ArrayLike,
    heights: ArrayLike,
    grid: Grid,
    counts: Sequence[int],
    kernel: Kernel = "stretched-gaussian",
) -> Iterator[FloatArray]:
    """Yield the sum of the first n hills on a grid for each n of `counts` (ascending).

    Takes what :func:`sum_of_hills` takes; each hill is evaluated once.
    """
    c, s = as_points(centres, grid.n_dimensions), as_points(sigmas, grid.n_dimensions)
    h = np.asarray(heights, dtype=np.float64)
    total, done = HillSum(grid, kernel), 0
    for count in counts:
        if count < done:
            raise ValueError("counts must be ascending")
        total.add(c[done:count], s[done:count], h[done:count])
        done = count
        yield total.values


def mean_surface(sums: Sequence[FloatArray]) -> FloatArray:
    """Free energy from sums of hills of walkers with a bias each; nan where none has reached.

    Walkers differ by a constant: each is aligned where it is deepest before they are averaged.
    """
    stack = np.array(sums)
    deepest = stack.reshape(len(stack), -1).max(axis=1).reshape(-1, *(1,) * (stack.ndim - 1))
    aligned = np.where(stack > 0, deepest - stack, np.nan)
    known = np.isfinite(aligned)
    count = known.sum(axis=0)
    mean = np.where(known, aligned, 0.0).sum(axis=0) / np.maximum(count, 1)
    mean = np.where(count > 0, mean, np.nan)
    return np.asarray(mean - np.nanmin(mean) if np.any(count > 0) else mean)
