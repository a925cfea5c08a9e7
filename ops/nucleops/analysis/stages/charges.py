"""The `charges/` result folder: the trend of atomic charges over the states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.charges import SCHEMES, Change, MeanCharge, changes, mean_charges
from nucleops.analysis.stages.files import SUMMARY, numbers, read_csv, read_json, write_json
from nucleops.analysis.tables import write_table
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.systems.system import METALS

FEW_FRAMES = 5
"""Frames of a state below which its error is hardly known."""
_COLUMNS = ("state", "frame", "atom", "element", "part", "scheme", "charge_e")


def charges_folder(tasks: Sequence[Path], out: Path) -> Path:
    """Pool the charges of all tasks.

    Parameters
    ----------
    tasks : sequence of Path
        Folders of :func:`nucleops.population.task.charge_task`.
    out : Path
        Folder to make: ``charges.csv`` (of every atom), ``by_element.csv``, ``changes.csv``, each
        also as Parquet, and ``summary.json``.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    WrongInput
        No task is left, or their levels of theory differ.
    TruncatedOutput
        A task's folder is incomplete.
    """
    accounts = sorted((_account(task), task) for task in tasks)
    if not accounts:
        raise WrongInput("no task of charges finished")
    said = [read_json(task / "charges.json") for _, task in accounts]
    levels = [account["level_of_theory"] for account in said]
    if any(level != levels[0] for level in levels):
        raise WrongInput("charges of different levels of theory cannot be compared")
    table = _joined([task for _, task in accounts])
    rows = mean_charges(
        table["state"],
        table["frame"],
        table["element"],
        table["part"],
        table["scheme"],
        table["charge_e"],
    )
    moved = changes(rows)
    out.mkdir(parents=True, exist_ok=True)
    write_table(out, "charges", table)
    write_table(out, "by_element", _columns(rows))
    write_table(out, "changes", _columns(moved))
    write_json(
        out / SUMMARY,
        {
            "level_of_theory": levels[0],
            "states": list(dict.fromkeys(r.state for r in rows)),
            "schemes": list(dict.fromkeys(r.scheme for r in rows)),
            "kinds": list(dict.fromkeys((r.part, r.element) for r in rows)),
            "rows": [asdict(r) for r in rows],
            "changes": [asdict(c) for c in moved],
            "dropped": sum(account["n_frames"] - account["n_labelled"] for account in said),
            "verdict": _verdict(rows, moved),
        },
    )
    return out


def _account(task: Path) -> tuple[int, int]:
    try:
        about = read_json(task / "charges.json")
        return int(about["order"]), int(about["first_frame"])
    except (OSError, ValueError, KeyError) as error:
        raise TruncatedOutput(f"{task}: not a folder of charges ({error!r})") from error


def _joined(tasks: Sequence[Path]) -> dict[str, Any]:
    parts = [read_csv(task / "charges.csv") for task in tasks]
    for task, part in zip(tasks, parts, strict=True):
        if set(part) != set(_COLUMNS):
            raise TruncatedOutput(f"{task / 'charges.csv'}: has columns {', '.join(part)}")
    joined: dict[str, Any] = {name: [v for p in parts for v in p[name]] for name in _COLUMNS}
    for name in ("frame", "atom"):
        joined[name] = [int(v) for v in joined[name]]
    joined["charge_e"] = numbers(joined["charge_e"])
    return joined


def _columns(rows: Sequence[MeanCharge] | Sequence[Change]) -> dict[str, Any]:
    made = [asdict(row) for row in rows]
    names = list(made[0]) if made else []
    return {name: np.array([row[name] for row in made]) for name in names}


def _verdict(rows: Sequence[MeanCharge], moved: Sequence[Change]) -> dict[str, Any]:
    fewest = min(r.n_frames for r in rows)
    few = list(dict.fromkeys(r.state for r in rows if r.n_frames < FEW_FRAMES))
    words = [_trend(c) for c in moved if c.part != "solvent" and _spans(c, rows)]
    said = f" {'; '.join(words)}." if words else ""
    if few:
        sentence = (
            f"Fewer than {FEW_FRAMES} frames of {', '.join(few)}: their errors are missing or "
            f"hardly known.{said}"
        )
        return {"enough": False, "sentence": sentence}
    return {"enough": True, "sentence": f"At least {fewest} frames of every state.{said}"}


def _spans(change: Change, rows: Sequence[MeanCharge]) -> bool:
    """Whether a change is the metal's from the first to the last of its states."""
    own = [
        r.state
        for r in rows
        if (r.part, r.element, r.scheme) == (change.part, change.element, change.scheme)
    ]
    return change.element in METALS and (change.first, change.last) == (own[0], own[-1])


def _trend(c: Change) -> str:
    how = "rises" if c.change_e > 0 else "falls"
    error = f" ± {c.error_e:.3f}" if np.isfinite(c.error_e) else ""
    scheme = SCHEMES.get(c.scheme, c.scheme)
    return (
        f"{scheme} charge of {c.element} {how} by {abs(c.change_e):.3f}{error} e from "
        f"{c.first} to {c.last}"
    )
