"""How long each stage took, from the events that a local run records."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EVENTS_VARIABLE = "NUCLEOFLOW_EVENTS"
"""Environment variable with the path of the run's events, one JSON object a line."""
_ENDS = ("succeeded", "failed", "interrupted", "attempt-failed")


@dataclass
class _Stage:
    wall_s: float = 0.0
    core_s: float = 0.0
    first: float | None = None
    last: float = 0.0
    running: dict[str, tuple[float, int]] = field(default_factory=dict)

    def start(self, step: str, at: float, cores: int) -> None:
        self.first = at if self.first is None else self.first
        self.running[step] = (at, cores)

    def end(self, step: str, at: float) -> None:
        if step in self.running:
            began, cores = self.running.pop(step)
            self.core_s += cores * (at - began)
            self.last = at

    def close(self, at: float) -> None:
        """End of a session: what still ran was cut off then."""
        for step in list(self.running):
            self.end(step, at)
        if self.first is not None:
            self.wall_s += max(0.0, self.last - self.first)
        self.first = None


def recorded(prefixes: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Read the times of the run that this process belongs to.

    Parameters
    ----------
    prefixes : mapping
        Stage -> how the keys of its steps begin.

    Returns
    -------
    dict
        ``started`` and ``ended`` (now) as text, and ``times`` of :func:`stage_times`; empty where
        no events are recorded, as on a cluster.
    """
    path = os.environ.get(EVENTS_VARIABLE)
    if not path or not os.access(path, os.R_OK):
        return {}
    events = list(_read(Path(path)))
    made: dict[str, Any] = {"ended": clock(time.time()), "times": stage_times(events, prefixes)}
    if events:
        made["started"] = clock(events[0]["time"])
    return made


def clock(seconds: float) -> str:
    """Date and time of day, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _read(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue  # torn by a crash of the machine, or still being written
        if isinstance(event, dict) and isinstance(event.get("time"), (int, float)):
            yield event


def stage_times(
    events: Sequence[Mapping[str, Any]], prefixes: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Add up the time of each stage.

    Parameters
    ----------
    events : sequence of mapping
        ``time`` (s), ``event``, and for steps ``step`` and ``cores``, in order of time.
    prefixes : mapping
        Stage -> how the keys of its steps begin; other steps do not count.

    Returns
    -------
    dict
        Stage -> ``wall_s``, from the first start to the last end of its steps, and ``core_s``,
        the sum over steps of cores times seconds, failed attempts included. Where a run was
        interrupted and resumed, the pause does not count.
    """
    stages = {name: _Stage() for name in prefixes}
    now = 0.0
    for event in events:
        kind, step = event.get("event"), str(event.get("step"))
        if kind == "run-started":
            for stage in stages.values():
                stage.close(now)
        now = float(event["time"])
        name = next((n for n, p in prefixes.items() if step.startswith(tuple(p))), None)
        if name is not None and kind == "started" and event.get("cores"):
            stages[name].start(step, now, int(event["cores"]))
        elif name is not None and kind in _ENDS:
            stages[name].end(step, now)
    for stage in stages.values():
        stage.close(now)
    return {
        name: {"wall_s": stage.wall_s, "core_s": stage.core_s}
        for name, stage in stages.items()
        if stage.core_s > 0.0
    }
