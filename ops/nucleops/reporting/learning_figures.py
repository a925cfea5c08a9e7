"""Figures of the learning rounds: shares, errors, parity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.reporting.style import (
    BLUE,
    ELEMENTS,
    GREEN,
    INK,
    ORANGE,
    SERIES,
    VERMILLION,
    WIDTH_IN,
    Book,
    grid,
    panel,
)


def round_label(name: str, index: int) -> str:
    """Short label of a round: its number."""
    digits = "".join(c for c in name if c.isdigit())
    return str(int(digits)) if digits else str(index)


def rounds(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Shares of accurate, candidate and failed frames, and errors, by round."""
    import matplotlib.pyplot as plt

    rows = [r for r in summary["rounds"] if r.get("accurate") is not None]
    if not rows:
        return
    labels = [round_label(r["name"], k) for k, r in enumerate(rows)]
    x = np.arange(len(rows))
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH_IN, 2.5), width_ratios=(1.15, 1))
    bottom = np.zeros(len(rows))
    kinds = (("accurate", GREEN, ""), ("candidate", ORANGE, "//"), ("failed", VERMILLION, "xx"))
    for kind, colour, hatch in kinds:
        share = np.array([100 * (r.get(kind) or 0.0) for r in rows])
        bars = left.bar(
            x, share, 0.62, bottom=bottom, color=colour, label=kind, hatch=hatch, edgecolor="white"
        )
        left.bar_label(
            bars,
            labels=[f"{s:.0f}%" if s >= 7 else "" for s in share],
            label_type="center",
            fontsize=7,
            color="white" if kind != "candidate" else "black",
            bbox={"boxstyle": "round,pad=0.2", "fc": colour, "ec": "none"},
        )
        bottom += share
    left.set(xlabel="round", ylabel="explored frames (%)", ylim=(0, 100), xticks=x)
    left.set_xticklabels(labels)
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    panel(left, "a")
    _errors(right, rows, x, labels, (summary.get("final") or {}).get("force_rmse_meV_A") or [])
    panel(right, "b")
    last = rows[-1]
    book.add(
        "learning_rounds",
        fig,
        caption="Learning, round by round. (a) Explored frames whose largest force deviation over "
        "the committee lies below (accurate), between (candidate) and above (failed) the trust "
        "levels; frames that a run never reached because it was ended count as failed. "
        "(b) Force error of each committee model on held-out frames (line: mean), and, in green, "
        "that of the production potential.",
        alt=f"Stacked bars for {len(rows)} rounds; in the last one "
        f"{100 * last['accurate']:.0f}% of the frames are accurate. Beside it the force error.",
        data=[folder / "rounds.csv"],
    )


def _errors(
    axes: Any, rows: list[dict[str, Any]], x: Any, labels: list[str], final: list[float]
) -> None:
    means = [np.mean(r["force_rmse_meV_A"]) if r["force_rmse_meV_A"] else np.nan for r in rows]
    axes.plot(x, means, "-", color=BLUE)
    at, ticks = list(x), list(labels)
    series = [row["force_rmse_meV_A"] for row in rows]
    if final:
        at, ticks, series = [*at, at[-1] + 1], [*ticks, "production"], [*series, final]
    for place, values, tick in zip(at, series, ticks, strict=True):
        colour = GREEN if tick == "production" else BLUE
        axes.plot([place] * len(values), values, "o", ms=4, mfc="none", mec=colour, mew=1)
    axes.set(xlabel="round", ylabel="force RMSE (meV/Å)", xticks=at)
    axes.set_xlim(at[0] - 0.5, at[-1] + 0.5)
    axes.set_xticklabels(ticks)
    axes.set_ylim(0, 1.15 * max((max(v) for v in series if v), default=1.0))
    grid(axes)


def parity(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Predicted against reference energies and forces of held-out frames."""
    import matplotlib.pyplot as plt

    energy, force = read_csv(folder / "parity_energy.csv"), read_csv(folder / "parity_force.csv")
    if not force.get("reference_eV_A"):
        return
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH_IN, 2.45), width_ratios=(1, 1.2, 0.95))
    ref, pred = (numbers(energy[f"{k}_eV_atom"]) for k in ("reference", "predicted"))
    models = numbers(energy["model"])
    for k in np.unique(models):
        own = models == k
        axes[0].plot(
            ref[own],
            1e3 * (pred[own] - ref[own]),
            "o",
            ms=3,
            mfc="none",
            mec=SERIES[int(k) % 6],
            label=f"model {int(k)}",
        )
    axes[0].axhline(0, color=INK, lw=0.7, dashes=(4, 2))
    axes[0].set(xlabel="reference energy (eV/atom)", ylabel="error (meV/atom)")
    axes[0].margins(x=0.12, y=0.25)
    axes[0].ticklabel_format(axis="x", useOffset=False)
    axes[0].locator_params(axis="x", nbins=4)
    axes[0].legend(loc="upper left", handletextpad=0.1, ncols=2, columnspacing=0.6)
    panel(axes[0], "a", "energy")
    ref, pred = (numbers(force[f"{k}_eV_A"]) for k in ("reference", "predicted"))
    cells = axes[1].hexbin(ref, pred, gridsize=42, bins="log", mincnt=1, cmap="cividis", lw=0.1)
    _diagonal(axes[1])
    axes[1].set(xlabel="reference (eV/Å)", ylabel="predicted (eV/Å)")
    bar = fig.colorbar(cells, ax=axes[1], pad=0.02, aspect=30)
    bar.set_label("force components")
    bar.outline.set_visible(False)
    # As shapes, not as an embedded picture, which a strict sandbox would not show.
    if bar.solids is not None:
        bar.solids.set(rasterized=False, edgecolor="face")
    panel(axes[1], "b", "forces")
    text = _per_element(axes[2], summary)
    panel(axes[2], "c", "force RMSE")
    book.add(
        "learning_parity",
        fig,
        caption="Production potential against its reference on held-out frames. (a) Error of the "
        "energy, predicted minus reference, against the reference, by model; each "
        "column is a composition. (b) Force components, all models; colour counts components "
        f"(logarithmic). (c) Force RMSE by element{text}.",
        alt="Parity plots of energies and forces along the diagonal, and force errors by element.",
        data=[folder / "parity_force.csv", folder / "parity_energy.csv"],
    )


def _diagonal(axes: Any) -> None:
    low = min(axes.get_xlim()[0], axes.get_ylim()[0])
    high = max(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([low, high], [low, high], color=INK, lw=0.7, dashes=(4, 2), zorder=3)
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.set_aspect("equal")
    axes.set_yticks(axes.get_xticks())
    axes.set(xlim=(low, high), ylim=(low, high))


def _per_element(axes: Any, summary: dict[str, Any]) -> str:
    final = summary.get("final") or {}
    per = final.get("per_element_force_rmse_meV_A") or {}
    order = [e for e in ELEMENTS if e in per]
    if not order:
        axes.axis("off")
        return ""
    y = np.arange(len(order))
    means = [float(np.mean([v for v in per[e] if v is not None])) for e in order]
    axes.barh(y, means, 0.6, color=[ELEMENTS[e] for e in order], edgecolor=INK, lw=0.5)
    for at, element in zip(y, order, strict=True):
        axes.plot(per[element], [at] * len(per[element]), "|", color=INK, ms=6)
    axes.set(yticks=y, xlabel="meV/Å")
    axes.set_yticklabels(order)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    grid(axes, "x")
    return " (bars: mean of the committee, ticks: each model)"
