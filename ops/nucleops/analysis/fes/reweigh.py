"""From weighted rows to a surface with errors, and to the errors of what follows from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nucleops.analysis.basins import Basins
from nucleops.analysis.bias_force import bias_grid_over
from nucleops.analysis.convergence import grid_points
from nucleops.analysis.estimators import Estimator
from nucleops.analysis.fes.request import Request
from nucleops.analysis.fes.result import Reweighted
from nucleops.analysis.fes.rows import Read
from nucleops.analysis.grid import FloatArray, Grid, spanning
from nucleops.analysis.grid_density import kish
from nucleops.analysis.hills_scan import HillsScan
from nucleops.analysis.replicates import (
    Statistic,
    choose_blocks,
    normalised,
    replicates,
    standard_error,
)
from nucleops.errors import WrongInput

_FINEST = {1: 400, 2: 120, 3: 40}

Derived = Callable[[FloatArray], FloatArray]
"""Numbers that follow from a surface in kT."""


def target_grid(request: Request, read: Read, hills_grid: Grid | None) -> Grid:
    """Return the grid of the surface: as asked, else that of the hills, else what was visited."""
    if request.axes and len(request.axes) != len(read.targets):
        raise WrongInput(
            f"--grid: found {len(request.axes)} axes for {len(read.targets)} variables "
            f"({', '.join(read.targets)})"
        )
    if request.axes:
        axes = [a.points(p) for a, p in zip(request.axes, read.periods, strict=True)]
        return Grid.make(axes, read.periods)
    most = _FINEST.get(len(read.targets))
    if most is None:
        raise WrongInput(f"--cv: found {len(read.targets)} variables, allowed 1, 2 or 3")
    made = []
    for values, period in zip(read.rows.targets.T, read.periods, strict=True):
        if period is not None:
            made.append(-period / 2 + period / most * np.arange(most))
            continue
        span = float(np.ptp(values)) or 1.0
        low, high = values.min() - 0.05 * span, values.max() + 0.05 * span
        made.append(spanning(low, high, (high - low) / most, most))
    return Grid.make(made, read.periods)


def estimator_of(request: Request, read: Read, grid: Grid, scan: HillsScan | None) -> Estimator:
    """Set up the estimator that the request asks for."""
    widths = np.array(request.bandwidths) if request.bandwidths else None
    if widths is not None and len(widths) != grid.n_dimensions:
        raise WrongInput(
            f"--bandwidth: found {len(widths)} for {grid.n_dimensions} variables, allowed one each"
        )
    bias_grid = None
    if read.method == "bias-force":
        assert scan is not None
        bias_grid = bias_grid_over(read.rows.biased, scan.sigma, scan.periods)
    return Estimator(read.rows, grid, bias_grid, request.smoothing, widths)


def reweigh(
    request: Request,
    read: Read,
    estimator: Estimator,
    basins: Basins,
    derived: Derived,
    grain: float = 0.0,
) -> tuple[Reweighted, FloatArray, FloatArray]:
    """Estimate a surface, its error, and the errors of numbers that follow from it.

    Parameters
    ----------
    request : Request
        How.
    read : Read
        The rows.
    estimator : Estimator
        The way from rows to a surface.
    basins : Basins
        Basins; blocks are chosen by what they do to the difference of the first two.
    derived : callable
        Numbers that follow from a surface in kT.
    grain : float
        Error of each point that no block shows (:attr:`FromHills.grain`), in the files' unit.

    Returns
    -------
    reweighted : Reweighted
        The surface; in the files' unit.
    values, errors : ndarray
        What `derived` made of the surface, and its standard errors, in kT.
    """
    rows, kT = estimator.rows, request.kT
    visited = estimator.visited
    blocks = choose_blocks(
        _slowest(estimator, basins),
        rows.walker,
        request.block,
        request.n_blocks,
        by_walker=request.by_walker,
    )
    whole = normalised(estimator.surface(), visited)
    made = replicates(estimator, blocks.of, request.draws)
    values = derived(whole)
    errors = standard_error(np.array([derived(surface) for surface in made]), blocks.count)
    logs = estimator.log_weights()
    known = np.isfinite(whole)
    error = np.hypot(kT * standard_error(made, blocks.count), grain)
    reweighted = Reweighted(
        method=read.method,
        surface=np.where(known, kT * (whole - whole[known].min()), np.nan),
        error=np.where(known, error, np.nan),
        replicates=kT * made,
        visited=visited,
        bandwidths=estimator.bandwidths,
        scan=[(b, n, kT * e) for b, n, e in blocks.scan],
        block=blocks.size,
        n_blocks=blocks.count,
        level=blocks.level,
        effective_rows=kish(np.exp(logs - logs.max())),
        n_rows=len(rows),
    )
    return reweighted, values, errors


def _slowest(estimator: Estimator, basins: Basins) -> Statistic:
    """The number that takes longest to know: the first two basins' difference, in kT.

    Where there are no two: the mean of the first variable.
    """
    first = grid_points(estimator.grid)[:, 0].reshape(estimator.grid.shape)

    def statistic(times: FloatArray) -> float:
        surface = normalised(estimator.surface(times), estimator.visited)
        if len(basins.names) > 1:
            return basins.difference(surface)
        return float(np.nansum(first * np.exp(-surface)))

    return statistic
