"""What the rounds explored, as files of the `learning/` folder, and what to conclude from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.learning import least_accurate
from nucleops.analysis.stages.files import read_json, write_csv
from nucleops.learning.tally import EXPLORED_FILE, TALLIES


def explored_files(rounds: Sequence[Path], out: Path) -> dict[str, dict[str, Any]]:
    """Write deviations of explored frames, by round and along biased variables.

    Parameters
    ----------
    rounds : sequence of Path
        Folders of the rounds, in order; those without ``explored.json`` are passed over.
    out : Path
        The `learning/` folder: ``deviation_<round>.csv`` with the columns ``max_force_eV_A`` and
        ``exploration``; ``deviation_along_<exploration>.csv`` with ``round``, ``max_force_eV_A``
        and a column for each variable.

    Returns
    -------
    dict
        Biased exploration to ``file`` and ``cvs``, the names of its variables.
    """
    along: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for number, folder in enumerate(rounds):
        if not (folder / EXPLORED_FILE).is_file():
            continue
        record: dict[str, dict[str, Any]] = read_json(folder / EXPLORED_FILE)
        rows = [(value, label) for label, own in record.items() for value in own["max_force_eV_A"]]
        columns = {
            "max_force_eV_A": [value for value, _ in rows],
            "exploration": [label for _, label in rows],
        }
        write_csv(out / f"deviation_{folder.name}.csv", columns)
        for label, own in record.items():
            if own["cvs"]:
                along.setdefault(label, []).append((number, own))
    return {label: _along(label, parts, out) for label, parts in along.items()}


def _along(label: str, parts: Sequence[tuple[int, dict[str, Any]]], out: Path) -> dict[str, Any]:
    names = list(parts[0][1]["cvs"])
    path = out / f"deviation_along_{re.sub(r'[^a-z0-9]+', '-', label.lower()).strip('-')}.csv"
    columns: dict[str, Any] = {
        "round": np.repeat([n for n, _ in parts], [len(own["max_force_eV_A"]) for _, own in parts]),
        "max_force_eV_A": np.concatenate([own["max_force_eV_A"] for _, own in parts]),
    }
    columns |= {name: np.concatenate([own["cvs"][name] for _, own in parts]) for name in names}
    write_csv(path, columns)
    return {"file": path.name, "cvs": names}


def explorations_csv(rows: Sequence[Mapping[str, Any]], out: Path) -> None:
    """Write ``explorations.csv``: what each exploration of each round found."""
    table = [
        (row["name"], label, own) for row in rows for label, own in row["explorations"].items()
    ]
    columns: dict[str, list[Any]] = {
        "round": [name for name, _, _ in table],
        "exploration": [label for _, label, _ in table],
    }
    columns |= {name: [own[name] for _, _, own in table] for name in ("system", *TALLIES)}
    write_csv(out / "explorations.csv", columns)


def verdict(
    rows: Sequence[dict[str, Any]], final: Mapping[str, Any] | None, selection: Mapping[str, Any]
) -> dict[str, Any]:
    """Say whether learning converged, and what it would take where it did not.

    Parameters
    ----------
    rows : sequence of dict
        Of :func:`nucleops.analysis.learning.round_row`, judged.
    final : mapping or None
        Errors of the production models.
    selection : mapping
        :class:`nucleops.learning.settings.Selection` as plain data; may be empty.

    Returns
    -------
    dict
        ``converged``, ``sentence``, and ``missing``: sentences.
    """
    if not rows:
        return {"converged": False, "sentence": "No round of learning was recorded."}
    last = rows[-1]
    converged = bool(last.get("converged")) and not last.get("stalled")
    n = len(rows)
    share = last.get("accurate")
    text = f"{n} round{'s' if n > 1 else ''} of learning; "
    if share is not None:
        text += f"{100 * share:.0f}% of the last round's frames were accurate"
    text += ": the loop converged." if converged else ": the loop had not converged when it ended."
    if final is None:
        text += " No production model was tested."
    missing = [] if converged else _missing(last, selection)
    return {"converged": converged, "sentence": text, "missing": missing}


def _missing(last: Mapping[str, Any], selection: Mapping[str, Any]) -> list[str]:
    if last["advice"]:
        return [str(last["advice"])]
    target = selection.get("converged_accurate")
    if target is None:
        return []
    wanted = f"{target:.0%} of the frames accurate (learn.selection.converged_accurate)"
    if selection.get("adaptive"):
        wanted = (
            f"a low trust level that has settled ({last['low_eV_A']:.3g} eV/A in the last round) "
            f"and at most {1 - target:.0%} of the frames failed"
        )
    worst = least_accurate(last)
    where = "" if worst is None else f" The least accurate was {worst[0]}, with {worst[1]:.0%}."
    return [f"{wanted}. Raise learn.max_rounds to go on towards that.{where}"]
