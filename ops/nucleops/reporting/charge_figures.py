"""Figure of atomic charges: the trend of each element over the states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.reporting.page import scheme as scheme_name
from nucleops.reporting.style import SERIES, WIDTH_IN, Book, grid, panel

_MARKERS = ("o", "s", "D")
_MOST_PANELS = 4


def trend(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Draw mean charges against the state, a panel for each element."""
    import matplotlib.pyplot as plt

    states = summary["states"]
    shown = _shown(summary["rows"])
    if not shown:
        return
    fig, axes = plt.subplots(1, len(shown), figsize=(WIDTH_IN, 2.4), squeeze=False)
    for ax, letter, (part, element) in zip(axes[0], "abcd", shown, strict=False):
        for k, scheme in enumerate(summary["schemes"]):
            own = {
                r["state"]: r
                for r in summary["rows"]
                if (r["part"], r["element"], r["scheme"]) == (part, element, scheme)
            }
            place = [states.index(s) for s in own]
            mean = [r["mean_e"] for r in own.values()]
            error = [np.nan if r["error_e"] is None else r["error_e"] for r in own.values()]
            ax.errorbar(
                place,
                mean,
                yerr=error,
                marker=_MARKERS[k % len(_MARKERS)],
                ms=4.5,
                capsize=2.5,
                color=SERIES[k],
                label=scheme_name(scheme),
            )
        ax.set_xticks(range(len(states)), states, rotation=30, ha="right")
        ax.set_xlim(-0.4, len(states) - 0.6)
        grid(ax)
        panel(ax, letter, element if part != "solvent" else f"{element} (solvent)")
    _same_span(axes[0])
    axes[0, 0].set_ylabel("net charge (e)")
    if len(summary["schemes"]) > 1:
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    book.add(
        "charges",
        fig,
        caption="Mean atomic charges of each state, averaged over the atoms of an element; bars: "
        "standard error over frames, where there are several. All axes span the same range.",
        alt=f"Atomic charges by state: {summary['verdict']['sentence']}",
        data=[folder / "by_element.csv", folder / "changes.csv"],
    )


def _shown(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Choose the metal, its donors, and the solvent's oxygen: elements that a metal meets."""
    from nucleops.systems.system import METALS

    there = list(dict.fromkeys((r["part"], r["element"]) for r in rows))
    order = (*METALS, "S", "Se", "N", "P", "O")
    wanted = [
        (part, element)
        for element in order
        for part, own in there
        if own == element and (part != "solvent" or element == "O")
    ]
    return wanted[:_MOST_PANELS]


def _same_span(axes: Any) -> None:
    """Let every panel span the same range, so that slopes can be compared between elements."""
    limits = [ax.get_ylim() for ax in axes]
    span = max(0.05, *(high - low for low, high in limits))
    for ax, (low, high) in zip(axes, limits, strict=True):
        ax.set_ylim((low + high - 1.1 * span) / 2, (low + high + 1.1 * span) / 2)
