"""How the difference of two basins came to be what it is."""

from __future__ import annotations

import numpy as np

from nucleops.analysis.basins import Basins
from nucleops.analysis.estimators import Estimator
from nucleops.analysis.fes.hills import FromHills
from nucleops.analysis.fes.request import Request
from nucleops.analysis.fes.result import InTime
from nucleops.analysis.fes.rows import Read
from nucleops.analysis.free_energy import project
from nucleops.analysis.grid import FloatArray, Grid
from nucleops.analysis.replicates import normalised


def hills_in_time(
    hills: FromHills, targets: tuple[str, ...], basins: Basins, kT: float
) -> FloatArray | None:
    """Difference of the first two basins at each time of the hills, shape (T,); None off them."""
    if not set(targets) <= set(hills.scan.cvs):
        return None
    stay = [hills.scan.cvs.index(name) for name in targets]
    axes = [hills.grid.axes[d] for d in stay]
    basins = basins.on(Grid.make(axes, [hills.grid.periods[d] for d in stay]))
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
    error: float,
) -> InTime | None:
    """Difference of the first two basins in time, from rows and hills; None without two basins.

    The error at a time is that of the whole run, `error`, in the files' unit, times the square root
    of how many times fewer rows there are.
    """
    if len(basins.names) < 2:
        return None
    end = float(read.times.max())
    begin = float(read.times.min())
    times = begin + (end - begin) * np.arange(1, request.n_times + 1) / request.n_times
    if hills is not None and request.stride:
        times = hills.times
    values, errors = np.full((2, len(times)), np.nan)
    for k, t in enumerate(times):
        keep = read.times <= t
        if keep.sum() >= 8:
            # the grid and the kernel are those of the whole run, so that the last value is its own
            surface = normalised(estimator.surface(keep.astype(np.float64)), estimator.visited)
            values[k] = request.kT * basins.difference(surface)
            errors[k] = error * np.sqrt(len(keep) / keep.sum())
    line = None
    if hills is not None:
        own = hills_in_time(hills, read.targets, basins, request.kT)
        line = None if own is None else np.interp(times, hills.times, own, left=np.nan)
    names = (basins.names[0], basins.names[1])
    errors = np.where(np.isfinite(values), errors, np.nan)
    return InTime(names, times, line, values, errors)
