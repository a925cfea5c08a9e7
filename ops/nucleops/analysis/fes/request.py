"""What is asked of an analysis of somebody's files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from nucleops.analysis.estimators import Method, Smoothing
from nucleops.analysis.grid import FloatArray
from nucleops.analysis.verdict import Criteria
from nucleops.bias.hills import HillsTable

Walkers = Literal["independent", "shared"]


@dataclass(frozen=True)
class Axis:
    """An axis of a grid as PLUMED is told it: `bins` intervals, so one point more, ends included.

    A periodic axis has `bins` points, without its upper end.
    """

    low: float
    high: float
    bins: int

    def points(self, period: float | None) -> FloatArray:
        """Return the points of the axis, shape (n,)."""
        if period is None:
            return np.linspace(self.low, self.high, self.bins + 1)
        return np.asarray(self.low + period / self.bins * np.arange(self.bins), dtype=np.float64)


class Hills(Protocol):
    """Hills of one run that can be gone through again and again: files, or what was read."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Files that they are from."""

    @property
    def periods(self) -> tuple[tuple[str, float], ...]:
        """Periods of variables, in addition to what the tables tell."""

    def pieces(self) -> Iterator[HillsTable]:
        """Yield the hills in order of time, some at a time."""


@dataclass(frozen=True)
class WalkerFiles:
    """Files of one walker: its hills, and its series in one file or in segments; either or both."""

    hills: Hills | None
    colvar: tuple[Path, ...] = ()


@dataclass(frozen=True)
class NamedBox:
    """A basin that is given: lowest and highest value of the variables it is told by."""

    name: str
    ranges: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Request:
    """Everything that an analysis depends on.

    Attributes
    ----------
    walkers : tuple of WalkerFiles
        One for each walker.
    kT : float
        Thermal energy in the files' unit.
    sharing : str
        Whether walkers have a bias each or share one.
    cvs : tuple of str
        Variables that the surface is wanted in; empty: the biased ones.
    axes : tuple of Axis
        Grid of the surface, an axis for each variable; empty: what the run has visited.
    method : str or None
        Way of reweighting (:mod:`nucleops.analysis.estimators`); None: ``bias-force`` where there
        are hills, ``bias`` otherwise.
    bias_column : str or None
        Column of COLVAR with the bias; found by its name where None.
    extra_bias : tuple of str
        Columns of COLVAR with other biases that weights are to undo, such as walls.
    smoothing : str
        ``kernel`` or ``histogram``.
    bandwidths : tuple of float
        Kernel width along each variable; empty: 0.6 of the improved Sheather-Jones rule's.
    discard : float
        Time from the start that reweighting leaves out.
    basins : tuple of NamedBox
        Empty: found by watershed; kept are those with a hundredth of the rows.
    depth : float
        Least depth in kT of a basin that watershed keeps.
    stride : int
        Hills between surfaces in time; 0: ten surfaces.
    block : int
        Rows in a block of the bootstrap; 0: by :func:`nucleops.analysis.replicates.choose_blocks`.
    n_blocks : int
        Blocks where no block is long enough.
    draws : int
        Replicates of the surface behind the errors.
    n_times : int
        Times at which the difference of the first two basins is computed, without a stride.
    by_walker : bool
        Whether whole walkers are drawn in place of blocks.
    path : tuple of str or None
        Ends of a minimum free-energy path: basins, or values joined by commas.
    criteria : Criteria
        What a converged run has to show, and the units of energies and times.
    """

    walkers: tuple[WalkerFiles, ...]
    kT: float
    sharing: Walkers = "independent"
    cvs: tuple[str, ...] = ()
    axes: tuple[Axis, ...] = ()
    method: Method | None = None
    bias_column: str | None = None
    extra_bias: tuple[str, ...] = ()
    smoothing: Smoothing = "kernel"
    bandwidths: tuple[float, ...] = ()
    discard: float = 0.0
    basins: tuple[NamedBox, ...] = ()
    depth: float = 1.0
    stride: int = 0
    block: int = 0
    n_blocks: int = 10
    draws: int = 100
    n_times: int = 30
    by_walker: bool = False
    path: tuple[str, str] | None = None
    criteria: Criteria = field(default_factory=Criteria)
