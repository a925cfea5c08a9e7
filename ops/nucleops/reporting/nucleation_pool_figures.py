"""Figures of many replicas together: survival, sizes through time, and the steps of nucleation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.nuclei.story import EVENTS
from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.analysis.stages.replica import MOVIE
from nucleops.reporting.style import (
    BLUE,
    GREEN,
    SERIES,
    SKY,
    VERMILLION,
    WIDTH_IN,
    Book,
    grid,
    panel,
)

STEP_COLOURS = dict(zip(EVENTS, (SKY, BLUE, GREEN), strict=True))
_MOST_NUCLEI = 40


def survival_and_sizes(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Share of replicas without a nucleus, and the metals' share in aggregates by size."""
    import matplotlib.pyplot as plt

    curve, sizes = folder / "survival.csv", folder / "size-distribution.csv"
    if not sizes.is_file():
        return
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH_IN, 2.4))
    pooled = (summary.get("pooled") or {}).get("survival")
    if curve.is_file() and pooled:
        _survival(left, read_csv(curve), pooled)
    else:
        left.text(
            0.5, 0.5, "a nucleus from the start in every replica", ha="center",
            transform=left.transAxes,
        )  # fmt: skip
    left.set(xlabel="time (ps)", ylabel="share of replicas\nwithout a nucleus", ylim=(0, 1.04))
    left.set_xlim(0, max(r["trusted_ps"] for r in summary["replicas"]) or 1)
    _stacked(right, {name: numbers(v) for name, v in read_csv(sizes).items()})
    for ax, letter in zip((left, right), "ab", strict=True):
        panel(ax, letter)
    grid(left)
    book.add(
        "nucleation_statistics",
        fig,
        caption="(a) Kaplan–Meier estimate of the share of replicas in which no nucleus that lasts "
        "to the end has formed yet, with its 95 % confidence band; replicas packed with one are "
        "left out; in the legend, the 95 % interval of the rate. (b) Share of the metal atoms in "
        "aggregates of each size, mean over replicas.",
        alt="Survival curve with a band, and stacked shares of metals by size of aggregate.",
        data=[curve, sizes],
    )


def _survival(ax: Any, table: dict[str, list[str]], pooled: list[dict[str, Any]]) -> None:
    colours = (VERMILLION, *(c for c in SERIES if c != VERMILLION))
    for k, of in enumerate(pooled):
        colour = colours[k % len(colours)]
        own = [i for i, name in enumerate(table["condition"]) if name == of["condition"]]
        t, share, low, high = (
            numbers([table[column][i] for i in own])
            for column in ("time_ps", "share_without_nucleus", "low_95", "high_95")
        )
        ax.fill_between(t, low, high, step="post", color=colour, alpha=0.15, lw=0)
        rate = f"{of['rate_low_ns']:.3g} to {of['rate_high_ns']:.3g} per ns"
        name = f"{of['condition']}: " if of["condition"] else ""
        label = f"{name}{of['events']} of {of['replicas']} replicas, {rate}"
        ax.step(t, share, where="post", color=colour, label=label)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0))


def _stacked(ax: Any, table: dict[str, Any]) -> None:
    t = table.pop("time_ps")
    groups = {"1": (1, 1), "2": (2, 2), "3 to 5": (3, 5), "6": (6, 6), "over 6": (7, 10**9)}
    shares: dict[str, Any] = {}
    for label, (low, high) in groups.items():
        parts = [v for name, v in table.items() if low <= int(name.rpartition("_")[2]) <= high]
        if parts:
            shares[label] = np.nan_to_num(np.sum(parts, axis=0))
    colours = dict(
        zip(groups, ("#e3e6e9", "#b9c0c7", SERIES[5], SERIES[2], SERIES[4]), strict=True)
    )
    ax.stackplot(t, *shares.values(), labels=list(shares), colors=[colours[k] for k in shares])
    ax.set(xlabel="time (ps)", ylabel="share of the metals", ylim=(0, 1), xlim=(t[0], t[-1]))
    ax.legend(title="metals in the aggregate", ncols=5, loc="lower left", bbox_to_anchor=(0, 1.0))


def steps(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """When each nucleus dried, aggregated and reorganised, with 95 % intervals."""
    import matplotlib.pyplot as plt

    rows = [
        (f"{replica['name']}, {nucleus['number']}", nucleus["events"])
        for replica in summary["replicas"]
        for nucleus in replica["nuclei"]
        if any(nucleus["events"].values())
    ][:_MOST_NUCLEI]
    if not rows:
        return
    fig, ax = plt.subplots(figsize=(WIDTH_IN, 0.9 + 0.22 * len(rows)))
    for k, step in enumerate(EVENTS):
        dated = [(y, events[step]) for y, (_, events) in enumerate(rows) if events[step]]
        if not dated:
            continue
        y = np.array([place for place, _ in dated]) + 0.2 * (k - 1)
        time = np.array([event["time"] for _, event in dated])
        low = time - [event["low"] for _, event in dated]
        high = np.array([event["high"] for _, event in dated]) - time
        ax.errorbar(
            time, y, xerr=[low, high], fmt="o", ms=4, lw=1, capsize=2,
            color=STEP_COLOURS[step], label=step,
        )  # fmt: skip
    ax.set(yticks=range(len(rows)), xlabel="time (ps)")
    ax.set_yticklabels([name for name, _ in rows])
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0))
    grid(ax, "x")
    book.add(
        "nucleation_steps",
        fig,
        caption="Steps of nucleation at each nucleus, named by replica and number: when the "
        "solvent left its point (drying), when its metals came together (aggregation), and when "
        "six of them became an octahedron (reorganisation). Bars: 95 % intervals. "
        + _order_in_words(summary),
        alt=f"Times of three steps at {len(rows)} nuclei.",
        data=[folder / "pool.csv"],
    )


def _order_in_words(summary: dict[str, Any]) -> str:
    said = []
    for order in (summary.get("pooled") or {}).get("order") or []:
        if order["nuclei"] and order["p_order"] is not None:
            said.append(
                f"{order['first'].capitalize()} before {order['second']} in {order['before']} of "
                f"{order['nuclei']} (sign test p = {order['p_order']:.2g})."
            )
    return " ".join(said)


def movie(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Show the replica in which most grew."""
    shown = [r for r in summary["replicas"] if (folder / r["name"] / MOVIE).is_file()]
    if not shown:
        return
    best = max(shown, key=lambda r: r["largest"])
    book.add_movie(
        "nucleation_movie",
        folder / best["name"] / MOVIE,
        caption=f"{best['name']} from its first to its last trusted frame, seen along z: metals "
        "(large; grey outside aggregates, one colour for each aggregate of three or more for as "
        "long as it exists), S and N (small); solvent is not drawn.",
        alt=f"Animated picture of {best['name']}.",
    )
