"""Figure of a minimum free-energy path: where it goes, what it costs, what changes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nucleops.analysis.fes.result import Result
from nucleops.analysis.grid import FloatArray
from nucleops.analysis.paths.along import PathProfile
from nucleops.reporting.style import BLUE, FAINT, INK, SERIES, VERMILLION, WIDTH_IN, grid, panel

_PASS: dict[str, Any] = {"marker": "X", "ms": 5, "mfc": VERMILLION, "mec": "white", "mew": 0.7}
_NAME = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8}


@dataclass(frozen=True)
class PathPlot:
    """What the figure shows, whichever analysis it comes from.

    Attributes
    ----------
    variables : tuple of str
        Of the surface.
    unit : str
        Of energies.
    values : ndarray
        The variables along the path, shape (n, K).
    along, profile, error : ndarray
        Length so far from 0 to 1, free energy above the start and its error, shape (n,).
    progress : ndarray
        Share of its change that each variable has made, shape (n, K).
    top : int
        Place of the pass.
    ends : tuple of str
        Names of the ends.
    orders : tuple of str
        Sentences on the order.
    axes : tuple of ndarray
        Of the surface.
    surface : ndarray
        Free energy; not finite where unknown.
    marks : mapping
        State -> its lowest point.
    """

    variables: tuple[str, ...]
    unit: str
    values: FloatArray
    along: FloatArray
    profile: FloatArray
    error: FloatArray
    progress: FloatArray
    top: int
    ends: tuple[str, str]
    orders: tuple[str, ...]
    axes: tuple[FloatArray, ...]
    surface: FloatArray
    marks: Mapping[str, Sequence[float]]


def plot_of(
    path: PathProfile,
    unit: str,
    axes: Sequence[FloatArray],
    surface: FloatArray,
    marks: Mapping[str, Sequence[float]],
) -> PathPlot:
    """Return what the figure shows of a path."""
    return PathPlot(
        path.variables, unit, path.values, path.along, path.profile, path.error, path.progress,
        path.top, path.ends, tuple(one.sentence() for one in path.orders), tuple(axes), surface,
        marks,
    )  # fmt: skip


def plot_of_result(result: Result, unit: str) -> PathPlot | None:
    """Return what the figure shows of an analysis of somebody's files; None without a path."""
    if result.path is None:
        return None
    made = result.reweighted
    surface = result.hills_surface if made is None else made.surface
    assert surface is not None
    marks = {
        row.name: row.minimum.tolist() for row in result.rows[:6] if np.isfinite(row.minimum).all()
    }
    return plot_of(result.path, unit, result.grid.axes, surface, marks)


def path_figure(plot: PathPlot) -> Any:
    """Draw surface with path (two variables), profile along it, and the order of the changes."""
    import matplotlib.pyplot as plt

    two, several = len(plot.variables) == 2, len(plot.variables) > 1
    widths = [1.25] * two + [1.0] + [0.9] * several
    figure, axes = plt.subplots(
        1, len(widths), figsize=(WIDTH_IN * min(1.0, 0.33 * sum(widths) + 0.1), 2.5),
        squeeze=False, width_ratios=widths,
    )  # fmt: skip
    own = list(axes[0])
    if two:
        _surface(figure, own.pop(0), plot)
    _profile(own.pop(0), plot)
    if several:
        _order(own[0], plot)
    for letter, one in zip("abc", axes[0], strict=False):
        panel(one, letter)
    return figure


