"""Figures of metadynamics: surface, profile with error, convergence, series of CVs and hills."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.reporting.style import (
    BLUE,
    FAINT,
    INK,
    MOST_POINTS,
    SERIES,
    VERMILLION,
    WIDTH_IN,
    Book,
    grid,
    panel,
    plain_log,
)


def surface(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Two-dimensional free-energy surface, and the profile along the first variable."""
    import matplotlib.pyplot as plt

    if not summary.get("surface"):
        return
    two = len(summary["cvs"]) == 2
    fig, axes = plt.subplots(1, 1 + two, figsize=(WIDTH_IN, 2.9), squeeze=False)
    if two:
        _surface(fig, axes[0, 0], folder, summary)
        panel(axes[0, 0], "a")
    _profile(axes[0, -1], folder, summary)
    panel(axes[0, -1], "b" if two else "a")
    level, hills = summary["surface"]["error_is_level"], _has_hills(summary)
    book.add(
        "metad_surface",
        fig,
        caption=("(a) Free energy reweighted; only where a walker has been. " if two else "")
        + f"{'(b) P' if two else 'P'}rofile along {summary['cvs'][0]}: reweighted, with the "
        f"standard error from {summary['surface']['n_blocks']} blocks (band)"
        + (", and the sum of hills projected (dashed). " if hills else ". ")
        + (
            "The block error is level in the block size."
            if level
            else "No block size shows a level error: take it as a lower bound."
        ),
        alt="Free-energy surface with the named states marked, and its profile with an error band.",
        data=[
            folder / "fes_1d.csv",
            *([folder / "fes_2d_reweighted.csv"] if two else []),
        ],
    )


def _has_hills(summary: dict[str, Any]) -> bool:
    """Whether the surfaces come from hills too; a run of OPES has none."""
    return bool(summary.get("method", "metadynamics") == "metadynamics")


def _surface(fig: Any, axes: Any, folder: Path, summary: dict[str, Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    with np.load(folder / "fes.npz", allow_pickle=False) as file:
        x, y = file["reweighted_axis_0"], file["reweighted_axis_1"]
        values = file["reweighted_kcal_mol"]
    values = values - np.nanmin(values)
    top = float(np.ceil(np.nanmax(values)))
    levels = MaxNLocator(12, steps=(1, 2, 2.5, 5, 10)).tick_values(0, max(top, 1.0))
    filled = axes.contourf(x, y, values.T, levels=levels, cmap="viridis")
    axes.contour(x, y, values.T, levels=levels[1::2], colors="white", linewidths=0.35, alpha=0.7)
    known = np.argwhere(np.isfinite(values))
    (i0, j0), (i1, j1) = known.min(axis=0), known.max(axis=0)
    axes.set(xlim=(x[i0], x[i1]), ylim=(y[j0], y[j1]))
    for k, state in enumerate(summary.get("states") or []):
        if state.get("minimum"):
            at = [state["minimum"][cv] for cv in summary["cvs"]]
            axes.plot(*at, "o", ms=4, mfc="white", mec="black", mew=0.7)
            axes.annotate(
                state["name"],
                at,
                xytext=(5, 5 if k % 2 == 0 else -9),
                textcoords="offset points",
                fontsize=7,
                color="black",
                bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8},
            )
    axes.set(xlabel=summary["cvs"][0], ylabel=summary["cvs"][1])
    bar = fig.colorbar(filled, ax=axes, pad=0.02, aspect=30, ticks=levels[::2], format="%g")
    bar.set_label("free energy (kcal/mol)")
    bar.outline.set_visible(False)


def _profile(axes: Any, folder: Path, summary: dict[str, Any]) -> None:
    table = {k: numbers(v) for k, v in read_csv(folder / "fes_1d.csv").items()}
    x = table[summary["cvs"][0]]
    f, error = table["free_energy_kcal_mol"], table["error_kcal_mol"]
    known = np.isfinite(f)
    f = np.where(known, f - np.nanmin(f), np.nan)
    axes.fill_between(x, f - error, f + error, color=BLUE, alpha=0.25, lw=0)
    axes.plot(x, f, color=BLUE, label="reweighted ± standard error")
    curves = [f[np.isfinite(f)]]
    if _has_hills(summary):
        hills = table["free_energy_from_hills_kcal_mol"]
        hills = hills - np.nanmin(hills)
        axes.plot(x, hills, color=VERMILLION, dashes=(4, 2), label="sum of hills")
        curves.append(hills[np.isfinite(hills)])
    for state in summary.get("states") or []:
        bounds = state["ranges"].get(summary["cvs"][0])
        if bounds:
            low, high = max(bounds[0], x[0]), min(bounds[1], x[-1])
            axes.axvspan(low, high, color=FAINT, alpha=0.18, lw=0)
            axes.text(
                (low + high) / 2,
                0.02,
                state["name"],
                ha="center",
                va="bottom",
                fontsize=7,
                transform=axes.get_xaxis_transform(),
            )
    axes.set(xlabel=summary["cvs"][0], ylabel="free energy (kcal/mol)", xlim=(x[0], x[-1]))
    # The band is endless where a bin was met once: the curves set the range.
    both = np.concatenate(curves)
    axes.set_ylim(-0.12 * float(both.max()), 1.15 * float(both.max()))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=2, columnspacing=1)
    grid(axes)


