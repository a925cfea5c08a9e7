"""Walkers of metadynamics or OPES: their series, weights, and surfaces from their hills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.bias_force import bias_grid_over
from nucleops.analysis.bias_history import BiasHistory, hills_before, history_of, offset_at
from nucleops.analysis.convergence import Box
from nucleops.analysis.estimators import Rows, levelled, weights_of
from nucleops.analysis.grid import FloatArray, Grid
from nucleops.analysis.hills import mean_surface, sums_of_hills
from nucleops.analysis.hills_scan import grid_over, history_grid
from nucleops.analysis.settings import State
from nucleops.bias.hills import HillsTable
from nucleops.bias.kernels import KernelsTable


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
        ``bias - c(t)`` and the bias in kcal/mol where the engine wrote them, (F,).
    laid : HillsTable or KernelsTable
        The hills of metadynamics, or the kernels of OPES, in order of time. Walkers that share
        their hills hold one and the same table, with the hills of all.
    """

    times_ps: FloatArray
    values: FloatArray
    rbias: FloatArray | None
    bias: FloatArray | None
    laid: HillsTable | KernelsTable

    @property
    def hills(self) -> HillsTable | None:
        """The hills; None of OPES."""
        return self.laid if isinstance(self.laid, HillsTable) else None


def times_ps(hills: HillsTable) -> FloatArray:
    """Time of each hill in ps, shape (H,)."""
    return np.asarray(hills.time_fs * 1e-3, dtype=np.float64)


def hill_sets(walkers: Sequence[Walker]) -> list[HillsTable]:
    """Return the sets of hills of walkers, each once: one each, or one of all that share it."""
    return list({id(w.hills): w.hills for w in walkers if w.hills is not None}.values())


def rows_of(walkers: Sequence[Walker], kT: float) -> Rows:
    """Rows of all walkers with what their weights are made of, energies in kT.

    Of metadynamics the level is ``(V(s, t) - c(t)) / kT`` (Tiwary and Parrinello, J. Phys. Chem. B
    119, 736 (2015)), from the series where the engine wrote it, else from the hills that fell
    before each row. Of OPES the weight is ``V(s, t) / kT``, for its bias soon hardly moves, and its
    own c(t) is not for reweighting (Invernizzi and Parrinello, J. Phys. Chem. Lett. 11, 2731
    (2020)).

    Parameters
    ----------
    walkers : sequence of Walker
        Along the same D variables.
    kT : float
        Thermal energy in kcal/mol.
    """
    logs: dict[int, FloatArray] = {}
    slopes: dict[int, FloatArray] = {}
    for hills in hill_sets(walkers):
        group = [k for k, w in enumerate(walkers) if w.hills is hills]
        for k, (v, s) in zip(group, _felt([walkers[k] for k in group], hills, kT), strict=True):
            logs[k], slopes[k] = v, s
    for k, walker in enumerate(walkers):
        if walker.hills is None:
            assert walker.bias is not None  # read_walker refuses OPES without it
            logs[k] = levelled(walker.bias / kT)
    values = np.concatenate([w.values for w in walkers])
    order = range(len(walkers))
    return Rows(
        biased=values,
        targets=values,
        shared=tuple(range(values.shape[1])),
        log_weights=np.concatenate([logs[k] for k in order]),
        slopes=np.concatenate([slopes[k] for k in order]) if slopes else None,
        extra=np.zeros(len(values)),
        walker=np.repeat(np.arange(len(walkers)), [len(w.values) for w in walkers]),
    )


def _felt(
    walkers: Sequence[Walker], hills: HillsTable, kT: float
) -> list[tuple[FloatArray, FloatArray]]:
    """What the rows of walkers under one bias felt of it, in kT: less its offset, and the slope."""
    points = np.concatenate([w.values for w in walkers])
    times = np.concatenate([w.times_ps for w in walkers])
    grid = history_grid(hills, points)
    history = BiasHistory(
        grid,
        kT,
        hills.bias_factor,
        hills.kernel,
        points=points,
        counts=hills_before(times, times_ps(hills)),
        want_offsets=any(w.rbias is None for w in walkers),
    )
    offsets, bias, slopes = history_of([hills], history)
    ends = np.cumsum([len(w.values) for w in walkers])[:-1]
    made = []
    for w, v, s in zip(walkers, np.split(bias, ends), np.split(slopes, ends), strict=True):
        less = w.rbias
        if less is None:
            own = v if w.bias is None else w.bias
            less = own - offset_at(w.times_ps, times_ps(hills), offsets)
        made.append((np.asarray(less / kT), s / kT))
    return made


def hills_grid(walkers: Sequence[Walker]) -> Grid:
    """Grid that holds every hill or kernel of the walkers, at most half a width fine."""
    centres = np.concatenate([w.laid.centres for w in walkers])
    sigma = np.concatenate([w.laid.sigmas for w in walkers]).min(axis=0)
    return grid_over(centres.min(axis=0), centres.max(axis=0), sigma, walkers[0].laid.periods)


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
    """Rows of all walkers together: values (F, D), logarithms of the weights (F,), times (F,).

    Of metadynamics the weights are those of the static bias that the growing one amounts to
    (:mod:`nucleops.analysis.bias_force`), of OPES those of the bias felt.
    """
    times = np.concatenate([w.times_ps for w in walkers])
    rows = rows_of(walkers, kT).part(times >= discard_ps)
    grid = None
    if rows.slopes is not None:
        sigma = np.concatenate([w.laid.sigmas for w in walkers]).min(axis=0)
        grid = bias_grid_over(rows.biased, sigma, walkers[0].laid.periods)
    return rows.biased, weights_of(rows, grid), times[times >= discard_ps]


def mean_surfaces(
    walkers: Sequence[Walker], grid: Grid, ends_ps: Sequence[float | None]
) -> list[FloatArray]:
    """Minus the sum of hills up to each time, averaged over the walkers; nan where none reached.

    Walkers that share their hills count as one.
    """
    per_walker = []
    for h in hill_sets(walkers):
        ends = [np.inf if t is None else t for t in ends_ps]
        counts = [int(np.sum(times_ps(h) <= t)) for t in ends]
        per_walker.append(
            list(sums_of_hills(h.centres, h.sigmas, h.height, grid, counts, h.kernel))
        )
    return [mean_surface([part[k] for part in per_walker]) for k in range(len(ends_ps))]
