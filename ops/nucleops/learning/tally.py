"""Frames of a round by exploration and by system, as plain data that travels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KINDS = ("accurate", "candidate", "failed")
"""What a frame is by its model deviation."""
TALLIES = (*KINDS, "selected", "runs")
EXPLORED_FILE = "explored.json"
"""Beside a round's data: deviations and biased variables along what it explored."""


def empty_row(system: str) -> dict[str, Any]:
    """Return a row with nothing counted yet."""
    return {"system": system, **dict.fromkeys(TALLIES, 0)}


def by_system(explorations: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Add up the rows of a system's explorations."""
    table: dict[str, dict[str, Any]] = {}
    for row in explorations.values():
        own = table.setdefault(row["system"], empty_row(row["system"]))
        for name in TALLIES:
            own[name] += row[name]
    return table


def shares(row: Mapping[str, Any]) -> list[float]:
    """Shares of :data:`KINDS` in a row, to a tenth of a percent."""
    total = sum(row[kind] for kind in KINDS)
    return [round(row[kind] / total, 3) if total else 0.0 for kind in KINDS]
