"""What an analysis of somebody's files ends in."""

from __future__ import annotations

from dataclasses import dataclass

from nucleops.analysis.basins import Basins
from nucleops.analysis.estimators import Method
from nucleops.analysis.fes.hills import FromHills
from nucleops.analysis.grid import BoolArray, FloatArray, Grid
from nucleops.analysis.paths.along import PathProfile
from nucleops.analysis.states.series import Series
from nucleops.analysis.verdict import Verdict


@dataclass(frozen=True)
class Reweighted:
    """A surface from rows, with errors; energies in the files' unit.

    Attributes
    ----------
    method : str
        How rows were weighted.
    surface, error : ndarray
        Free energy with its minimum at zero, and the standard error of ``-kT ln p``, shape of the
        grid; nan where not visited.
    replicates : ndarray
        Surfaces from rows weighted at random, ``-kT ln p`` each, ``(n, *grid.shape)``; their spread
        times :func:`nucleops.analysis.bootstrap.inflation` of `n_blocks` is a standard error.
    visited : ndarray of bool
        Where rows are, or within a kernel's width of them.
    bandwidths : ndarray
        Kernel width along each variable, shape (K,); zeros for a histogram.
    scan : list of (block, n_blocks, error)
        Error of the difference of the first two basins against the block size.
    block, n_blocks : int
        Rows in a block, and number of blocks, behind the errors.
    level : bool
        Whether the block size was chosen by the rule; else errors are lower bounds.
    effective_rows : float
        (sum w)^2 / sum w^2 of the weights.
    n_rows : int
        Number of rows.
    """

    method: Method
    surface: FloatArray
    error: FloatArray
    replicates: FloatArray
    visited: BoolArray
    bandwidths: FloatArray
    scan: list[tuple[int, int, float]]
    block: int
    n_blocks: int
    level: bool
    effective_rows: float
    n_rows: int


@dataclass(frozen=True)
class BasinRow:
    """A basin and how it stands to the lowest; energies in the files' unit, errors standard errors.

    Attributes
    ----------
    name : str
        Its name.
    minimum : ndarray
        Where its lowest point is, shape (K,).
    depth, depth_error : float
        Free energy there, above the lowest point of all.
    population, population_error : float
        Free energy of the whole basin less that of the first.
    interval : tuple of float
        Where `population` is with 95 %; nan where `unknown` says why none can be stated.
    unknown : str
        What is missing for an interval; empty where there is one.
    barrier, barrier_error : float
        Lowest pass between it and the first basin, above the first's lowest point; nan of the
        first, and of all but the next few.
    rows : int
        Rows in it.
    trips : int
        Round trips between it and the first basin, of all walkers.
    """

    name: str
    minimum: FloatArray
    depth: float
    depth_error: float
    population: float
    population_error: float
    interval: tuple[float, float]
    unknown: str
    barrier: float
    barrier_error: float
    rows: int
    trips: int


@dataclass(frozen=True)
class InTime:
    """Free energy of the second basin of `pair` less the first's against time.

    Attributes
    ----------
    pair : tuple of str
        The two basins.
    times : ndarray
        Shape (T,).
    from_hills : ndarray or None
        From the hills up to each time, shape (T,).
    reweighted, error : ndarray or None
        From the rows up to each time with its standard error, shape (T,).
    """

    pair: tuple[str, str]
    times: FloatArray
    from_hills: FloatArray | None
    reweighted: FloatArray | None
    error: FloatArray | None


@dataclass(frozen=True)
class Result:
    """Everything that was found.

    Attributes
    ----------
    targets : tuple of str
        The K variables of the surfaces.
    grid : Grid
        In the targets.
    hills : FromHills or None
        What the hills alone tell.
    hills_surface : ndarray or None
        Their surface in the targets, where these are among the biased variables: ``grid.shape``,
        minimum zero, nan where no hill reached.
    reweighted : Reweighted or None
        What the rows tell.
    basins : Basins
        Regions that count as states.
    rows : list of BasinRow
        What is known of each.
    in_time : InTime or None
        A difference against time, where there are two basins.
    length : float
        Time that the walkers ran, all together.
    verdict : Verdict
        Whether to believe it.
    series : Series or None
        The rows with their weights.
    path : PathProfile or None
        The path that was asked for, where visited points join its ends.
    """

    targets: tuple[str, ...]
    grid: Grid
    hills: FromHills | None
    hills_surface: FloatArray | None
    reweighted: Reweighted | None
    basins: Basins
    rows: list[BasinRow]
    in_time: InTime | None
    length: float
    verdict: Verdict
    series: Series | None = None
    path: PathProfile | None = None
