"""Figures of what each exploration found, and of the model deviation along biased variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.learning.tally import KINDS, shares
from nucleops.reporting.learning_figures import round_label
from nucleops.reporting.style import (
    GREEN,
    ORANGE,
    VERMILLION,
    WIDTH_IN,
    Book,
    grid,
    panel,
    plain_log,
)

_BINS = 16
_FEWEST = 5
"""Frames of a bin below which it is not drawn."""
_PANELS = 3
_BUSY = 0.45
"""Shares above this are written in white, on a dark ground."""


def explorations(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Share of accurate frames of each exploration, round by round, and the last round in full."""
    import matplotlib.pyplot as plt

    rows = [r for r in summary["rounds"] if r.get("explorations")]
    labels = list(dict.fromkeys(label for r in rows for label in r["explorations"]))
    if not labels:
        return
    found = np.full((len(labels), len(rows)), np.nan)
    for j, row in enumerate(rows):
        for label, counts in row["explorations"].items():
            found[labels.index(label), j] = shares(counts)[0]
    height = 0.75 + 0.2 * len(labels)
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH_IN, height), width_ratios=(1, 1.15), sharey=True
    )
    # As shapes, not as an embedded picture, which a strict sandbox would not show.
    edges = (np.arange(n + 1) - 0.5 for n in found.T.shape)
    left.pcolormesh(*edges, found, cmap="Greens", vmin=0, vmax=1, edgecolor="white", lw=0.5)
    left.invert_yaxis()
    for i, j in np.ndindex(*found.shape):
        if np.isfinite(found[i, j]):
            colour = "white" if found[i, j] > _BUSY else "black"
            left.text(j, i, f"{100 * found[i, j]:.0f}", **_CENTRED, color=colour, fontsize=7)
    left.set(yticks=range(len(labels)), xticks=range(len(rows)), xlabel="round")
    left.set_yticklabels(labels)
    left.set_xticklabels([round_label(r["name"], k) for k, r in enumerate(rows)])
    left.tick_params(length=0)
    panel(left, "a", "accurate (%)")
    _last_round(right, rows[-1]["explorations"], labels)
    panel(right, "b")
    book.add(
        "learning_explorations",
        fig,
        caption="What each exploration found. (a) Share of accurate frames, round by round. (b) "
        "Accurate, candidate and failed frames of the last round.",
        alt="Shares of accurate frames of each exploration in each round, as a table in shades, "
        "and stacked bars of the last round.",
        data=[folder / "explorations.csv"],
    )


_CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}


def _last_round(axes: Any, found: dict[str, Any], labels: list[str]) -> None:
    at = np.array([i for i, label in enumerate(labels) if label in found])
    table = 100 * np.array([shares(found[labels[i]]) for i in at])
    start = np.zeros(len(at))
    looks = ((GREEN, ""), (ORANGE, "//"), (VERMILLION, "xx"))
    for kind, share, (colour, hatch) in zip(KINDS, table.T, looks, strict=True):
        axes.barh(
            at, share, 0.7, left=start, color=colour, hatch=hatch, edgecolor="white", label=kind
        )
        start += share
    axes.set(xlim=(0, 100), xlabel="explored frames (%)")
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, columnspacing=0.8)


def along(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Model deviation along the biased variables of each biased exploration."""
    for number, (label, own) in enumerate((summary.get("along") or {}).items()):
        path = folder / own["file"]
        if path.is_file():
            _along(book, path, label, own["cvs"], summary, number)


def _along(
    book: Book, path: Path, label: str, cvs: list[str], summary: dict[str, Any], number: int
) -> None:
    import matplotlib.pyplot as plt

    table = read_csv(path)
    rounds = numbers(table["round"]).astype(int)
    deviation = numbers(table["max_force_eV_A"])
    columns = {name: numbers(table[name]) for name in cvs}
    shown = [n for n, x in columns.items() if np.isfinite(x).sum() >= _FEWEST][:_PANELS]
    if not shown:
        return
    fig, grid_of_axes = plt.subplots(
        1, len(shown), figsize=(WIDTH_IN, 2.3), sharey=True, squeeze=False
    )
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.85, rounds.max() + 1))
    for axes, name in zip(grid_of_axes[0], shown, strict=True):
        values = columns[name]
        edges = np.linspace(np.nanmin(values), np.nanmax(values) + 1e-9, _BINS + 1)
        for k in np.unique(rounds):
            x, middle, high = _binned(values[rounds == k], deviation[rounds == k], edges)
            axes.plot(x, middle, "o-", ms=3, color=colours[k], label=f"round {k}")
            axes.fill_between(x, middle, high, color=colours[k], alpha=0.18, lw=0)
        _levels(axes, summary)
        axes.set(xlabel=name, yscale="log")
        grid(axes, "both")
    first = grid_of_axes[0][0]
    first.set_ylabel("largest force\ndeviation (eV/Å)")
    plain_log(first.yaxis)
    first.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=6)
    book.add(
        f"learning_along_{number}",
        fig,
        caption=f"Model deviation along the biased variables of {label}: median of the frames in a "
        "bin (points), up to their 90th percentile (shade); dashed, the trust levels. Bins with "
        f"fewer than {_FEWEST} frames are left out: there the potential was hardly ever asked.",
        alt=f"Largest force deviation against {', '.join(shown)} for each round.",
        data=[path],
    )


def _levels(axes: Any, summary: dict[str, Any]) -> None:
    low = summary["rounds"][-1].get("low_eV_A") if summary["rounds"] else None
    for value in (low, (summary.get("selection") or {}).get("force_deviation_high_eV_A")):
        if value:
            axes.axhline(value, color=VERMILLION, lw=0.8, dashes=(4, 2))


def _binned(values: Any, deviation: Any, edges: Any) -> tuple[Any, Any, Any]:
    """Centres of bins with enough frames, and median and 90th percentile in them."""
    place = np.digitize(values, edges) - 1
    kept = [k for k in range(len(edges) - 1) if np.sum(place == k) >= _FEWEST]
    centres = 0.5 * (edges[:-1] + edges[1:])
    middle, high = (
        np.array([np.percentile(deviation[place == k], q) for k in kept]) for q in (50, 90)
    )
    return centres[kept], middle, high
