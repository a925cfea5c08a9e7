"""Figure of the learning curves: errors against training steps, all trainings one after another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.reporting.learning_figures import round_label
from nucleops.reporting.style import BLUE, FAINT, GREEN, WIDTH_IN, Book, grid, panel, plain_log

_WINDOW = 9
"""Rows of a learning curve that are averaged: each is of a few frames only."""
_PANELS = (
    ("energy", "eV_atom", "energy RMSE (meV/atom)"),
    ("force", "eV_A", "force RMSE (meV/Å)"),
)

Curve = dict[str, NDArray[np.float64]]


def curves(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Errors of energy and force on trained-on and on held-out batches, against training steps."""
    import matplotlib.pyplot as plt

    names = [row["name"] for row in summary["rounds"]]
    trainings = [(round_label(name, k), _read(folder, name)) for k, name in enumerate(names)]
    trainings = [
        (label, own) for label, own in [*trainings, ("production", _read(folder, "final"))] if own
    ]
    if not trainings:
        return
    fig, both = plt.subplots(1, 2, figsize=(WIDTH_IN, 2.5))
    for axes, letter, (what, unit, label) in zip(both, "ab", _PANELS, strict=True):
        _draw(axes, trainings, f"{what}_rmse", unit)
        axes.set(xlabel="training steps (1000)", ylabel=label)
        if axes.lines:
            axes.set_yscale("log")
            plain_log(axes.yaxis)
        axes.margins(x=0.02)
        grid(axes)
        panel(axes, letter)
    both[1].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    book.add(
        "learning_curves",
        fig,
        caption="Learning curves, the trainings of all rounds one after another and the production "
        "training last (green), one line for each model: error on held-out frames (solid) and on "
        f"the batches trained on (dotted), averaged over {_WINDOW} rows of a few frames each. "
        "Where solid stays far above dotted, the net has learnt its data by heart.",
        alt=f"Errors of energies and forces against training steps in {len(trainings)} trainings.",
        data=sorted(folder.glob("learning_curve_*.csv")),
    )


def _read(folder: Path, name: str) -> list[Curve]:
    paths = sorted(folder.glob(f"learning_curve_{name}_*.csv"))
    return [{key: numbers(column) for key, column in read_csv(path).items()} for path in paths]


def _draw(axes: Any, trainings: list[tuple[str, list[Curve]]], what: str, unit: str) -> None:
    start = 0.0
    for number, (label, members) in enumerate(trainings):
        colour = GREEN if label == "production" else BLUE
        last = trainings[-1][0] == label
        for k, curve in enumerate(members):
            for kind, look in (("held_out", "-"), ("training", ":")):
                values = curve.get(f"{what}_{kind}_{unit}")
                if values is None or not np.isfinite(values).any():
                    continue
                name = kind.replace("_", " ") if last and k == 0 else None
                steps = (start + curve["step"]) / 1000
                axes.plot(steps, _smooth(1000 * values), look, color=colour, lw=0.9, label=name)
        start += max(float(curve["step"].max(initial=0)) for curve in members)
        if number < len(trainings) - 1:
            axes.axvline(start / 1000, color=FAINT, lw=0.7, dashes=(2, 2))


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square over neighbouring rows, fewer at the ends."""
    half = _WINDOW // 2
    windows = [values[max(0, k - half) : k + half + 1] for k in range(len(values))]
    return np.array(
        [np.sqrt(np.nanmean(w**2)) if np.isfinite(w).any() else np.nan for w in windows]
    )
