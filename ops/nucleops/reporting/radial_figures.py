"""Figure of radial distribution functions, with their coordination numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.reporting.style import BLUE, FAINT, GREY, WIDTH_IN, Book, panel

_MOST_PANELS = 4


def radial(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Draw g(r), or in a droplet the local density, and the coordination number, by pair."""
    import matplotlib.pyplot as plt

    pairs = list(summary.get("radial") or {})[:_MOST_PANELS]
    if not pairs:
        return
    table = read_csv(folder / "radial.csv")
    names = np.array(table["pair"])
    columns = {name: numbers(values) for name, values in table.items() if name != "pair"}
    normalised = all(summary["radial"][pair]["normalised"] for pair in pairs)
    value, error = (
        ("g", "g_error") if normalised else ("local_density_per_A3", "local_density_error_per_A3")
    )
    fig, axes = plt.subplots(1, len(pairs), figsize=(WIDTH_IN, 2.2), squeeze=False)
    for ax, letter, pair in zip(axes[0], "abcd", pairs, strict=False):
        own = names == pair
        r, y, e = (columns[name][own] for name in ("r_A", value, error))
        if np.any(np.isfinite(e)):
            ax.fill_between(r, np.maximum(y - e, 0), y + e, color=BLUE, alpha=0.25, lw=0)
        if normalised:
            ax.axhline(1.0, color=FAINT, lw=0.6)
        ax.plot(r, y, color=BLUE)
        ax.set(xlabel="r (Å)", xlim=(0, float(r[-1])), ylim=(0, None))
        ax.tick_params(axis="y", colors=BLUE)
        beside = ax.twinx()
        beside.plot(r, columns["coordination"][own], color=GREY, lw=0.9, ls="--")
        beside.set_ylim(0, None)
        beside.spines["right"].set_visible(True)
        beside.tick_params(axis="y", colors=GREY)
        if ax is axes[0, -1]:
            beside.set_ylabel("coordination number", color=GREY)
        panel(ax, letter, pair)
    axes[0, 0].set_ylabel("g(r)" if normalised else "local density (Å$^{-3}$)", color=BLUE)
    what = (
        "Radial distribution functions"
        if normalised
        else "Local density of the second element around the first; a droplet has no bulk density "
        "to divide by, so g(r) is not defined"
    )
    book.add(
        "structure_radial",
        fig,
        caption=f"{what}. Between all atoms of the two elements, those of one molecule included; "
        "band: standard error over blocks; dashed: mean number of neighbours up to r.",
        alt="; ".join(f"{pair}: first peak at {_peak(summary, pair)}" for pair in pairs),
        data=[folder / "radial.csv"],
    )


def _peak(summary: dict[str, Any], pair: str) -> str:
    peak = summary["radial"][pair]["first_peak_A"]
    return "none" if peak is None else f"{peak:.2f} angstrom"
