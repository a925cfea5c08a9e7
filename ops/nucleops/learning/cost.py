"""What a round cost, from what its tasks left behind."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nucleops.learning.account import ACCOUNT_FILE


def total_cost(parts: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Add up tasks.

    Parameters
    ----------
    parts : iterable of mapping
        ``cpu_s`` and ``wall_s`` of each task; what is missing counts as nothing.

    Returns
    -------
    dict
        The sums, and ``tasks``, their number. Tasks run side by side, so that the sum of wall-clock
        seconds is no time that anybody waited.
    """
    rows = list(parts)
    sums = {name: sum(row.get(name) or 0.0 for row in rows) for name in ("cpu_s", "wall_s")}
    return {**{name: round(value, 2) for name, value in sums.items()}, "tasks": len(rows)}


def labelling_cost(labelled: Sequence[Path]) -> dict[str, float]:
    """Add up the single points of a round's labelling tasks, lost frames included."""
    frames = [
        frame
        for path in labelled
        for file in sorted(path.rglob(ACCOUNT_FILE))
        for frame in json.loads(file.read_text(encoding="utf-8")).get("frames") or []
    ]
    return total_cost(frames)
