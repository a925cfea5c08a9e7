"""Figure of why each run is trusted as long as it is: model deviation and temperature."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.grid import FloatArray
from nucleops.analysis.stages.files import numbers, read_csv, read_json
from nucleops.reporting.sections import STAGES, TITLES, Results
from nucleops.reporting.style import (
    BLUE,
    GREEN,
    INK,
    MOST_POINTS,
    ORANGE,
    WIDTH_IN,
    Book,
    grid,
    panel,
    plain_log,
)

_COLOURS = {"metad": BLUE, "unbiased": GREEN, "nucleate": ORANGE}
_LATER: dict[str, Any] = {"lw": 0.7, "alpha": 0.6, "dashes": (1.5, 1.5)}


def runs(book: Book, results: Results, study: Mapping[str, Any]) -> None:
    """Largest force deviation and temperature of every run, trusted or not."""
    import matplotlib.pyplot as plt

    found = [
        (r.stage, r.folder / run["name"])
        for stage in STAGES[1:]
        for r in results[stage]
        for run in r.summary.get("runs") or []
        if (r.folder / run["name"] / "md.json").is_file()
    ]
    if not found:
        return
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH_IN, 2.3))
    hottest = 0.0
    for stage, folder in found:
        meta = read_json(folder / "md.json")
        label = TITLES[stage] if TITLES[stage] not in left.get_legend_handles_labels()[1] else None
        _draw(left, *_deviation(folder, meta), meta, _COLOURS[stage], label)
        thermo = read_csv(folder / "thermo.csv")
        time, value = numbers(thermo["time_ps"]), numbers(thermo["temperature_K"])
        _draw(right, time, value, meta, _COLOURS[stage], None)
        hottest = max(hottest, float(meta["temperature_K"]))
    trust = study.get("trust") or {}
    if trust.get("force_deviation_eV_A"):
        left.axhline(trust["force_deviation_eV_A"], color=INK, lw=0.7, dashes=(4, 2))
    left.set(xlabel="time (ps)", ylabel="largest force\ndeviation (eV/Å)", yscale="log")
    right.set(xlabel="time (ps)", ylabel="temperature (K)")
    # beside a run that exploded the others would be a line at the bottom
    right.set_ylim(0, min(right.get_ylim()[1], 4.0 * hottest))
    left.legend(loc="lower left", bbox_to_anchor=(0.06, 1.0), ncols=3, columnspacing=1)
    plain_log(left.yaxis)
    for axes, letter in ((left, "a"), (right, "b")):
        axes.set_xlim(left=0)
        grid(axes)
        panel(axes, letter)
    line = " (dashed: the largest that is trusted)" if trust.get("force_deviation_eV_A") else ""
    book.add(
        "trust",
        fig,
        caption="Every run of the report. (a) Largest deviation of the committee's forces on any "
        f"atom{line}. (b) Temperature. Solid: the part that counts; dotted, from the cross on: "
        "what came after trust ended. Bonds and energies are judged too, and may have ended a run "
        "before either shows it.",
        alt=f"Model deviation and temperature of {len(found)} runs against time.",
    )


def _deviation(folder: Path, meta: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
    from nucleops.engines.lammps.readers import read_model_deviation

    table = read_model_deviation(folder / "model_devi.out")
    time_ps = np.asarray(table.steps * meta["time_step_fs"] * 1e-3, dtype=np.float64)
    return time_ps, table.max_force_eV_A


def _draw(
    axes: Any,
    time_ps: FloatArray,
    values: FloatArray,
    meta: Mapping[str, Any],
    colour: str,
    label: str | None,
) -> None:
    end = (meta["trusted_steps"] + 0.5) * meta["time_step_fs"] * 1e-3
    step = max(1, len(time_ps) // MOST_POINTS)
    n = int((time_ps <= end).sum())
    axes.plot(time_ps[:n:step], values[:n:step], color=colour, label=label, lw=0.7)
    if 0 < n < len(time_ps):
        axes.plot(time_ps[n - 1 :: step], values[n - 1 :: step], color=colour, **_LATER)
        axes.plot(time_ps[n - 1], values[n - 1], "x", ms=4, color=colour)