def _surface(figure: Any, axes: Any, plot: PathPlot) -> None:
    from matplotlib.ticker import MaxNLocator

    x, y = plot.axes
    known = np.isfinite(plot.surface)
    shown = np.where(known, plot.surface, np.nan) - plot.surface[known].min()
    # beyond the pass the colours would be spent on what the path never sees
    highest = float(np.nanmax(plot.profile)) - float(np.nanmin(plot.profile))
    top = min(float(np.nanmax(shown)), max(2.0 * highest, float(np.nanpercentile(shown, 60))))
    levels = MaxNLocator(12, steps=(1, 2, 2.5, 5, 10)).tick_values(0, max(top, 1e-3))
    filled = axes.contourf(x, y, shown.T, levels=levels, cmap="viridis", extend="max")
    axes.contour(x, y, shown.T, levels=levels[1::2], colors="white", linewidths=0.35, alpha=0.7)
    # periodic variables leave the axis where the path crosses its end
    line = plot.values.copy()
    for d, axis in enumerate(plot.axes):
        span = axis[-1] - axis[0] + (axis[1] - axis[0])
        out = (line[:, d] < axis[0] - 1e-9) | (line[:, d] > axis[-1] + 1e-9)
        line[out, d] = axis[0] + np.mod(line[out, d] - axis[0], span)
    jumps = np.any(np.abs(np.diff(line, axis=0)) > 0.5 * np.ptp(line, axis=0) + 1e-12, axis=1)
    for part in np.split(line, np.flatnonzero(jumps) + 1) if np.any(jumps) else [line]:
        axes.plot(*part.T, color="white", lw=2.6, solid_capstyle="round")
        axes.plot(*part.T, color=VERMILLION, lw=1.4, solid_capstyle="round")
    if 0 < plot.top < len(line) - 1:
        axes.plot(*line[plot.top], **_PASS)
    for name, at in plot.marks.items():
        axes.plot(*at, "o", ms=4, mfc="white", mec="black", mew=0.7)
        axes.annotate(
            name, at, xytext=(5, 5), textcoords="offset points", fontsize=7, color="black",
            bbox=_NAME,
        )  # fmt: skip
    where = np.argwhere(known)
    (i0, j0), (i1, j1) = where.min(axis=0), where.max(axis=0)
    axes.set(xlim=(x[i0], x[i1]), ylim=(y[j0], y[j1]))
    axes.set(xlabel=plot.variables[0], ylabel=plot.variables[1])
    bar = figure.colorbar(filled, ax=axes, pad=0.02, aspect=30, ticks=levels[::2], format="%g")
    bar.set_label(f"free energy ({plot.unit})")
    bar.outline.set_visible(False)


def _profile(axes: Any, plot: PathPlot) -> None:
    f, e = plot.profile, np.nan_to_num(plot.error)
    axes.fill_between(plot.along, f - e, f + e, color=BLUE, alpha=0.25, lw=0)
    axes.plot(plot.along, f, color=BLUE)
    axes.axhline(0, color=FAINT, lw=0.6)
    if 0 < plot.top < len(f) - 1:
        axes.plot(plot.along[plot.top], f[plot.top], **_PASS)
    low, high = float((f - e).min()), float((f + e).max())
    room = 0.12 * max(high - low, 1e-3)
    axes.set(xlim=(0, 1), ylim=(low - room, high + room))
    axes.set(xlabel=f"path from {plot.ends[0]} to {plot.ends[1]}")
    axes.set_ylabel(f"free energy ({plot.unit})")
    grid(axes)


def _order(axes: Any, plot: PathPlot) -> None:
    """Plane of the progress of two variables; of more, progress against the path."""
    if len(plot.variables) != 2:
        for k, name in enumerate(plot.variables):
            axes.plot(plot.along, plot.progress[:, k], color=SERIES[k], label=name)
        axes.set(xlabel="along the path", ylabel="share of the change", xlim=(0, 1))
        axes.legend(loc="best")
        grid(axes)
        return
    x, y = plot.progress.T
    axes.plot([0, 1], [0, 1], color=FAINT, lw=0.8, dashes=(4, 2))
    if np.all(np.isfinite(plot.progress)):
        axes.fill(np.append(x, 0), np.append(y, 0), color=BLUE, alpha=0.15, lw=0)
        axes.plot(x, y, color=BLUE)
        axes.plot([0, 1], [0, 1], "o", ms=3.5, color=INK)
    axes.set(xlabel=f"share of the change of {plot.variables[0]}")
    axes.set_ylabel(f"share of the change of {plot.variables[1]}")
    shown = np.nan_to_num(np.append(plot.progress.ravel(), [0.0, 1.0]))
    room = (float(shown.min()) - 0.05, float(shown.max()) + 0.05)
    axes.set(xlim=room, ylim=room)
    axes.set_aspect("equal", adjustable="box")
    grid(axes, "both")
