"""Figures of structure: densities of distances and angles beside crystal ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.reporting.settings import ReportSettings
from nucleops.reporting.style import (
    BLUE,
    FAINT,
    GREY,
    MOST_POINTS,
    SERIES,
    VERMILLION,
    WIDTH_IN,
    Book,
    grid,
    panel,
)

_REFERENCES = ((VERMILLION, "//"), (GREY, "\\\\"), ("#009E73", ".."))


def densities(book: Book, folder: Path, summary: dict[str, Any], settings: ReportSettings) -> None:
    """Distances in the upper row, angles in the lower."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    rows = [_read(folder / "distances.csv", "A"), _read(folder / "angles.csv", "degree")]
    rows = [row for row in rows if row]
    if not rows:
        return
    fig = plt.figure(figsize=(WIDTH_IN, 2.0 * len(rows) + 0.3))
    figs = fig.subfigures(len(rows), 1, squeeze=False)[:, 0]
    letters = iter("abcdefghijkl")
    labels: dict[str, tuple[str, str]] = {}
    for sub, row in zip(figs, rows, strict=True):
        axes = sub.subplots(1, len(row), squeeze=False)[0]
        for ax, (kind, curve) in zip(axes, row.items(), strict=True):
            ranges = settings.crystal_ranges.get(kind, ())
            for reference in ranges:
                look = _REFERENCES[len(labels) % 3]
                labels.setdefault(reference.label, look)
            _one(ax, kind, curve, summary, ranges, labels)
            panel(ax, next(letters), kind)
        axes[0].set_ylabel("probability density")
    if labels:
        handles = [
            Patch(fc="none", ec=c, hatch=h, lw=0.6, label=text) for text, (c, h) in labels.items()
        ]
        fig.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    crystal = "; hatched: the study's references, a line where it is one value" if labels else ""
    book.add(
        "structure_densities",
        fig,
        caption="Kernel density estimates of bonded distances (Å) and angles (degrees) of the "
        f"cluster; band: standard error over blocks of the run; numbers: maxima{crystal}. Bonded "
        "pairs are chosen in the first structure and followed.",
        alt="Densities of distances and angles: " + _spoken(summary),
        data=[folder / "distances.csv", folder / "angles.csv"],
    )


def series(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Mean bonded distances and angles through time."""
    import matplotlib.pyplot as plt

    table = {name: numbers(column) for name, column in read_csv(folder / "series.csv").items()}
    t = table.pop("time_ps")
    # the mean angle of a triangle is 60 degrees, whatever its shape
    table = {
        kind: v
        for kind, v in table.items()
        if len(set(kind.split("_")[0].split("-"))) > 1 or kind.count("-") == 1
    }
    units = {"A": "mean distance (Å)", "degree": "mean angle (°)"}
    groups = {unit: {k: v for k, v in table.items() if k.endswith(f"_{unit}")} for unit in units}
    groups = {unit: group for unit, group in groups.items() if group}
    if len(t) < 2 or not groups:
        return
    fig, axes = plt.subplots(1, len(groups), figsize=(WIDTH_IN, 2.2), squeeze=False)
    step = max(1, len(t) // MOST_POINTS)
    for ax, letter, (unit, group) in zip(axes[0], "ab", groups.items(), strict=False):
        for (kind, values), colour in zip(group.items(), SERIES, strict=False):
            label = kind.removesuffix(f"_{unit}")
            ax.plot(t[::step], values[::step], lw=0.8, color=colour, label=label)
        ax.set(xlabel="time (ps)", ylabel=units[unit], xlim=(0, t[-1]))
        ax.legend(loc="lower left", bbox_to_anchor=(0.06, 1.0), ncols=4, columnspacing=1)
        grid(ax)
        panel(ax, letter)
    book.add(
        "structure_series",
        fig,
        caption="Distances and angles of the bonds of the first structure through the trusted "
        "part of the run, each averaged over all bonds of its kind: a cluster that keeps its shape "
        "fluctuates about a level.",
        alt="Mean distances and angles against time.",
        data=[folder / "series.csv"],
    )


def _read(path: Path, unit: str) -> dict[str, tuple[Any, Any, Any]]:
    table = read_csv(path)
    kinds = np.array(
        [k if not role else "" for k, role in zip(table["kind"], table["role"], strict=True)]
    )
    x, y, e = (
        numbers(table.get(name, []))
        for name in (f"x_{unit}", f"density_per_{unit}", f"error_per_{unit}")
    )
    names = [k for k in dict.fromkeys(kinds.tolist()) if k]
    return {k: (x[kinds == k], y[kinds == k], e[kinds == k]) for k in names}


def _one(
    ax: Any,
    kind: str,
    curve: tuple[Any, Any, Any],
    summary: dict[str, Any],
    ranges: Any,
    labels: dict[str, tuple[str, str]],
) -> None:
    x, y, e = curve
    for reference in ranges:
        colour, hatch = labels[reference.label]
        span = {"fc": "none", "ec": colour, "hatch": hatch, "lw": 0.6, "alpha": 0.8}
        # below the numbers at the maxima
        ax.axvspan(reference.low, reference.high, ymax=0.8, **span)
    if np.any(np.isfinite(e)):
        ax.fill_between(x, np.maximum(y - e, 0), y + e, color=BLUE, alpha=0.25, lw=0)
    ax.plot(x, y, color=BLUE)
    account = summary["kinds"][kind]
    digits = 2 if account["unit"] == "A" else 0
    for m in account["maxima"][:3]:
        ax.annotate(
            f"{m['position']:.{digits}f}",
            (m["position"], m["density"]),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
            fontweight="bold",
        )
    ax.set_ylim(0, 1.22 * float(y.max()))
    ax.set_yticks([])
    ax.spines["left"].set_color(FAINT)
    ax.set_xlabel("distance (Å)" if account["unit"] == "A" else "angle (°)")


def _spoken(summary: dict[str, Any]) -> str:
    parts = []
    for kind, account in summary["kinds"].items():
        if account["maxima"]:
            unit = "angstrom" if account["unit"] == "A" else "degrees"
            parts.append(f"{kind} at {account['maxima'][0]['position']:.2f} {unit}")
    return ", ".join(parts)
