"""From weighted rows to a surface with errors, and to the errors of what follows from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nucleops.analysis.bias_force import bias_grid_over
from nucleops.analysis.block_sizes import block_for_difference
from nucleops.analysis.bootstrap import Spread, blocks_of_rows, draws
from nucleops.analysis.estimators import Estimator, Rows
from nucleops.analysis.fes.request import Request
from nucleops.analysis.fes.result import Reweighted
from nucleops.analysis.fes.rows import Read
from nucleops.analysis.grid import BoolArray, FloatArray, Grid, IntArray, spanning
from nucleops.analysis.grid_density import kish
from nucleops.analysis.hills_scan import HillsScan
from nucleops.errors import WrongInput

_FINEST = {1: 400, 2: 120, 3: 40}
_FALLBACK_BLOCKS = 10

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
    request: Request, read: Read, estimator: Estimator, member: IntArray, derived: Derived
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
    member : ndarray of int
        Basin of each row, shape (F,).
    derived : callable
        Numbers that follow from a surface in kT.

    Returns
    -------
    reweighted : Reweighted
        The surface; in the files' unit.
    values, errors : ndarray
        What `derived` made of the surface, and its standard errors, in kT.
    """
    rows, kT = estimator.rows, request.kT
    visited = estimator.visited
    logs = estimator.log_weights()
    scan, block, level = _block_size(request, rows, logs, member)
    members = rows.walker if request.by_walker else blocks_of_rows(rows.walker, block)
    whole = _normalised(estimator.surface(), visited)
    spread, derivatives = Spread(), Spread()
    if int(members.max()) > 0:
        for times in draws(members, request.draws):
            surface = _normalised(estimator.surface(times), visited)
            spread.add(surface)
            derivatives.add(derived(surface))
    values = derived(whole)
    error = spread.error(0.9) if int(members.max()) > 0 else np.full(whole.shape, np.nan)
    errors = derivatives.error(0.9) if int(members.max()) > 0 else np.full(values.shape, np.nan)
    weights = np.exp(logs - logs.max())
    known = np.isfinite(whole)
    made = Reweighted(
        method=read.method,
        surface=np.where(known, kT * (whole - whole[known].min()), np.nan),
        error=kT * np.where(known, error, np.nan),
        visited=visited,
        bandwidths=estimator.bandwidths,
        scan=[(b, n, kT * e) for b, n, e in scan],
        block=block,
        n_blocks=int(members.max()) + 1,
        level=level,
        effective_rows=kish(weights),
        n_rows=len(rows),
    )
    return made, values, errors


def _normalised(surface: FloatArray, visited: BoolArray) -> FloatArray:
    """-ln of the probability of each point where rows are, nan elsewhere."""
    from scipy.special import logsumexp

    made = np.where(visited & np.isfinite(surface), surface, np.nan)
    known = made[np.isfinite(made)]
    return made + float(logsumexp(-known)) if len(known) else made


def _block_size(
    request: Request, rows: Rows, logs: FloatArray, member: IntArray
) -> tuple[list[tuple[int, int, float]], int, bool]:
    """Error against block size (in kT), the size, and whether it was chosen for a reason."""
    scan, chosen = block_for_difference(member, logs, rows.targets[:, 0])
    if request.block:
        return scan, request.block, True
    return scan, chosen or max(1, len(rows) // _FALLBACK_BLOCKS), chosen is not None
