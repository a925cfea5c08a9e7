"""From the walkers of a study's metadynamics or OPES to surfaces, errors, a verdict.

The walkers are analysed as :mod:`nucleops.analysis.fes` analyses files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nucleops.analysis.estimators import Estimator
from nucleops.analysis.fes.analyse import analyse_rows
from nucleops.analysis.fes.hills import FromHills, from_hills
from nucleops.analysis.fes.request import NamedBox, Request, WalkerFiles
from nucleops.analysis.fes.result import Result
from nucleops.analysis.fes.reweigh import estimator_of
from nucleops.analysis.fes.rows import Read
from nucleops.analysis.free_energy import project, visited
from nucleops.analysis.grid import BoolArray, FloatArray, Grid
from nucleops.analysis.replicates import normalised, standard_error
from nucleops.analysis.settings import FreeEnergySettings, State
from nucleops.analysis.verdict import Criteria
from nucleops.analysis.walkers import Walker, default_states, hill_sets, rows_of, times_ps
from nucleops.bias.hills import HillsTable

_FINEST = {3: 40}


@dataclass(frozen=True)
class _Laid:
    """Hills that were read, with their times in ps."""

    table: HillsTable
    paths: tuple[Path, ...] = (Path("HILLS"),)
    periods: tuple[tuple[str, float], ...] = ()

    def pieces(self) -> Iterator[HillsTable]:
        yield replace(self.table, time_fs=times_ps(self.table))


@dataclass(frozen=True)
class Profile:
    """Free energy along the first variable; energies in kcal/mol, shapes (n,).

    Attributes
    ----------
    x : ndarray
        The variable.
    surface, error : ndarray
        Reweighted, minimum zero, and its standard error; nan where not visited.
    from_hills : ndarray or None
        Sum of hills; None of OPES.
    """

    x: FloatArray
    surface: FloatArray
    error: FloatArray
    from_hills: FloatArray | None


def analyse(
    walkers: Sequence[Walker], names: Sequence[str], kT: float, settings: FreeEnergySettings
) -> tuple[Result, tuple[State, ...]]:
    """Analyse walkers that were biased along the same variables.

    Parameters
    ----------
    walkers : sequence of Walker
        Independent walkers, each with its own hills or kernels, or walkers that share their hills.
    names : sequence of str
        Names of the D biased variables.
    kT : float
        Thermal energy in kcal/mol.
    settings : FreeEnergySettings
        Bins, blocks, states, criteria.

    Returns
    -------
    result : Result
        Energies in kcal/mol, times in ps. Its first two basins are the first and the last state.
    states : tuple of State
        In the order of the result's basins.
    """
    given = tuple(settings.states or default_states(walkers, names))
    states = (given[0], *given[:0:-1])
    request = _request(walkers, names, kT, settings, states)
    hills = from_hills(request)
    times = np.concatenate([w.times_ps for w in walkers])
    keep = times >= settings.discard_ps
    rows = rows_of(walkers, kT).part(keep)
    read = Read(
        rows=rows,
        times=times[keep],
        targets=tuple(names),
        periods=tuple(walkers[0].laid.periods),
        method="bias-force" if hills is not None else "bias",
        length=float(sum(w.times_ps[-1] for w in walkers)),
    )
    estimator = _estimator(request, read, hills, settings.bins)
    return analyse_rows(request, read, estimator, hills, None), states


def _request(
    walkers: Sequence[Walker],
    names: Sequence[str],
    kT: float,
    settings: FreeEnergySettings,
    states: Sequence[State],
) -> Request:
    laid = [_Laid(table) for table in hill_sets(walkers)]
    count = sum(len(one.table) for one in laid)
    return Request(
        walkers=tuple(WalkerFiles(one) for one in laid),
        kT=kT,
        cvs=tuple(names),
        basins=tuple(NamedBox(state.name, dict(state.ranges)) for state in states),
        stride=-(-count // settings.n_times) if count else 0,
        n_blocks=settings.n_blocks,
        n_times=settings.n_times,
        path=(states[0].name, states[1].name) if len(states) > 1 else None,
        criteria=Criteria(settings.round_trips, settings.drift_kcal_mol, settings.error_kcal_mol),
    )


def _estimator(request: Request, read: Read, hills: FromHills | None, bins: int) -> Estimator:
    """Estimator on the range that was visited, with a study's bins."""
    n = min(bins, _FINEST.get(len(read.targets), bins))
    axes = []
    for values, period in zip(read.rows.targets.T, read.periods, strict=True):
        if period is not None:
            axes.append(-period / 2 + period / n * np.arange(n))
            continue
        low, high = float(values.min()), float(values.max())
        axes.append(np.linspace(low, high if high > low else low + 1e-6, n))
    scan = hills.scan if hills is not None else None
    return estimator_of(request, read, Grid.make(axes, read.periods), scan)


def profile_of(result: Result, kT: float) -> Profile:
    """Profile along the first variable, from the surface and its replicates."""
    made = result.reweighted
    assert made is not None
    x = result.grid.axes[0]

    def line(surface: FloatArray) -> FloatArray:
        flat = project(np.where(np.isfinite(surface), surface, np.inf), kT, 0)
        return kT * normalised(flat / kT, np.isfinite(flat))

    surface = line(made.surface)
    error = standard_error(np.array([line(one) for one in made.replicates]), made.n_blocks)
    error = np.hypot(error, 0.0 if result.hills is None else result.hills.grain)
    hills = None
    if result.hills is not None:
        flat = line(result.hills.surface)
        hills = np.interp(x, result.hills.grid.axes[0], flat)
        hills = hills - np.nanmin(hills)
    return Profile(x, surface - np.nanmin(surface), error, hills)


def been(result: Result, walkers: Sequence[Walker]) -> BoolArray:
    """Where on the grid of the hills walkers have been, within two of its points."""
    assert result.hills is not None
    return visited(np.concatenate([w.values for w in walkers]), result.hills.grid, reach=2)
