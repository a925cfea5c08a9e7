"""Metadynamics walkers: their series, weights, and surfaces from their hills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.convergence import Box
from nucleops.analysis.grid import FloatArray, Grid, spanning
from nucleops.analysis.hills import c_of_t, offset_at, sums_of_hills
from nucleops.analysis.settings import State
from nucleops.bias.hills import HillsTable, hills_bias


@dataclass(frozen=True)
class Walker:
    """The trusted series of one walker.

    Attributes
    ----------
    times_ps : ndarray
        Time of each row of the series, shape (F,), in ps.
    values : ndarray
        Biased collective variables, shape (F, D).
    rbias, bias : ndarray or None
        ``bias - c(t)`` and the metadynamics bias in kcal/mol where the engine wrote them, (F,).
    hills : HillsTable
        The hills, in order of time.
    """

    times_ps: FloatArray
    values: FloatArray
    rbias: FloatArray | None
    bias: FloatArray | None
    hills: HillsTable

    @property
    def hill_times_ps(self) -> FloatArray:
        """Time of each hill in ps, shape (H,)."""
        return np.asarray(self.hills.time_fs * 1e-3, dtype=np.float64)


def log_weights(walker: Walker, kT: float) -> FloatArray:
    """Logarithm of the weight of each row of a walker, shape (F,).

    ``(V(s, t) - c(t)) / kT`` (Tiwary and Parrinello 2015): from the series where the engine wrote
    it, else with c(t), and where need be V, from the hills that fell before each row.
    """
    if walker.rbias is not None:
        return np.asarray(walker.rbias / kT, dtype=np.float64)
    hills = walker.hills
    bias = walker.bias
    if bias is None:
        before = np.searchsorted(walker.hill_times_ps, walker.times_ps, side="left")
        bias = hills_bias(hills, walker.values, before.astype(np.float64))
    offsets = c_of_t(
        hills.centres,
        hills.sigmas,
        hills.added,
        hills_grid([walker], most=150),
        kT,
        hills.bias_factor,
        hills.kernel,
    )
    offset = offset_at(walker.times_ps, walker.hill_times_ps, offsets)
    return np.asarray((bias - offset) / kT, dtype=np.float64)


def hills_grid(walkers: Sequence[Walker], most: int = 200) -> Grid:
    """Grid that holds every hill of the walkers, at most half a hill width fine."""
    centres = np.concatenate([w.hills.centres for w in walkers])
    sigma = np.concatenate([w.hills.sigmas for w in walkers]).min(axis=0)
    low, high = centres.min(axis=0) - 3.0 * sigma, centres.max(axis=0) + 3.0 * sigma
    periods = walkers[0].hills.periods
    axes: list[FloatArray] = []
    for d, period in enumerate(periods):
        if period is None:
            axes.append(spanning(low[d], high[d], sigma[d] / 2, most))
        else:
            n = int(np.clip(np.ceil(2 * period / sigma[d]), 4, most))
            axes.append(np.asarray(-period / 2 + period / n * np.arange(n), dtype=np.float64))
    return Grid.make(axes, periods)


def boxes(states: Sequence[State], names: Sequence[str]) -> list[Box]:
    """Ranges of each state in the order of the variables; unbounded where not given."""
    return [[s.ranges.get(cv, (-np.inf, np.inf)) for cv in names] for s in states]


def default_states(walkers: Sequence[Walker], names: Sequence[str]) -> tuple[State, State]:
    """Lower and upper third of the visited range of the first variable."""
    s = np.concatenate([w.values[:, 0] for w in walkers])
    low, high = float(s.min()), float(s.max())
    third = max((high - low) / 3.0, 1e-9)
    return (
        State(name="low", ranges={names[0]: (low, low + third)}),
        State(name="high", ranges={names[0]: (high - third, high + 1e-9)}),
    )


def pooled(
    walkers: Sequence[Walker], kT: float, discard_ps: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    kept = [(w, w.times_ps >= discard_ps) for w in walkers]
    samples = np.concatenate([w.values[k] for w, k in kept])
    logs = np.concatenate([log_weights(w, kT)[k] for w, k in kept])
    return samples, logs, np.concatenate([w.times_ps[k] for w, k in kept])


def mean_surfaces(
    walkers: Sequence[Walker], grid: Grid, ends_ps: Sequence[float | None]
) -> list[FloatArray]:
    """Minus the sum of hills up to each time, averaged over the walkers; nan where none reached."""
    per_walker = []
    for w in walkers:
        h = w.hills
        ends = [np.inf if t is None else t for t in ends_ps]
        counts = [int(np.sum(w.hill_times_ps <= t)) for t in ends]
        per_walker.append(
            list(sums_of_hills(h.centres, h.sigmas, h.height, grid, counts, h.kernel))
        )
    surfaces = []
    for k in range(len(ends_ps)):
        stack = np.array([part[k] for part in per_walker])
        # Walkers differ by a constant: each is aligned where it is deepest before averaging.
        height = stack.reshape(len(stack), -1).max(axis=1)
        shape = (-1,) + (1,) * grid.n_dimensions
        aligned = np.where(stack > 0, height.reshape(shape) - stack, np.nan)
        known = np.isfinite(aligned)
        total = np.where(known, aligned, 0.0).sum(axis=0)
        count = known.sum(axis=0)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        surfaces.append(mean - np.nanmin(mean) if np.any(count > 0) else mean)
    return surfaces
