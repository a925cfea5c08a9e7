"""Figures of metadynamics: the minimum free-energy path, and what the states look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.reporting.path_figures import PathPlot, path_figure
from nucleops.reporting.state_figures import states_figure
from nucleops.reporting.style import Book


def path(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Surface with the path, profile along it, and the order in which the variables change."""
    if not summary.get("path"):
        return
    plot = _plot(folder, summary)
    parts = ["(a) Reweighted free energy with the path and the states' minima."] * (
        len(plot.variables) == 2
    )
    letters = iter("abc"[len(parts) :])
    parts.append(
        f"({next(letters)}) Free energy along the path, with the standard error over "
        f"{summary['path']['replicates']} bootstrap surfaces (band); the cross is the pass."
    )
    if len(plot.variables) == 2:
        parts.append(
            f"({next(letters)}) Share of its change that each variable has made: along the dashed "
            "line both change together, along the edges one before the other."
        )
    elif len(plot.variables) > 2:
        parts.append(f"({next(letters)}) Share of its change that each variable has made.")
    book.add(
        "metad_path",
        path_figure(plot),
        caption=" ".join(parts + list(plot.orders)),
        alt="Minimum free-energy path on the surface, its profile, and the order of the changes.",
        data=[folder / "path.csv", folder / "path_order.csv"],
    )


def _plot(folder: Path, summary: dict[str, Any]) -> PathPlot:
    variables = tuple(summary["cvs"])
    table = {k: numbers(v) for k, v in read_csv(folder / "path.csv").items()}
    with np.load(folder / "fes.npz", allow_pickle=False) as file:
        axes = tuple(file[f"reweighted_axis_{d}"] for d in range(len(variables)))
        surface = file["reweighted_kcal_mol"]
    account = summary["path"]
    marks = {
        state["name"]: [state["minimum"][name] for name in variables]
        for state in summary["states"]
        if state["minimum"] is not None
    }
    return PathPlot(
        variables=variables,
        unit="kcal/mol",
        values=np.stack([table[name] for name in variables], axis=1),
        along=table["along"],
        profile=table["free_energy_kcal_mol"],
        error=table["error_kcal_mol"],
        progress=np.stack([table[f"progress_{name}"] for name in variables], axis=1),
        top=int(np.argmax(table["pass"])),
        ends=(account["from"], account["to"]),
        orders=tuple(one["sentence"] for one in account["orders"]),
        axes=axes,
        surface=surface,
        marks=marks,
    )


def states(book: Book, folder: Path, summary: dict[str, Any]) -> None:
    """Mean distances in each state."""
    account = summary.get("structure")
    figure = None if not account else states_figure(account)
    if figure is None:
        return
    book.add(
        "metad_states",
        figure,
        caption="Mean distances in each state, weighted as the rows of the series are; error bars: "
        "standard errors, pale bars: standard deviation of the distance itself.",
        alt="Mean distances between the halves of the dimer, state by state.",
        data=[folder / "state_distances.csv"],
    )
