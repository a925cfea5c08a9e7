"""What happened between two looks at a run that keeps no events of its own."""

from __future__ import annotations

import time
from typing import Any

from nucleoflow.runs.moment import FINAL, RunStatus, Task

_ENDS = {
    "retrying": "attempt-failed",
    "succeeded": "succeeded",
    "failed": "failed",
    "interrupted": "interrupted",
}
"""State of a task in which an attempt has ended, and what the event of that is called."""


def news_between(before: RunStatus | None, now: RunStatus) -> list[dict[str, Any]]:
    """Return events in the form of ``events.jsonl``, in the order in which they happened.

    Parameters
    ----------
    before : RunStatus or None
        The look before; None for the first one, whose finished steps are only counted.
    now : RunStatus
        The look now.
    """
    news: list[dict[str, Any]] = []
    known = {task.key: task for task in before.tasks} if before else {}
    if now.started is not None and (before is None or before.started is None):
        finished = sum(task.state in FINAL for task in now.tasks) if before is None else 0
        news.append({"event": "run-started", "time": now.started, "finished": finished})
    for task in now.tasks:
        earlier = known.get(task.key)
        if before is None and task.state in FINAL:
            continue
        news += _task_news(earlier, task)
    news.sort(key=lambda event: float(event["time"]))
    over = now.state not in ("pending", "running")
    if over and (before is None or before.state in ("pending", "running")):
        news.append({"event": "run-ended", "time": now.ended or time.time(), "state": now.state})
    return news


def _task_news(earlier: Task | None, task: Task) -> list[dict[str, Any]]:
    if earlier is not None and (earlier.state, earlier.attempts) == (task.state, task.attempts):
        return []
    common = {"step": task.key, "name": task.name}
    found: list[dict[str, Any]] = []
    if task.started is not None and task.attempts > (earlier.attempts if earlier else 0):
        found.append({"event": "started", "time": task.started, "attempt": task.attempts, **common})
    if task.state in _ENDS and (earlier is not None or task.attempts):
        found.append(
            {
                "event": _ENDS[task.state],
                "time": task.ended or task.started or time.time(),
                "kind": task.kind,
                "message": task.message,
                **common,
            }
        )
    return found
