"""Figure of the model deviation of explored frames, round by round."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.reporting.learning_figures import round_label
from nucleops.reporting.style import SERIES, VERMILLION, WIDTH_IN, Book, grid, plain_log


def deviation(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Distribution of the largest force deviation in each round."""
    import matplotlib.pyplot as plt

    rows = summary["rounds"]
    series = []
    for k, row in enumerate(rows):
        path = folder / f"deviation_{row['name']}.csv"
        if path.is_file():
            column = read_csv(path)["max_force_eV_A"]
            series.append((round_label(row["name"], k), np.sort(numbers(column)), path))
    shares = [(k, r["max_deviation"]) for k, r in enumerate(rows) if r.get("max_deviation")]
    if not series and not shares:
        return
    fig, axes = plt.subplots(figsize=(WIDTH_IN, 2.3))
    text = _distributions(axes, series) if series else _percentiles(axes, rows, shares)
    axes.margins(y=0.15)
    levels = dict(summary.get("selection") or {})
    if levels.get("adaptive") and rows:
        levels["force_deviation_low_eV_A"] = rows[-1].get("low_eV_A")
    line = axes.axvline if series else axes.axhline
    for name in ("low", "high"):
        value = levels.get(f"force_deviation_{name}_eV_A")
        if value:
            line(value, color=VERMILLION, lw=0.8, dashes=(4, 2))
            _name_level(axes, f"{name} trust level", value, upright=bool(series))
    plain_log(axes.xaxis if series else axes.yaxis)
    grid(axes, "both")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    book.add(
        "learning_deviation",
        fig,
        caption=text + " The deviation is that of the committee's forces on the same frame; frames "
        "between the trust levels (dashed) are labelled.",
        alt="Model deviation of explored frames for each round.",
        data=[path for _, _, path in series] or [folder / "rounds.csv"],
    )


def _distributions(axes: Any, series: list[tuple[str, Any, Path]]) -> str:
    import matplotlib.pyplot as plt

    colours = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(series)))
    for (label, values, _), colour in zip(series, colours, strict=True):
        rank = 100 * (np.arange(len(values)) + 1) / len(values)
        axes.step(values, rank, where="post", color=colour, label=f"round {label}")
    axes.set(xscale="log", xlabel="largest force deviation in a frame (eV/Å)")
    axes.set(ylabel="frames below (%)", ylim=(0, 101))
    return "Share of explored frames whose largest force deviation is below the abscissa."


def _percentiles(axes: Any, rows: list[dict[str, Any]], shares: list[tuple[int, Any]]) -> str:
    x = np.arange(len(shares))
    for (p, marker), colour in zip((("50", "o"), ("90", "s"), ("99", "^")), SERIES, strict=False):
        levels = [d.get(p, np.nan) for _, d in shares]
        label = f"{p}% of the frames below"
        axes.plot(x, levels, marker=marker, color=colour, label=label, ms=4)
    axes.set(xlabel="round", ylabel="largest force\ndeviation (eV/Å)", xticks=x, yscale="log")
    axes.set_xlim(-0.5, len(shares) - 0.5)
    axes.set_xticklabels([round_label(rows[k]["name"], k) for k, _ in shares])
    return "Percentiles of the largest force deviation of explored frames, by round."


def _name_level(axes: Any, text: str, value: float, *, upright: bool) -> None:
    """Write a trust level's name along its line."""
    style = {"color": VERMILLION, "fontsize": 7}
    if upright:
        transform = axes.get_xaxis_transform()
        axes.text(value, 0.03, f"{text} ", rotation=90, ha="right", transform=transform, **style)
    else:
        axes.text(0.01, value, text, va="bottom", transform=axes.get_yaxis_transform(), **style)
