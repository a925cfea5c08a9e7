"""Walkers of metadynamics or OPES: their series and what their rows felt of the bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.bias_history import BiasHistory, hills_before, history_of, offset_at
from nucleops.analysis.estimators import Rows, levelled
from nucleops.analysis.grid import FloatArray
from nucleops.analysis.hills_scan import history_grid
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


def default_states(walkers: Sequence[Walker], names: Sequence[str]) -> tuple[State, State]:
    """Lower and upper third of the visited range of the first variable."""
    s = np.concatenate([w.values[:, 0] for w in walkers])
    low, high = float(s.min()), float(s.max())
    third = max((high - low) / 3.0, 1e-9)
    return (
        State(name="low", ranges={names[0]: (low, low + third)}),
        State(name="high", ranges={names[0]: (high - third, high + 1e-9)}),
    )
