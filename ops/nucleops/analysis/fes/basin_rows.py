"""What is known of each basin: depth, population with its interval, pass to the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nucleops.analysis.basins import Basins, lowest_pass
from nucleops.analysis.fes.request import Request
from nucleops.analysis.fes.result import BasinRow
from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.replicates import half_width
from nucleops.analysis.verdict import Criteria, Verdict, why_no_interval

MOST_PASSES = 4
"""Basins besides the first whose pass to it is looked for; that takes the most time of all."""


def derived(surface: FloatArray, basins: Basins) -> FloatArray:
    """Depths, populations and barriers of basins from a surface, each relative, shape (3 n,)."""
    n = len(basins.names)
    places, depths = [], np.full(n, np.nan)
    for k in range(n):
        inside = np.where((basins.labels == k) & np.isfinite(surface), surface, np.inf)
        places.append(int(np.argmin(inside)))
        low = float(inside.ravel()[places[-1]])
        depths[k] = low if np.isfinite(low) else np.nan
    populations = basins.population(surface)
    passes = np.full(n, np.nan)
    for k in range(1, min(n, MOST_PASSES + 1)):
        if np.isfinite(depths[0]) and np.isfinite(depths[k]):
            passes[k] = lowest_pass(surface, basins.grid, places[0], places[k]) - depths[0]
    lowest = np.nanmin(surface) if np.any(np.isfinite(surface)) else np.nan
    return np.concatenate([depths - lowest, populations - populations[:1], passes])


def rows_of_basins(
    request: Request,
    basins: Basins,
    surface: FloatArray,
    told: tuple[FloatArray, FloatArray],
    member: IntArray,
    trips: list[int],
    n_blocks: int,
) -> list[BasinRow]:
    """What is known of each basin; `told` are values and errors of `derived` in kT."""
    n = len(basins.names)
    v, e = (numbers.reshape(3, n) * request.kT for numbers in told)
    reach = [half_width(float(error), n_blocks) for error in e[1]]
    return [
        BasinRow(
            name=name,
            minimum=basins.minimum(surface, k)[0],
            depth=float(v[0, k]),
            depth_error=float(e[0, k]),
            population=float(v[1, k]),
            population_error=float(e[1, k]),
            interval=(float(v[1, k]) - reach[k], float(v[1, k]) + reach[k]),
            unknown="",
            barrier=float(v[2, k]),
            barrier_error=float(e[2, k]),
            rows=int(np.sum(member == k)),
            trips=trips[k],
        )
        for k, name in enumerate(basins.names)
    ]


def stated(row: BasinRow, first: BasinRow, verdict: Verdict, limits: Criteria) -> BasinRow:
    """Take the interval away where too little was seen to state one, and say what was not."""
    if row is first:
        return replace(row, interval=(row.population, row.population))
    why = why_no_interval(verdict, row.trips, (first.name, row.name), limits)
    if not why and not np.isfinite(row.interval[0]):
        why = "no error can be given: too few blocks visit it"
    nothing = (float("nan"), float("nan"))
    return replace(row, interval=nothing if why else row.interval, unknown=why)
