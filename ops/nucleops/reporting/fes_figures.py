"""Figures of a free-energy analysis of somebody's files, as a paper would take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.fes.result import Result
from nucleops.analysis.fes.write import MOST_BASINS
from nucleops.analysis.free_energy import project
from nucleops.analysis.grid import FloatArray
from nucleops.reporting.path_figures import path_figure, plot_of_result
from nucleops.reporting.style import (
    BLUE,
    FAINT,
    INK,
    VERMILLION,
    WIDTH_IN,
    grid,
    look,
    panel,
    plain_log,
    save_figures,
)


def draw(result: Result, kT: float, unit: str, folder: Path) -> list[Path]:
    """Draw what there is to see; each figure as SVG and PNG.

    Parameters
    ----------
    result : Result
        What was found.
    kT : float
        Thermal energy in the files' unit.
    unit : str
        Name of that unit.
    folder : Path
        Where the files go.
    """
    with look():
        made = {"fes": _surfaces(result, kT, unit), "convergence": _convergence(result, unit)}
        if result.hills is not None:
            made["fes_in_time"] = _in_time(result, kT, unit)
        path = plot_of_result(result, unit)
        if path is not None:
            made["path"] = path_figure(path)
        return save_figures(made, folder)


def _best(result: Result) -> tuple[FloatArray, FloatArray]:
    """Surface and error to show: reweighted where there is one."""
    made = result.reweighted
    if made is not None:
        return made.surface, made.error
    assert result.hills_surface is not None
    return result.hills_surface, np.full(result.hills_surface.shape, np.nan)


def _surfaces(result: Result, kT: float, unit: str) -> Any:
    import matplotlib.pyplot as plt

    if result.grid.n_dimensions == 1:
        figure, axes = plt.subplots(figsize=(0.6 * WIDTH_IN, 2.9))
        _profile(axes, result, unit)
        return figure
    if result.grid.n_dimensions == 2:
        figure, axes = plt.subplots(1, 2, figsize=(WIDTH_IN, 2.9), sharey=True)
        surface, error = _best(result)
        known = np.isfinite(surface)
        top = float(np.nanpercentile(surface[known], 98))
        _map(figure, axes[0], result, surface, f"free energy ({unit})", "viridis", top)
        if np.any(np.isfinite(error)):
            most = float(np.nanpercentile(error[np.isfinite(error)], 95))
            _map(figure, axes[1], result, error, f"standard error ({unit})", "cividis", most)
        else:
            axes[1].axis("off")
        axes[0].set_ylabel(result.targets[1])
        for k, row in enumerate(result.rows[:MOST_BASINS]):
            if np.all(np.isfinite(row.minimum)):
                axes[0].plot(*row.minimum, "o", ms=4, mfc="white", mec="black", mew=0.7)
                axes[0].annotate(
                    row.name, row.minimum, xytext=(5, 5 if k % 2 == 0 else -9),
                    textcoords="offset points", fontsize=7, color="black",
                    bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8},
                )  # fmt: skip
        panel(axes[0], "a")
        panel(axes[1], "b")
        return figure
    return _three_profiles(result, kT, unit)


def _profile(axes: Any, result: Result, unit: str) -> None:
    x, made = result.grid.axes[0], result.reweighted
    if made is not None:
        low, high = made.surface - made.error, made.surface + made.error
        axes.fill_between(x, low, high, color=BLUE, alpha=0.25, lw=0)
        axes.plot(x, made.surface, color=BLUE, label="reweighted ± standard error")
    if result.hills_surface is not None:
        axes.plot(x, result.hills_surface, color=VERMILLION, dashes=(4, 2), label="sum of hills")
    shown = _best(result)[0]
    where = x[np.isfinite(shown)]
    top = 1.15 * float(np.nanmax(shown))
    axes.set(xlabel=result.targets[0], ylabel=f"free energy ({unit})", ylim=(-0.04 * top, top))
    axes.set_xlim(where.min(), where.max())
    for row in result.rows[:MOST_BASINS]:
        if np.isfinite(row.depth):
            axes.annotate(
                row.name, (row.minimum[0], row.depth), xytext=(0, 6), ha="center",
                textcoords="offset points", fontsize=7.5,
            )  # fmt: skip
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=2, columnspacing=1)
    grid(axes)


def _map(
    figure: Any, axes: Any, result: Result, values: FloatArray, label: str, colours: str, top: float
) -> None:
    from matplotlib.ticker import MaxNLocator

    x, y = result.grid.axes
    levels = MaxNLocator(12, steps=(1, 2, 2.5, 5, 10)).tick_values(0, max(top, 1e-6))
    filled = axes.contourf(x, y, values.T, levels=levels, cmap=colours, extend="max")
    lines = {"levels": levels[1::2], "colors": "white", "linewidths": 0.35, "alpha": 0.7}
    axes.contour(x, y, values.T, **lines)
    known = np.argwhere(np.isfinite(values))
    (i0, j0), (i1, j1) = known.min(axis=0), known.max(axis=0)
    axes.set(xlim=(x[i0], x[i1]), ylim=(y[j0], y[j1]), xlabel=result.targets[0])
    bar = figure.colorbar(filled, ax=axes, pad=0.02, aspect=30, ticks=levels[::2], format="%g")
    bar.set_label(label)
    bar.outline.set_visible(False)


def _three_profiles(result: Result, kT: float, unit: str) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(WIDTH_IN, 2.4), sharey=True)
    surface = _best(result)[0]
    known = np.where(np.isfinite(surface), surface, np.inf)
    for d, name in enumerate(result.targets):
        line = project(known, kT, d)
        line = np.where(np.isfinite(line), line, np.nan)
        axes[d].plot(result.grid.axes[d], line - np.nanmin(line), color=BLUE)
        axes[d].set_xlabel(name)
        panel(axes[d], "abc"[d])
        grid(axes[d])
    axes[0].set_ylabel(f"free energy ({unit})")
    return figure


def _convergence(result: Result, unit: str) -> Any:
    """Difference in time, error against block size, heights of hills: as many as there are."""
    import matplotlib.pyplot as plt

    parts = []
    if result.in_time is not None:
        parts.append(_difference)
    if result.reweighted is not None and len(result.reweighted.scan) > 1:
        parts.append(_blocks)
    if result.hills is not None:
        parts.append(_heights)
    if not parts:
        return None
    widths = [1.5 if part is _difference else 1.0 for part in parts]
    figure, axes = plt.subplots(
        1, len(parts), figsize=(WIDTH_IN * sum(widths) / 3.5, 2.3), squeeze=False,
        width_ratios=widths,
    )  # fmt: skip
    for k, part in enumerate(parts):
        part(axes[0, k], result, unit)
        grid(axes[0, k])
        panel(axes[0, k], "abc"[k])
    return figure


def _difference(axes: Any, result: Result, unit: str) -> None:
    t = result.in_time
    assert t is not None
    if t.reweighted is not None and t.error is not None:
        low, high = t.reweighted - t.error, t.reweighted + t.error
        axes.fill_between(t.times, low, high, color=BLUE, alpha=0.25, lw=0)
        axes.plot(t.times, t.reweighted, color=BLUE, label="reweighted ± standard error")
    if t.from_hills is not None:
        axes.plot(t.times, t.from_hills, color=VERMILLION, dashes=(4, 2), label="sum of hills")
    row = result.rows[1]
    if not row.unknown:
        middle, reach = row.population, row.interval[1] - row.population
        axes.errorbar(
            t.times[-1], middle, reach, fmt="none", ecolor=INK, capsize=2.5, lw=1, clip_on=False,
            label="95 % interval",
        )  # fmt: skip
    axes.axvspan(t.times[-1] / 2, t.times[-1], color=FAINT, alpha=0.15, lw=0)
    axes.set(
        xlabel="time", ylabel=f"F({t.pair[1]}) − F({t.pair[0]}) ({unit})", xlim=(0, t.times[-1])
    )
    axes.legend(loc="best")


def _blocks(axes: Any, result: Result, unit: str) -> None:
    made = result.reweighted
    assert made is not None
    scan = np.array(made.scan, dtype=np.float64)
    axes.plot(scan[:, 0], scan[:, 2], "o-", ms=3.5, color=BLUE)
    axes.axvline(made.block, color=INK, lw=0.7, dashes=(4, 2))
    axes.set(xscale="log", xlabel="rows in a block", ylabel=f"error of the difference ({unit})")
    axes.set_ylim(0, 1.2 * float(np.nanmax(scan[:, 2])))
    plain_log(axes.xaxis)


def _heights(axes: Any, result: Result, unit: str) -> None:
    hills = result.hills
    assert hills is not None
    axes.plot(hills.height_times, hills.heights, ".", ms=2, color=BLUE)
    axes.set(xlabel="time", ylabel=f"height of hills ({unit})")
    axes.set_ylim(0, None)


def _in_time(result: Result, kT: float, unit: str) -> Any:
    """Profiles along the first biased variable, of the hills up to each of some times."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    hills = result.hills
    assert hills is not None
    figure, axes = plt.subplots(figsize=(0.6 * WIDTH_IN, 2.6))
    chosen = np.unique(np.linspace(0, len(hills.times) - 1, 10).round().astype(int))
    colours = mpl.colormaps["viridis"](np.linspace(0.95, 0.0, len(chosen)))
    for k, colour in zip(chosen, colours, strict=True):
        known = np.where(np.isfinite(hills.surfaces[k]), hills.surfaces[k], np.inf)
        line = project(known, kT, 0)
        line = np.where(np.isfinite(line), line, np.nan)
        label = f"{hills.times[k]:.4g}" if k in (chosen[0], chosen[-1]) else None
        axes.plot(hills.grid.axes[0], line - np.nanmin(line), color=colour, lw=0.9, label=label)
    axes.set(xlabel=hills.scan.cvs[0], ylabel=f"sum of hills ({unit})")
    axes.legend(title="time", loc="upper center", bbox_to_anchor=(0.5, 1.3), ncols=2)
    grid(axes)
    return figure
