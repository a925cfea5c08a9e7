"""A replica's analysis as tables and accounts, for files and for the pool."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from nucleops.analysis.grid import FloatArray
from nucleops.analysis.nuclei.changepoints import ChangePoint
from nucleops.analysis.nuclei.naming import KINDS
from nucleops.analysis.nuclei.replica import SMALLEST, Replica
from nucleops.analysis.nuclei.story import Story

NUCLEI = KINDS[-2:]
"""Kinds of aggregates that count as nuclei."""
_ELEMENT = {"metal": None, "sulfur": "S", "nitrogen": "N"}
_COLUMNS = {
    "metal_around": "metal_around_point",
    "solvent_around": "solvent_O_around_point",
    "sulfur_per_metal": "S_per_metal",
    "shape_measure": "shape_measure",
}


def series_table(replica: Replica) -> dict[str, Any]:
    """Columns over the frames: coordination, sizes, and what happens about each nucleus.

    Those of a nucleus end with its number, 1 for the largest.
    """
    metal = replica.last.metal
    table: dict[str, Any] = {"time_ps": replica.times_ps}
    for name, values in replica.coordination.items():
        table[f"coordination_{metal}-{_ELEMENT[name] or metal}"] = values
    sizes = np.arange(replica.sizes.shape[1])
    table["n_aggregates"] = replica.sizes.sum(axis=1)
    table["largest_aggregate"] = np.where(replica.sizes > 0, sizes, 0).max(axis=1)
    grown = replica.sizes[:, SMALLEST:] * sizes[SMALLEST:]
    table["metals_in_aggregates"] = grown.sum(axis=1)
    for number, story in enumerate(replica.stories, start=1):
        for name, values in story.series.items():
            if not np.all(np.isnan(values)):
                table[f"{_COLUMNS[name]}_{number}"] = values
    return table


def sizes_table(replica: Replica) -> dict[str, Any]:
    """Columns over the frames: how many aggregates there are of each size that occurs."""
    occurs = np.flatnonzero(replica.sizes.any(axis=0))
    counts = {f"aggregates_of_{size}": replica.sizes[:, size] for size in occurs}
    return {"time_ps": replica.times_ps, **counts}


def events_table(replica: Replica) -> dict[str, list[Any]]:
    """Rows of what happened to aggregates, in order of time."""
    events = replica.history.events
    return {
        "time_ps": [float(replica.times_ps[e.frame]) for e in events],
        "event": [e.kind for e in events],
        "aggregate": [e.track for e in events],
        "other": ["" if e.other is None else e.other for e in events],
        "metals": [e.size for e in events],
    }


def nucleus_account(replica: Replica, number: int) -> dict[str, Any]:
    """What there is to say of a nucleus, ``number`` counted from 1, as plain data."""
    story, times = replica.stories[number - 1], replica.times_ps
    since, perfect = story.together_since, story.perfect_since
    return {
        "number": number,
        "aggregate": replica.tracks[number - 1],
        "kind": story.kind,
        "n_metal": len(story.members),
        "members": replica.atoms(story.members),
        "together_since_ps": float(times[since]) if since < len(times) else None,
        "from_start": since == 0,
        "perfect_since_ps": None if perfect is None else float(times[perfect]),
        "mean_contacts": story.contacts,
        "shape_measure": _number(story.measure),
        "rmsd_A": _number(story.rmsd_A),
        "reason": story.reason,
        "nucleation_point_A": story.points[-1],
        "events": {name: _event(found) for name, found in story.events.items()},
    }


def first_nucleus_ps(replica: Replica) -> tuple[float | None, bool]:
    """Time of the first nucleus that is there at the end.

    Returns
    -------
    time : float or None
        From which the metals of a disordered nucleus or perfect octahedron stay together; None
        where there is no such nucleus that formed during the run.
    from_start : bool
        Whether one was there from the first frame on.
    """
    nuclei = [story for story in replica.stories if story.kind in NUCLEI]
    formed = [_formed(replica.times_ps, story) for story in nuclei if story.together_since > 0]
    return min(formed, default=None), any(story.together_since == 0 for story in nuclei)


def _formed(times_ps: FloatArray, story: Story) -> float:
    return float(times_ps[min(story.together_since, len(times_ps) - 1)])


def _event(found: ChangePoint | None) -> dict[str, float] | None:
    return None if found is None else asdict(found)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
