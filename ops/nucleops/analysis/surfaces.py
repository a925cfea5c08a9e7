"""What the analysis of metadynamics or OPES ends in."""

from __future__ import annotations

from dataclasses import dataclass

from nucleops.analysis.grid import BoolArray, FloatArray, Grid
from nucleops.analysis.settings import State
from nucleops.analysis.verdict import Verdict


@dataclass(frozen=True)
class Surfaces:
    """What :func:`analyse` makes of the walkers; energies in kcal/mol.

    Attributes
    ----------
    grid : Grid
        Grid of the summed hills (D variables), or where the kernels of OPES are.
    from_hills : ndarray or None
        Minus the sum of hills, ``grid.shape``, minimum zero; nan where no hill reached. None of
        OPES, which has no hills.
    coarse : Grid
        Grid of the reweighted histograms.
    reweighted : ndarray
        ``coarse.shape``, minimum zero; inf where not visited.
    been : ndarray
        Where on `grid` the walkers have been (within one hill width).
    profile_x, profile_hills, profile, profile_error : ndarray
        Along the first variable, shape (n,): summed hills projected (None of OPES), reweighted, and
        the block error of the latter.
    block, n_blocks : int
        Block size (rows) and number of blocks behind the error.
    error_is_level : bool
        Whether a block is long enough for the error not to grow any more.
    scan : list
        Rows (block, blocks, error of the difference) of the scan.
    times_ps, difference_hills, difference, difference_error : ndarray
        Free-energy difference against time, shape (T,); from hills None of OPES.
    states : tuple of State
        The basins.
    minima : dict
        State -> values of the variables at the lowest known point inside it, shape (D,); of the
        summed hills where there are any, of the reweighted surface otherwise.
    verdict : Verdict
        Whether to believe it.
    """

    grid: Grid
    from_hills: FloatArray | None
    coarse: Grid
    reweighted: FloatArray
    been: BoolArray
    profile_x: FloatArray
    profile_hills: FloatArray | None
    profile: FloatArray
    profile_error: FloatArray
    block: int
    n_blocks: int
    error_is_level: bool
    scan: list[tuple[int, int, float]]
    times_ps: FloatArray
    difference_hills: FloatArray | None
    difference: FloatArray
    difference_error: FloatArray
    states: tuple[State, ...]
    minima: dict[str, list[float]]
    verdict: Verdict

    @property
    def best_difference(self) -> float:
        """Last free-energy difference in kcal/mol: from hills where there are any."""
        series = self.difference if self.difference_hills is None else self.difference_hills
        return float(series[-1])
