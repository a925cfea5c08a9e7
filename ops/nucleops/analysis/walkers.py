"""Walkers of metadynamics or OPES: their series, weights, and surfaces from their hills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.bias_history import c_of_t, offset_at
from nucleops.analysis.convergence import Box
from nucleops.analysis.grid import FloatArray, Grid, spanning
from nucleops.analysis.hills import sums_of_hills
from nucleops.analysis.settings import State
from nucleops.bias.hills import HillsTable, hills_bias
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


def log_weights(walker: Walker, kT: float, offsets: FloatArray | None = None) -> FloatArray:
    """Logarithm of the weight of each row of a walker, shape (F,).

    Metadynamics: ``(V(s, t) - c(t)) / kT`` (Tiwary and Parrinello, J. Phys. Chem. B 119, 736
    (2015)), from the series where the engine wrote it, else with c(t), and where need be V, from
    the hills that fell before each row. OPES: ``V(s, t) / kT``, for its bias soon hardly moves, and
    its own c(t) is not for reweighting (Invernizzi and Parrinello, J. Phys. Chem. Lett. 11, 2731
    (2020)).

    Parameters
    ----------
    walker : Walker
        The walker.
    kT : float
        Thermal energy in kcal/mol.
    offsets : ndarray or None
        c(t) after each hill, shape (H,), where it is known already; see :func:`offsets_of`.
    """
    hills = walker.hills
    if hills is None:
        assert walker.bias is not None  # read_walker refuses OPES without it
        return np.asarray(walker.bias / kT, dtype=np.float64)
    if walker.rbias is not None:
        return np.asarray(walker.rbias / kT, dtype=np.float64)
    bias = walker.bias
    if bias is None:
        before = np.searchsorted(times_ps(hills), walker.times_ps, side="left")
        bias = hills_bias(hills, walker.values, before.astype(np.int64))
    offsets = offsets_of(walker, kT) if offsets is None else offsets
    offset = offset_at(walker.times_ps, times_ps(hills), offsets)
    return np.asarray((bias - offset) / kT, dtype=np.float64)


def offsets_of(walker: Walker, kT: float) -> FloatArray:
    """c(t) in kcal/mol after each of a walker's hills, shape (H,)."""
    hills = walker.hills
    assert hills is not None
    grid = hills_grid([walker], most=150)
    return c_of_t(
        hills.centres, hills.sigmas, hills.added, grid, kT, hills.bias_factor, hills.kernel
    )


def hills_grid(walkers: Sequence[Walker], most: int = 200) -> Grid:
    """Grid that holds every hill or kernel of the walkers, at most half a width fine."""
    centres = np.concatenate([w.laid.centres for w in walkers])
    sigma = np.concatenate([w.laid.sigmas for w in walkers]).min(axis=0)
    low, high = centres.min(axis=0) - 3.0 * sigma, centres.max(axis=0) + 3.0 * sigma
    periods = walkers[0].laid.periods
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
    """Rows of all walkers together: values (F, D), logarithms of the weights (F,), times (F,).

    By how much the bias of one OPES walker is offset from another's it does not tell. The weights
    of each are therefore scaled to sum up to its effective number of rows, (sum w)^2 / sum w^2
    (Kish), as good a measure as there is of what the walker knows.
    """
    kept = [(w, w.times_ps >= discard_ps) for w in walkers]
    samples = np.concatenate([w.values[k] for w, k in kept])
    offsets: dict[int, FloatArray] = {}
    parts = []
    for w, k in kept:
        if w.hills is None:
            parts.append(_levelled(log_weights(w, kT)[k]))
            continue
        if w.rbias is None and id(w.hills) not in offsets:
            offsets[id(w.hills)] = offsets_of(w, kT)
        parts.append(log_weights(w, kT, offsets.get(id(w.hills)))[k])
    return samples, np.concatenate(parts), np.concatenate([w.times_ps[k] for w, k in kept])


def _levelled(logs: FloatArray) -> FloatArray:
    if not len(logs):
        return logs
    weights = np.exp(logs - logs.max())
    return np.asarray(logs - logs.max() + np.log(weights.sum() / np.square(weights).sum()))


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
