"""Figure of mean distances state by state, as the article's 3d."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.states.foreign import Found
from nucleops.reporting.path_figures import path_figure, plot_of_result
from nucleops.reporting.style import SERIES, WIDTH_IN, grid, look, panel, save_figures

TITLES = {"basin": "basins", "joined": "how the halves are joined"}
_MARKERS = "osD^vP"


def states_figure(account: Mapping[str, Any]) -> Any:
    """Draw the mean of every distance in each state, with its error and the spread of the values.

    Parameters
    ----------
    account : mapping
        What a summary keeps of the states (:func:`nucleops.analysis.states.write.states_account`).

    Returns
    -------
    Figure or None
        None where no distance was followed.
    """
    import matplotlib.pyplot as plt

    names = list(account["distances"])
    kinds = [by for by in TITLES if any(g["by"] == by for g in account["groups"])]
    if not names or not kinds:
        return None
    groups = {by: [g for g in account["groups"] if g["by"] == by] for by in kinds}
    figure, axes = plt.subplots(
        1, len(kinds), figsize=(WIDTH_IN if len(kinds) > 1 else 0.6 * WIDTH_IN, 2.6),
        sharey=True, squeeze=False, width_ratios=[max(2, len(own)) for own in groups.values()],
    )  # fmt: skip
    for k, by in enumerate(kinds):
        _points(axes[0, k], groups[by], names)
        axes[0, k].set_xlabel(TITLES[by])
        panel(axes[0, k], "ab"[k])
        grid(axes[0, k])
    axes[0, 0].set_ylabel("distance (Å)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(names))
    return figure


def draw_states(found: Found, unit: str, folder: Path) -> list[Path]:
    """Draw the states and the path of somebody's run, each figure as SVG and PNG."""
    with look():
        path = plot_of_result(found.result, unit)
        figures = {
            "states": states_figure(found.account),
            "path": None if path is None else path_figure(path),
        }
        return save_figures(figures, folder)


def _points(axes: Any, groups: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    x = np.arange(len(groups), dtype=np.float64)
    for j, name in enumerate(names):
        at = x + 0.09 * (j - (len(names) - 1) / 2)
        mean, error, spread = (
            np.array([g[key][j] for g in groups], dtype=np.float64)
            for key in ("mean", "error", "spread")
        )
        colour = SERIES[j % len(SERIES)]
        axes.vlines(at, mean - spread, mean + spread, color=colour, lw=4, alpha=0.2)
        axes.plot(at, mean, color=colour, lw=0.6, alpha=0.6)
        axes.errorbar(
            at, mean, np.nan_to_num(error), fmt=_MARKERS[j % len(_MARKERS)], ms=4, color=colour,
            elinewidth=1.0, capsize=2.0, label=name,
        )  # fmt: skip
    axes.set_xticks(x, [str(g["name"]) for g in groups])
    axes.set_xlim(-0.5, len(groups) - 0.5)
