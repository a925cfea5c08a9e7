"""How a run looks while it goes on: a live table, or a line for every event."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from nucleoflow.cli.common import WIDE, duration, reason
from nucleoflow.cli.stages import fan_outs, is_utility, summarise
from nucleoflow.cli.tables import (
    explorations_table,
    fan_out_table,
    rounds_table,
    running_table,
    stage_table,
    state_text,
)
from nucleoflow.runs.costs import round_costs
from nucleoflow.runs.moment import RunStatus, Task, is_utility_name


class View(Protocol):
    """Shows a run."""

    def start(self) -> None:
        """Begin."""

    def update(self, status: RunStatus, news: list[dict[str, Any]]) -> None:
        """Show the state now, and what happened since the last time."""

    def stop(self) -> None:
        """End; the terminal is as it was."""


class PlainView:
    """A line for every event, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def start(self) -> None:
        """Nothing to begin."""

    def stop(self) -> None:
        """Nothing to end."""

    def update(self, status: RunStatus, news: list[dict[str, Any]]) -> None:
        """Print the news."""
        stages = {task.key: task.place for task in status.tasks}
        for event in news:
            line = describe(event, stages.get(event.get("step", ""), ""), status.run.id)
            if line:
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def describe(event: dict[str, Any], where: str, run_id: str) -> str:
    """Write an event as one line; empty for those of no interest to a reader.

    Parameters
    ----------
    event : dict
        As in ``events.jsonl``.
    where : str
        Names of the steps that hold the step.
    run_id : str
        The run, whose id is left out of step names.
    """
    kind = event["event"]
    clock = time.strftime("%H:%M:%S", time.localtime(event["time"]))
    if kind == "run-started":
        finished = event.get("finished", 0)
        return f"{clock} run started" + (f", {finished} steps finished before" if finished else "")
    if kind == "run-ended":
        return f"{clock} run {event['state']}"
    if kind not in ("started", "attempt-failed", "succeeded", "failed", "interrupted"):
        return ""
    name = str(event.get("name", ""))
    if is_utility_name(name):
        return ""
    step = str(event["step"]).removeprefix(f"{run_id}-")
    return f"{clock} {where + ' ' if where else ''}{step} {kind}{_detail(event)}"


def _detail(event: dict[str, Any]) -> str:
    if event["event"] == "started":
        words = [f"cores {event['cores']}"] if "cores" in event else []
        words += [f"attempt {event['attempt']}"] if event.get("attempt", 1) > 1 else []
        return f" ({', '.join(words)})" if words else ""
    detail = ""
    if event.get("message") or event.get("kind"):
        detail = f": {reason(event.get('kind', ''), event.get('message', ''))}"
    if "retry_in_s" in event:
        detail += f"; next attempt in {duration(event['retry_in_s'])}"
    return detail


class LiveView:
    """Stages with their state, and the tasks that run now, redrawn in place."""

    def __init__(self, console: Console, cores: int) -> None:
        self._cores = cores
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=False)

    def start(self) -> None:
        """Take over the end of the terminal."""
        self._live.start()

    def stop(self) -> None:
        """Leave the last picture and give the terminal back."""
        self._live.stop()

    def update(self, status: RunStatus, news: list[dict[str, Any]]) -> None:
        """Draw the state now."""
        self._live.update(picture(status, time.time(), self._cores, self._console.width))


def picture(status: RunStatus, now: float, cores: int, width: int = WIDE) -> RenderableType:
    """Draw a run in some columns: stages above, open tasks below."""
    elapsed = (status.ended or now) - status.started if status.started else None
    head = Text.assemble(
        (status.run.id, "bold"), "  ", state_text(status.state), f"  {duration(elapsed)}"
    )
    parts: list[RenderableType] = [head]
    if status.note:
        parts.append(Text(f"  {status.note}", style="yellow"))
    if status.address:
        parts.append(Text(f"  {status.address}", style="dim", overflow="fold"))
    summaries = summarise(status, now, cores)
    if summaries:
        parts.append(stage_table(summaries))
    if status.rounds:
        parts.append(rounds_table(status.rounds, round_costs(status.tasks, now), width))
        last = next((row for row in reversed(status.rounds) if row.explorations), None)
        if last is not None:
            parts.append(explorations_table(last.explorations))
        advice = status.rounds[-1].advice
        if advice:
            parts.append(Text(f"  {advice}", style="yellow", overflow="fold"))
    if status.data:
        what = f"  {status.data.n_frames} labelled frames, {status.data.address}"
        parts.append(Text(what, style="dim", overflow="fold"))
    productions = [fan_out for fan_out in fan_outs(status) if fan_out.total > 1]
    if productions:
        parts.append(fan_out_table(productions))
    running = [t for t in status.tasks if t.state in ("running", "retrying") and not is_utility(t)]
    waiting = [t for t in status.tasks if t.state in ("queued", "pending") and not is_utility(t)]
    if running:
        running.sort(key=lambda task: task.started or now)
        parts.append(running_table(status.run.id, running, now, width))
    if waiting and status.state == "running":
        parts.append(_waiting_line(waiting, status.waits_for))
    return Group(*parts)


def _waiting_line(waiting: list[Task], waits_for: str) -> Text:
    """Say how many tasks wait, and why the most of them do where that is known."""
    reasons = Counter(task.message for task in waiting if task.message)
    why = f": {reasons.most_common(1)[0][0]}" if reasons else ""
    return Text(f"  {len(waiting)} waiting for {waits_for}{why}", style="dim", overflow="fold")
