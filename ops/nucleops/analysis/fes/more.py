"""What else an analysis hands on: its rows with their weights, and the path that was asked for."""

from __future__ import annotations

from nucleops.analysis.basins import Basins
from nucleops.analysis.bootstrap import blocks_of_rows
from nucleops.analysis.estimators import Estimator
from nucleops.analysis.fes.request import Request
from nucleops.analysis.fes.result import Reweighted
from nucleops.analysis.fes.rows import Read
from nucleops.analysis.grid import FloatArray
from nucleops.analysis.paths.along import PathProfile, path_between
from nucleops.analysis.paths.ends import end_of
from nucleops.analysis.states.series import Series, on_grid


def weighted_rows(
    request: Request, read: Read, estimator: Estimator, basins: Basins, made: Reweighted
) -> Series:
    """Return the rows with weight, basin and block, to which frames can be matched."""
    values, walker = read.rows.targets, read.rows.walker
    return Series(
        times=read.times,
        values=values,
        log_weights=estimator.log_weights(),
        walker=walker,
        basin=basins.of(values),
        block=walker if request.by_walker else blocks_of_rows(walker, made.block),
        energies=on_grid(made.surface, estimator.grid, values),
    )


def path_of(
    request: Request, targets: tuple[str, ...], basins: Basins, made: Reweighted | FloatArray
) -> PathProfile | None:
    """Return the path that a request asks for, with errors where its surface has replicates.

    Parameters
    ----------
    request : Request
        How, and between which ends.
    targets : tuple of str
        Variables of the surface.
    basins : Basins
        Basins on its grid.
    made : Reweighted or ndarray
        What rows gave; or a surface, of hills alone; in the files' unit.

    Raises
    ------
    WrongInput
        An end is neither a basin nor a place where the run has been.
    """
    if request.path is None:
        return None
    surface = made.surface if isinstance(made, Reweighted) else made
    start, end = (end_of(text, basins, targets, surface) for text in request.path)
    drawn = (made.replicates, made.n_blocks) if isinstance(made, Reweighted) else (None, 0)
    return path_between(surface, basins, targets, (start, end), request.kT, *drawn)
