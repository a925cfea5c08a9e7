"""From the series and hills of walkers of metadynamics or OPES to surfaces, errors, a verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nucleops.analysis.block_sizes import block_for_difference
from nucleops.analysis.convergence import (
    Box,
    difference_from_samples,
    difference_on_grid,
    goes_back_and_forth,
    grid_points,
    in_box,
    members,
    round_trips,
)
from nucleops.analysis.errors import block_average, block_histograms
from nucleops.analysis.free_energy import free_energy, project, visited, weighted_histogram
from nucleops.analysis.grid import FloatArray, Grid
from nucleops.analysis.settings import FreeEnergySettings, State
from nucleops.analysis.surfaces import Surfaces
from nucleops.analysis.verdict import Criteria, Verdict, judge
from nucleops.analysis.walkers import (
    Walker,
    boxes,
    default_states,
    hill_sets,
    hills_grid,
    mean_surfaces,
    pooled,
)


def analyse(
    walkers: Sequence[Walker], names: Sequence[str], kT: float, settings: FreeEnergySettings
) -> Surfaces:
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
    """
    states = settings.states or default_states(walkers, names)
    regions = boxes(states, names)
    grid = hills_grid(walkers)
    samples, logs, times = pooled(walkers, kT, settings.discard_ps)
    been = visited(samples, grid, reach=2)
    has_hills = bool(hill_sets(walkers))
    from_hills = mean_surfaces(walkers, grid, [None])[0] if has_hills else None
    coarse = Grid.make(
        [
            np.linspace(s.min(), s.max(), settings.bins) if np.ptp(s) > 0 else axis
            for s, axis in zip(samples.T, grid.axes, strict=True)
        ]
    )
    weight, _ = weighted_histogram(samples, logs, coarse)
    line = Grid.make([coarse.axes[0]])
    member = members(samples, regions[0], regions[-1])
    scan, chosen = block_for_difference(member, logs, samples[:, 0])
    block = chosen or max(1, len(samples) // settings.n_blocks)
    profile, error, n_blocks = _profile(samples[:, 0], logs, line, block, kT)
    t, by_weights, by_error = _in_time(walkers, samples, logs, times, regions, kT, settings)
    by_hills = _hills_in_time(walkers, grid, t, regions, kT) if has_hills else None
    reweighted = free_energy(weight, kT)
    if from_hills is None:
        minima = _minima(reweighted, coarse, states, regions)
    else:
        minima = _minima(np.where(been, from_hills, np.nan), grid, states, regions)
    return Surfaces(
        grid=grid,
        from_hills=from_hills,
        coarse=coarse,
        reweighted=reweighted,
        been=been,
        profile_x=line.axes[0],
        profile_hills=None
        if from_hills is None
        else _profile_of_hills(from_hills, grid, kT, line.axes[0]),
        profile=profile,
        profile_error=error,
        block=block,
        n_blocks=n_blocks,
        error_is_level=chosen is not None,
        scan=[(size, count, kT * error) for size, count, error in scan],
        times_ps=t,
        difference_hills=by_hills,
        difference=by_weights,
        difference_error=by_error,
        states=tuple(states),
        minima=minima,
        verdict=_judge(
            walkers,
            states,
            regions,
            t,
            by_weights if by_hills is None else by_hills,
            by_error,
            settings,
            level=chosen is not None,
        ),
    )


def _profile(
    s: FloatArray, logs: FloatArray, line: Grid, block: int, kT: float
) -> tuple[FloatArray, FloatArray, int]:
    whole, _ = weighted_histogram(s, logs, line)
    surface = free_energy(whole, kT)
    histograms, sums = block_histograms(s, logs, line, block)
    if np.count_nonzero(sums) < 2:
        return surface, np.full(surface.shape, np.nan), int(np.count_nonzero(sums))
    estimate = block_average(histograms, sums, kT)
    return surface, estimate.free_energy_error, estimate.n_blocks


def _profile_of_hills(surface: FloatArray, grid: Grid, kT: float, x: FloatArray) -> FloatArray:
    known = project(np.where(np.isfinite(surface), surface, np.inf), kT, 0)
    line = np.interp(x, grid.axes[0], np.where(np.isfinite(known), known, np.nan))
    return np.asarray(line - np.nanmin(line) if np.any(np.isfinite(line)) else line)


def _in_time(
    walkers: Sequence[Walker],
    samples: FloatArray,
    logs: FloatArray,
    times: FloatArray,
    regions: Sequence[Box],
    kT: float,
    settings: FreeEnergySettings,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    end = max(float(w.times_ps[-1]) for w in walkers)
    t = np.linspace(end / settings.n_times, end, settings.n_times)
    by_weights, by_error = [], []
    for x in t:
        k = times <= x
        value, error = difference_from_samples(
            samples[k], logs[k], regions[0], regions[-1], kT, settings.n_blocks
        )
        by_weights.append(value)
        by_error.append(error)
    return t, np.array(by_weights), np.array(by_error)


def _hills_in_time(
    walkers: Sequence[Walker], grid: Grid, t: FloatArray, regions: Sequence[Box], kT: float
) -> FloatArray:
    by_hills = []
    for surface in mean_surfaces(walkers, grid, [float(x) for x in t]):
        known = np.where(np.isfinite(surface), surface, np.inf)
        by_hills.append(difference_on_grid(known, grid, regions[0], regions[-1], kT))
    return np.array(by_hills)


def _minima(
    surface: FloatArray, grid: Grid, states: Sequence[State], regions: Sequence[Box]
) -> dict[str, list[float]]:
    points = grid_points(grid)
    flat = surface.ravel()
    found = {}
    for state, box in zip(states, regions, strict=True):
        inside = in_box(points, box) & np.isfinite(flat)
        if np.any(inside):
            lowest = np.flatnonzero(inside)[np.argmin(flat[inside])]
            found[state.name] = [float(v) for v in points[lowest]]
    return found


def _judge(
    walkers: Sequence[Walker],
    states: Sequence[State],
    regions: Sequence[Box],
    t: FloatArray,
    differences: FloatArray,
    errors: FloatArray,
    settings: FreeEnergySettings,
    *,
    level: bool,
) -> Verdict:
    ratios = [
        float(hills.height[-max(1, len(hills) // 10) :].mean() / hills.height[0])
        for hills in hill_sets(walkers)
        if hills.bias_factor > 1 and len(hills)
    ]
    return judge(
        length=float(sum(w.times_ps[-1] for w in walkers)),
        basins=(states[0].name, states[-1].name),
        trips=sum(round_trips(w.values, regions[0], regions[-1]) for w in walkers),
        times=t,
        differences=differences,
        error=float(errors[-1]),
        visits={
            s.name: int(sum(in_box(w.values, b).sum() for w in walkers))
            for s, b in zip(states, regions, strict=True)
        },
        height_ratio=float(np.mean(ratios)) if ratios else None,
        diffuses=any(
            goes_back_and_forth(members(w.values, regions[0], regions[-1])) for w in walkers
        ),
        level=level,
        criteria=Criteria(settings.round_trips, settings.drift_kcal_mol, settings.error_kcal_mol),
    )