def convergence(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Free-energy difference against time, and the block-size scan."""
    import matplotlib.pyplot as plt

    if not summary.get("surface"):
        return
    table = {k: numbers(v) for k, v in read_csv(folder / "convergence.csv").items()}
    scan = {k: numbers(v) for k, v in read_csv(folder / "blocks.csv").items()}
    s = summary["surface"]
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH_IN, 2.3), width_ratios=(1.7, 1))
    t, d, e = table["time_ps"], table["difference_kcal_mol"], table["error_kcal_mol"]
    left.fill_between(t, d - e, d + e, color=BLUE, alpha=0.25, lw=0)
    left.plot(t, d, color=BLUE, label="reweighted ± standard error")
    if _has_hills(summary):
        left.plot(
            t,
            table["difference_from_hills_kcal_mol"],
            color=VERMILLION,
            dashes=(4, 2),
            label="sum of hills",
        )
    if s["difference_95_kcal_mol"]:
        low, high = s["difference_95_kcal_mol"]
        left.errorbar(
            t[-1], (low + high) / 2, (high - low) / 2, fmt="none", ecolor=INK, capsize=2.5, lw=1,
            clip_on=False, label="95 % interval",
        )  # fmt: skip
    left.set(xlabel="time (ps)", ylabel=f"F({s['to']}) − F({s['from']}) (kcal/mol)")
    left.set_xlim(0, t[-1])
    left.axvspan(t[-1] / 2, t[-1], color=FAINT, alpha=0.15, lw=0)
    left.legend(loc="best")
    grid(left)
    panel(left, "a")
    right.plot(scan["block_rows"], scan["error_kcal_mol"], "o-", ms=3.5, color=BLUE)
    right.axvline(s["block_rows"], color=INK, lw=0.7, dashes=(4, 2))
    right.set(xscale="log", xlabel="rows in a block", ylabel="error of the difference (kcal/mol)")
    right.set_ylim(0, 1.2 * float(np.nanmax([*scan["error_kcal_mol"], 1e-3])))
    plain_log(right.xaxis)
    grid(right)
    panel(right, "b")
    book.add(
        "metad_convergence",
        fig,
        caption="(a) Free-energy difference between the first and the last state as the run goes "
        "on; the verdict looks at the shaded second half. (b) Error of the difference against "
        "the block size; the dashed line is the size used.",
        alt="Free-energy difference against time with an error band, and the block-size scan.",
        data=[folder / "convergence.csv", folder / "blocks.csv"],
    )


def series(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Biased variables through time, and the heights of hills or the bias of OPES."""
    import matplotlib.pyplot as plt

    names = summary["cvs"]
    walkers = [r["name"] for r in summary["runs"]]
    hills = {}
    if _has_hills(summary):
        hills = {k: numbers(v) for k, v in read_csv(folder / "hills.csv").items()}
    if all(run["trusted_ps"] <= 0 for run in summary["runs"]):
        return
    fig, axes = plt.subplots(
        len(names) + 1, 1, figsize=(WIDTH_IN, 1.05 * (len(names) + 1) + 0.4), sharex=True
    )
    files: list[Path] = []
    for k, walker in enumerate(walkers):
        path = folder / walker / "series.csv"
        table = read_csv(path)
        files.append(path)
        t = numbers(table["time_ps"])
        step = max(1, len(t) // MOST_POINTS)
        colour = SERIES[k % len(SERIES)]
        for ax, name in zip(axes, names, strict=False):
            values = numbers(table[name])
            ax.plot(t[::step], values[::step], lw=0.6, color=colour, label=walker)
        if hills:
            own = hills["walker"] == k
            height = hills["height_kcal_mol"][own]
            axes[-1].plot(hills["time_ps"][own], height, ".", ms=2, color=colour)
        else:
            axes[-1].plot(t[::step], numbers(table["opes.bias"])[::step], lw=0.6, color=colour)
    for ax, name in zip(axes, names, strict=False):
        ax.set_ylabel(name)
        for state in summary.get("states") or []:
            bounds = state["ranges"].get(name)
            if bounds:
                low, high = ax.get_ylim()
                ax.axhspan(max(bounds[0], low), min(bounds[1], high), color=FAINT, alpha=0.18, lw=0)
                ax.set_ylim(low, high)
    axes[-1].set(xlabel="time (ps)", ylabel=f"{'hill' if hills else 'bias'} (kcal/mol)")
    if hills:
        axes[-1].set_ylim(0, 1.15 * float(hills["height_kcal_mol"].max(initial=0.1)))
        files.append(folder / "hills.csv")
    axes[-1].set_xlim(0, max(run["trusted_ps"] for run in summary["runs"]))
    for ax, letter in zip(axes, "abcd", strict=False):
        panel(ax, letter)
    if len(walkers) > 1:
        axes[0].legend(ncols=min(4, len(walkers)), loc="lower right", bbox_to_anchor=(1, 1))
    fig.align_ylabels(axes)
    book.add(
        "metad_series",
        fig,
        caption="Collective variables through the trusted part of each walker (shaded: the named "
        "states), and "
        + (
            "the height of each hill, which shrinks as the surface fills."
            if hills
            else "the bias of OPES, which soon depends on the variables only."
        ),
        alt=f"Collective variables and {'hill heights' if hills else 'the bias'} against time.",
        data=files,
    )
