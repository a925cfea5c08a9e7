"""Errors of the production potential on held-out frames: overall, by element, by composition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.learning import ERRORS, final_errors
from nucleops.analysis.stages.files import write_csv


def accuracy(tests: Sequence[Mapping[str, Any]], out: Path) -> dict[str, Any] | None:
    """Summarise the tests of the production models and write ``errors.csv``.

    Parameters
    ----------
    tests : sequence of mapping
        One ``test.json`` for each model.
    out : Path
        The `learning/` folder.

    Returns
    -------
    dict or None
        :func:`nucleops.analysis.learning.final_errors`, ``n_train_frames``, ``n_held_out``, and
        ``held_out``: a sentence about which frames those are. None without a test.
    """
    if not tests:
        return None
    final = final_errors(tests)
    final |= {key: tests[0].get(key) for key in ("n_train_frames", "n_held_out")}
    final["held_out"] = held_out_sentence(tests[0].get("split") or {})
    _errors_csv(final, out / "errors.csv")
    return final


def held_out_sentence(split: Mapping[str, Any]) -> str:
    """Say which frames were held out, from the ``split`` of a ``test.json``; empty if unknown."""
    if not split:
        return ""
    parts = []
    whole = split["held_out_trajectories"]
    if whole:
        parts.append(
            f"{len(whole)} of {split['trajectories']} trajectories as a whole ({', '.join(whole)})"
        )
    ends = [f"the last {n} frames of {name}" for name, n in split["held_out_ends"].items()]
    if ends:
        parts.append(" and ".join(ends) + ", the only trajectory of its round")
    if split["split_by_frame"]:
        names = ", ".join(split["split_by_frame"])
        parts.append(
            f"single frames spread over {names}, of which nothing says from which trajectories "
            "they are, so that the errors are too small"
        )
    return f"Held out are {'; '.join(parts)}." if parts else "Nothing is held out."


def _errors_csv(final: Mapping[str, Any], path: Path) -> None:
    rows: list[tuple[str, Any, Mapping[str, Any]]] = [("all", final["n_held_out"], final)]
    for element in final["per_element_force_rmse_meV_A"]:
        own = {
            key: final[f"per_element_{key}"].get(element, [])
            for key in ("force_rmse_meV_A", "force_mae_meV_A")
        }
        rows.append((element, "", own))
    rows += [(name, own["n_frames"], own) for name, own in final["per_composition"].items()]
    columns: dict[str, list[Any]] = {
        "of": [name for name, _, _ in rows],
        "n_frames": [n for _, n, _ in rows],
    }
    for key in ERRORS:
        columns[f"mean_{key}"] = [_mean(own.get(key) or []) for _, _, own in rows]
    write_csv(path, columns)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
