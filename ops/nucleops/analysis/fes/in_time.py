"""How the difference of two basins came to be what it is."""

from __future__ import annotations

import numpy as np

from nucleops.analysis.basins import Basins
from nucleops.analysis.convergence import difference_of_members, trips_of_members
from nucleops.analysis.estimators import Estimator
from nucleops.analysis.fes.hills import FromHills
from nucleops.analysis.fes.request import Request
from nucleops.analysis.fes.result import InTime
from nucleops.analysis.fes.rows import Read
from nucleops.analysis.free_energy import project
from nucleops.analysis.grid import BoolArray, FloatArray, IntArray

N_TIMES = 30


def hills_in_time(
    hills: FromHills, targets: tuple[str, ...], basins: Basins, kT: float
) -> FloatArray | None:
    """Difference of the first two basins at each time of the hills, shape (T,); None off them."""
    if not set(targets) <= set(hills.scan.cvs):
        return None
    stay = [hills.scan.cvs.index(name) for name in targets]
    made = []
    for surface in hills.surfaces:
        known = np.where(np.isfinite(surface), surface, np.inf)
        population = basins.population(project(known, kT, stay), kT)
        made.append(float(population[1] - population[0]))
    return np.array(made)


def in_time_of(
    request: Request,
    read: Read,
    estimator: Estimator,
    hills: FromHills | None,
    basins: Basins,
    member: IntArray,
) -> InTime | None:
    """Difference of the first two basins in time, from rows and hills; None without two basins."""
    if len(basins.names) < 2:
        return None
    end = float(read.times.max())
    begin = float(read.times.min())
    times = hills.times if hills is not None else begin + (end - begin) * np.arange(1, 11) / 10
    if len(times) < N_TIMES and (hills is None or not request.stride):
        times = begin + (end - begin) * np.arange(1, N_TIMES + 1) / N_TIMES
    values, errors = [], []
    for t in times:
        keep = read.times <= t
        value, error = _difference(request, read, estimator, member, keep)
        values.append(value)
        errors.append(error)
    line = None
    if hills is not None:
        own = hills_in_time(hills, read.targets, basins, request.kT)
        line = None if own is None else np.interp(times, hills.times, own, left=np.nan)
    walkers = np.unique(read.rows.walker)
    trips = sum(trips_of_members(member[read.rows.walker == w]) for w in walkers)
    names = (basins.names[0], basins.names[1])
    return InTime(names, times, line, np.array(values), np.array(errors), trips)


def _difference(
    request: Request, read: Read, estimator: Estimator, member: IntArray, keep: BoolArray
) -> tuple[float, float]:
    """Difference of the first two basins from some of the rows, with a jackknife error."""
    if keep.sum() < 8:
        return float("nan"), float("nan")
    part = read.rows.part(keep)
    own = Estimator(part, estimator.grid, estimator.bias_grid, "histogram")
    return difference_of_members(member[keep], own.log_weights(), request.kT, 10)
