"""Structures of states as extended XYZ, and tables of what their frames show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.settings import PATH
from nucleops.analysis.stages.files import whole_system
from nucleops.analysis.states.analyse import BASIN, JOINED, States
from nucleops.analysis.states.bridges import MODE_WORDS, MODES
from nucleops.analysis.states.observe import Picked
from nucleops.analysis.tables import write_table
from nucleops.systems.files import write_frames
from nucleops.systems.system import System

FOLDER = "states"


def write_states(states: States, time_unit: str, folder: Path) -> list[dict[str, Any]]:
    """Write what is known of the states.

    ``states/<state>.extxyz`` has the frames nearest to each basin's minimum, the nearest first, and
    ``states/joined-<mode>.extxyz`` the most probable ones of each way of being joined;
    ``states/path.extxyz`` goes along the path. Each frame's comment has its variables, time and
    weight; ``states/states.csv`` lists them. ``state_distances`` has the means of each state,
    ``state_series`` what each frame shows.

    Parameters
    ----------
    states : States
        What was found.
    time_unit : str
        Unit of the series' times, for column names.
    folder : Path
        Where.

    Returns
    -------
    list of dict
        One for each file of structures: name, by what it is one (``basin``, ``joined``, ``path``),
        file, frames, and where its first is from.
    """
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    rows: list[dict[str, Any]] = []
    written = []
    for name, frames in _files(states):
        file = place / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}.extxyz"
        accounts = [_account(states, name, k, one, time_unit) for k, one in enumerate(frames)]
        write_frames(zip(_systems(states, frames), accounts, strict=True), file)
        rows += accounts
        mode = name.removeprefix(f"{JOINED}-")
        by = BASIN if name in states.basins else JOINED if mode in MODE_WORDS else PATH
        first = {
            "name": name,
            "by": by,
            "meaning": MODE_WORDS.get(mode, "") if by == JOINED else "",
        }
        first |= accounts[0] | {"frames": len(frames)}
        written.append(first | {"file": f"{FOLDER}/{file.name}"})
    if rows:
        columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
        write_table(place, "states", columns)
    write_table(folder, "state_series", _series(states, time_unit))
    write_table(folder, "state_distances", _means(states))
    return written


def _files(states: States) -> Iterator[tuple[str, list[Picked]]]:
    picked = states.observed.picked
    path = [picked[name][0] for name in states.on_path if name in picked]
    yield from ((name, own) for name, own in picked.items() if name not in states.on_path)
    if path:
        yield PATH, path


def _systems(states: States, frames: Iterable[Picked]) -> Iterator[System]:
    for one in frames:
        system = states.watch.system.with_positions(one.positions)
        yield whole_system(replace(system, cell=one.cell))


def _account(states: States, name: str, k: int, one: Picked, time_unit: str) -> dict[str, Any]:
    series = states.series
    return {
        "state": name,
        "place": k,
        "walker": one.walker,
        "frame": one.number,
        f"time_{time_unit}": float(series.times[one.row]),
        **dict(zip(states.variables, series.values[one.row].tolist(), strict=True)),
        "weight": float(series.weights[one.row]),
        "away": one.away,
    }


def _series(states: States, time_unit: str) -> dict[str, Any]:
    seen, series = states.observed, states.series
    columns: dict[str, Any] = {
        "walker": series.walker[seen.rows],
        f"time_{time_unit}": series.times[seen.rows],
    }
    columns |= dict(zip(states.variables, series.values[seen.rows].T, strict=True))
    columns["basin"] = np.array([*states.basins, ""])[series.basin[seen.rows]]
    columns["weight"] = series.weights[seen.rows]
    if seen.mode is not None and seen.bridges is not None:
        columns["joined"] = np.array(MODES)[seen.mode]
        columns["bridging_molecules"] = seen.bridges
    for name, column in zip(seen.names, seen.distances.T, strict=True):
        columns[f"{name}_A"] = column
    return columns


def _means(states: States) -> dict[str, Any]:
    """One row for each state and distance: tidy."""
    columns: dict[str, list[Any]] = {
        key: []
        for key in (
            "by", "state", "meaning", "frames", "share", "share_error",
            "distance", "mean_A", "error_A", "spread_A",
        )
    }  # fmt: skip
    for group in states.groups:
        m = group.means
        names = states.observed.names or ("",)
        nothing = np.full(len(names), np.nan)
        shown = (m.mean, m.error, m.spread) if states.observed.names else (nothing,) * 3
        for name, mean, error, spread in zip(names, *shown, strict=True):
            word = MODE_WORDS[group.name] if group.by == JOINED else ""
            row = (group.by, group.name, word, m.frames, m.share, m.share_error)
            for key, value in zip(columns, (*row, name, mean, error, spread), strict=True):
                columns[key].append(value)
    return {key: np.array(values) for key, values in columns.items()}


def states_words(states: States) -> list[str]:
    """Say what the states look like, a line for each."""
    lines = []
    if states.observed.unmatched:
        lines.append(
            f"{states.observed.unmatched} frames are at the time of no row and were left out."
        )
    for group in states.groups:
        m = group.means
        what = (
            f"Joined as {group.name} ({MODE_WORDS[group.name]})"
            if group.by == JOINED
            else f"Basin {group.name}"
        )
        line = f"{what}: {m.frames} frames, {_share(m.share, m.share_error)} of the weight"
        means = zip(states.observed.names, m.mean, m.error, strict=True)
        shown = [
            f"{name} {mean:.2f}" + (f" ± {error:.2f}" if np.isfinite(error) else "")
            for name, mean, error in means
        ]
        lines.append(line + (f"; {', '.join(shown)} A" if shown else ""))
    return lines


def _share(share: float, error: float) -> str:
    return f"{100 * share:.3g}" + (f" ± {100 * error:.2g}" if np.isfinite(error) else "") + "%"


def states_account(states: States, written: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a summary keeps of the states."""
    return {
        "files": written,
        "frames": states.frames_used,
        "unmatched": states.observed.unmatched,
        "distances": states.observed.names,
        "groups": [
            {"by": g.by, "name": g.name, "meaning": MODE_WORDS.get(g.name, "")} | vars(g.means)
            if g.by == JOINED
            else {"by": g.by, "name": g.name} | vars(g.means)
            for g in states.groups
        ],
    }
