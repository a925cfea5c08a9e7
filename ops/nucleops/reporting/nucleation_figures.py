"""Figures of nucleation: series of each replica and what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.nuclei.naming import KINDS
from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.reporting.style import (
    FAINT,
    GREEN,
    GREY,
    MOST_POINTS,
    ORANGE,
    PURPLE,
    SERIES,
    SKY,
    WIDTH_IN,
    Book,
    grid,
    panel,
)

KIND_COLOURS = dict(zip(KINDS, (FAINT, GREY, SKY, ORANGE, GREEN), strict=True))
_DASHES = ((), (4, 1.5), (1.5, 1.5), (6, 1.5, 1.5, 1.5))
_MOST_REPLICAS = 6


def _colours(summary: dict[str, Any]) -> dict[str, str]:
    """One colour for each replica, the same in every figure."""
    names = [replica["name"] for replica in summary["replicas"]]
    return {name: SERIES[k % len(SERIES)] for k, name in enumerate(names)}


def series(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Metal-metal coordination, metal and solvent around each nucleation point."""
    import matplotlib.pyplot as plt

    replicas = [r for r in summary["replicas"] if r["trusted_ps"] > 0]
    if not replicas:
        return
    # Replicas in which something grew are shown; the rest are in the CSV files.
    grown = sorted(replicas, key=lambda r: -r["largest"])[:_MOST_REPLICAS]
    shown = [r for r in replicas if r in grown]
    colours = _colours(summary)
    fig, axes = plt.subplots(3, 1, figsize=(WIDTH_IN, 4.4), sharex=True)
    files = []
    for replica in shown:
        path = folder / replica["name"] / "series.csv"
        files.append(path)
        table = {name: numbers(v) for name, v in read_csv(path).items()}
        step = max(1, len(table["time_ps"]) // MOST_POINTS)
        t, colour = table["time_ps"][::step], colours[replica["name"]]
        pair = next(n for n in table if _is_metal_pair(n))
        axes[0].plot(t, table[pair][::step], color=colour, label=replica["name"])
        for n, nucleus in enumerate(replica["nuclei"]):
            number = nucleus["number"]
            dash = _DASHES[n % 4]
            around = table[f"metal_around_point_{number}"][::step]
            wet = table[f"solvent_O_around_point_{number}"][::step]
            axes[1].plot(t, around, color=colour, dashes=dash)
            axes[2].plot(t, wet, color=colour, dashes=dash)
            if nucleus["together_since_ps"] and not nucleus["from_start"]:
                axes[1].axvline(nucleus["together_since_ps"], color=colour, lw=0.6, dashes=(2, 2))
    axes[0].set_ylabel("metal–metal\ncoordination")
    axes[1].set_ylabel("metal around\nnucleation point")
    axes[2].set(ylabel="solvent O around\nnucleation point", xlabel="time (ps)")
    axes[2].set_xlim(0, max(r["trusted_ps"] for r in shown))
    for ax, letter in zip(axes, "abc", strict=True):
        ax.set_ylim(bottom=0)
        panel(ax, letter)
        grid(ax)
    axes[0].legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 1.0))
    if not axes[1].lines:
        for ax in axes[1:]:
            ax.text(
                0.5,
                0.5,
                "no aggregate of three metals or more at the end",
                transform=ax.transAxes,
                ha="center",
            )
    fig.align_ylabels(axes)
    book.add(
        "nucleation_series",
        fig,
        caption="Nucleation through time. (a) Mean metal–metal coordination. (b) Metal atoms and "
        "(c) solvent oxygen around each nucleation point, the centre of mass of the metals that "
        "end up in an aggregate of three or more. Colours as in (a); solid, dashed, dotted: first, "
        "second, third nucleus of a replica. Upright: since when these metals have stayed "
        "together.",
        alt=f"Coordination series of {len(shown)} replicas.",
        data=[folder / "pool.csv", *files],
    )


def _is_metal_pair(name: str) -> bool:
    kind = name.removeprefix("coordination_").split("-")
    return name.startswith("coordination_") and len(kind) == 2 and kind[0] == kind[1]


def pool(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """What each replica's metal atoms ended up in, and the largest aggregate through time."""
    import matplotlib.pyplot as plt

    replicas = [r for r in summary["replicas"] if r["trusted_ps"] > 0]
    if not replicas:
        return
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH_IN, max(2.1, 0.22 * len(replicas) + 1.2)), width_ratios=(1, 1.1)
    )
    colours = _colours(summary)
    y = np.arange(len(replicas))
    offset = np.zeros(len(replicas))
    for kind in KINDS:
        counts = np.array([r["kinds"].get(kind, 0) for r in replicas], dtype=float)
        if counts.any():
            left.barh(y, counts, 0.6, left=offset, color=KIND_COLOURS[kind], label=kind, ec="white")
            offset += counts
    left.set(yticks=y, xlabel="aggregates at the end")
    left.set_yticklabels([r["name"] for r in replicas])
    left.invert_yaxis()
    left.xaxis.get_major_locator().set_params(integer=True)
    left.legend(loc="lower left", bbox_to_anchor=(-0.05, 1.0), ncols=2)
    for k, replica in enumerate(replicas[:_MOST_REPLICAS]):
        table = read_csv(folder / replica["name"] / "series.csv")
        t, size = numbers(table["time_ps"]), numbers(table["largest_aggregate"])
        # lines of equal height would hide one another
        right.step(
            t, size + 0.07 * k, where="post", color=colours[replica["name"]], label=replica["name"]
        )
    right.axhline(6, color=PURPLE, lw=0.7, dashes=(4, 2), label="octahedron")
    right.set(xlabel="time (ps)", ylabel="metals in the\nlargest aggregate")
    right.set_ylim(0, max(6.9, right.get_ylim()[1]))
    right.set_xlim(0, max(r["trusted_ps"] for r in replicas))
    right.legend(loc="lower left", bbox_to_anchor=(-0.05, 1.0), ncols=3, columnspacing=1)
    grid(right)
    book.add(
        "nucleation_pool",
        fig,
        caption="Left: what the aggregates of each replica are at the end of its trusted time. "
        "Right: metals in the largest aggregate through time; lines of replicas are shifted a "
        "little apart.",
        alt="Bars of aggregates per replica, and the size of the largest aggregate against time.",
        data=[folder / "pool.csv"],
    )
