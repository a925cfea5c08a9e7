"""From the series and hills of metadynamics walkers to surfaces, errors and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.convergence import (
    Box,
    Criteria,
    Verdict,
    difference_from_samples,
    difference_on_grid,
    grid_points,
    in_box,
    judge,
    round_trips,
)
from nucleops.analysis.errors import (
    autocorrelation_time,
    block_average,
    block_histograms,
    block_size_scan,
    plateau,
)
from nucleops.analysis.free_energy import free_energy, project, visited, weighted_histogram
from nucleops.analysis.grid import BoolArray, FloatArray, Grid
from nucleops.analysis.settings import FreeEnergySettings, State
from nucleops.analysis.walkers import (
    Walker,
    boxes,
    default_states,
    hills_grid,
    mean_surfaces,
    pooled,
)


@dataclass(frozen=True)
class Surfaces:
    """What :func:`analyse` makes of the walkers; energies in kcal/mol.

    Attributes
    ----------
    grid : Grid
        Grid of the summed hills (D variables).
    from_hills : ndarray
        Minus the sum of hills, ``grid.shape``, minimum zero; nan where no hill reached.
    coarse : Grid
        Grid of the reweighted histograms.
    reweighted : ndarray
        ``coarse.shape``, minimum zero; inf where not visited.
    been : ndarray
        Where on `grid` the walkers have been (within one hill width).
    profile_x, profile_hills, profile, profile_error : ndarray
        Along the first variable, shape (n,): summed hills projected, reweighted, and the block
        error of the latter.
    block, n_blocks : int
        Block size (rows) and number of blocks behind the error.
    error_is_level : bool
        Whether the block-size scan showed a plateau.
    scan : list
        Rows (block, blocks, mean error) of the scan.
    times_ps, difference_hills, difference, difference_error : ndarray
        Free-energy difference against time, shape (T,).
    states : tuple of State
        The basins.
    minima : dict
        State -> values of the variables at the lowest known point inside it, shape (D,).
    verdict : Verdict
        Whether to believe it.
    """

    grid: Grid
    from_hills: FloatArray
    coarse: Grid
    reweighted: FloatArray
    been: BoolArray
    profile_x: FloatArray
    profile_hills: FloatArray
    profile: FloatArray
    profile_error: FloatArray
    block: int
    n_blocks: int
    error_is_level: bool
    scan: list[tuple[int, int, float]]
    times_ps: FloatArray
    difference_hills: FloatArray
    difference: FloatArray
    difference_error: FloatArray
    states: tuple[State, ...]
    minima: dict[str, list[float]]
    verdict: Verdict


def analyse(
    walkers: Sequence[Walker], names: Sequence[str], kT: float, settings: FreeEnergySettings
) -> Surfaces:
    """Analyse walkers that were biased along the same variables.

    Parameters
    ----------
    walkers : sequence of Walker
        Independent walkers (each fills with its own hills).
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
    from_hills = mean_surfaces(walkers, grid, [None])[0]
    coarse = Grid.make(
        [
            np.linspace(s.min(), s.max(), settings.bins) if np.ptp(s) > 0 else axis
            for s, axis in zip(samples.T, grid.axes, strict=True)
        ]
    )
    weight, _ = weighted_histogram(samples, logs, coarse)
    line = Grid.make([coarse.axes[0]])
    scan, block, level = _block_size(samples[:, 0], logs, line, kT, settings)
    profile, error, n_blocks = _profile(samples[:, 0], logs, line, block, kT)
    t, by_hills, by_weights, by_error = _in_time(
        walkers, grid, samples, logs, times, regions, kT, settings
    )
    reweighted = free_energy(weight, kT)
    return Surfaces(
        grid=grid,
        from_hills=from_hills,
        coarse=coarse,
        reweighted=reweighted,
        been=been,
        profile_x=line.axes[0],
        profile_hills=_profile_of_hills(from_hills, grid, kT, line.axes[0]),
        profile=profile,
        profile_error=error,
        block=block,
        n_blocks=n_blocks,
        error_is_level=level,
        scan=scan,
        times_ps=t,
        difference_hills=by_hills,
        difference=by_weights,
        difference_error=by_error,
        states=tuple(states),
        minima=_minima(np.where(been, from_hills, np.nan), grid, states, regions),
        verdict=_judge(walkers, states, regions, t, by_hills, by_error, settings),
    )


def _block_size(
    s: FloatArray, logs: FloatArray, line: Grid, kT: float, settings: FreeEnergySettings
) -> tuple[list[tuple[int, int, float]], int, bool]:
    largest = max(1, len(s) // 4)
    sizes = sorted({int(b) for b in np.geomspace(1, largest, 14)})
    scan = block_size_scan(s, logs, line, sizes, kT)
    chosen = plateau(scan, shortest=2.0 * autocorrelation_time(s))
    fallback = max(1, len(s) // settings.n_blocks)
    return scan, chosen or fallback, chosen is not None


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
    known = np.where(np.isfinite(surface), surface, np.inf)
    if grid.n_dimensions == 2:
        known = project(known, kT, 0, float(grid.spacing[1]))
    elif grid.n_dimensions == 3:
        summed = np.exp(-known / kT).sum(axis=(1, 2))
        known = free_energy(summed, kT)
    line = np.interp(x, grid.axes[0], np.where(np.isfinite(known), known, np.nan))
    return np.asarray(line - np.nanmin(line) if np.any(np.isfinite(line)) else line)


def _in_time(
    walkers: Sequence[Walker],
    grid: Grid,
    samples: FloatArray,
    logs: FloatArray,
    times: FloatArray,
    regions: Sequence[Box],
    kT: float,
    settings: FreeEnergySettings,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    end = max(float(w.times_ps[-1]) for w in walkers)
    t = np.linspace(end / settings.n_times, end, settings.n_times)
    first, last = regions[0], regions[-1]
    by_hills = []
    for surface in mean_surfaces(walkers, grid, [float(x) for x in t]):
        known = np.where(np.isfinite(surface), surface, np.inf)
        by_hills.append(difference_on_grid(known, grid, first, last, kT))
    by_weights, by_error = [], []
    for x in t:
        k = times <= x
        value, error = difference_from_samples(
            samples[k], logs[k], first, last, kT, settings.n_blocks
        )
        by_weights.append(value)
        by_error.append(error)
    return t, np.array(by_hills), np.array(by_weights), np.array(by_error)


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
) -> Verdict:
    ratios = [
        float(w.hills.height[-max(1, len(w.hills) // 10) :].mean() / w.hills.height[0])
        for w in walkers
        if w.hills.bias_factor > 1 and len(w.hills)
    ]
    return judge(
        length_ps=float(sum(w.times_ps[-1] for w in walkers)),
        basins=(states[0].name, states[-1].name),
        trips=sum(round_trips(w.values, regions[0], regions[-1]) for w in walkers),
        times_ps=t,
        differences=differences,
        error=float(errors[-1]),
        visits={
            s.name: int(sum(in_box(w.values, b).sum() for w in walkers))
            for s, b in zip(states, regions, strict=True)
        },
        height_ratio=float(np.mean(ratios)) if ratios else None,
        criteria=Criteria(settings.round_trips, settings.drift_kcal_mol, settings.error_kcal_mol),
    )
