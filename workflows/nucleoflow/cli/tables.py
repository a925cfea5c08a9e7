"""Small tables of a run's parts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nucleoflow.cli.common import STATE_STYLES, WIDE, duration, reason
from nucleoflow.cli.stages import FanOut, StageSummary
from nucleoflow.runs.costs import KINDS
from nucleoflow.runs.moment import Round, Task

_MOST_RUNNING = 12
_MOST_NAMED = 3
_MOST_EXPLORATIONS = 10


def stage_table(summaries: list[StageSummary]) -> Table:
    """Tabulate stages."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("stage", "state", "tasks", "", "round", "elapsed", "left"):
        table.add_column(name, justify="right" if name in ("tasks", "elapsed") else "left")
    for stage in summaries:
        table.add_row(
            stage.name,
            state_text(stage.state),
            f"{stage.done}/{stage.total}",
            ProgressBar(total=max(stage.total, 1), completed=stage.done, width=20),
            "" if stage.round is None else str(stage.round),
            duration(stage.elapsed_s),
            f"~{duration(stage.eta_s)}" if stage.eta_s is not None else "",
        )
    return table


def rounds_table(
    rounds: Sequence[Round], costs: Mapping[int, Mapping[str, float]], width: int = WIDE
) -> Table:
    """Tabulate what the rounds of learning found and cost; in few columns without the cost.

    Shares of explored frames are in percent, ``costs`` those of
    :func:`nucleoflow.runs.costs.round_costs`.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    kinds = [*KINDS.values()] if width >= WIDE else []
    columns = ["  round", "accurate", "candidate", "failed", "selected", "labelled", "dropped"]
    for name in [*columns, *kinds]:
        table.add_column(name, justify="right")
    for row in rounds:
        shares = (row.accurate, row.candidate, row.failed)
        counts = (row.selected, row.labelled, row.dropped)
        own = costs.get(row.number, {})
        table.add_row(
            str(row.number),
            *("" if share is None else f"{share:.1%}" for share in shares),
            *("" if count is None else str(count) for count in counts),
            *(duration(own.get(kind)) for kind in kinds),
        )
    return table


def explorations_table(explorations: Mapping[str, Sequence[float]]) -> Table:
    """Tabulate shares of a round's explorations in percent, the least accurate first."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("  exploration", no_wrap=True)
    for name in ("accurate", "candidate", "failed"):
        table.add_column(name, justify="right")
    ordered = sorted(explorations.items(), key=lambda item: item[1][0])
    for label, shares in ordered[:_MOST_EXPLORATIONS]:
        table.add_row(f"  {label}", *(f"{share:.1%}" for share in shares))
    if len(ordered) > _MOST_EXPLORATIONS:
        table.add_row(f"  and {len(ordered) - _MOST_EXPLORATIONS} more")
    return table


def fan_out_table(fan_outs: Sequence[FanOut]) -> Table:
    """Tabulate productions that consist of runs side by side."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("  runs of")
    for name in ("done", "running", "waiting", "failed", "work"):
        table.add_column(name, justify="right")
    for row in fan_outs:
        table.add_row(
            f"  {row.name}",
            f"{row.done}/{row.total}",
            *(str(n or "") for n in (row.running, row.waiting, row.failed)),
            f"{row.share:.0%}",
        )
    return table


def running_table(run_id: str, tasks: Sequence[Task], now: float, width: int) -> Table:
    """Tabulate tasks that run or wait for another try; bars and messages where there is room."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for number in range(7 if width >= WIDE else 5):
        table.add_column(no_wrap=number < 6)
    for task in tasks[:_MOST_RUNNING]:
        numbers: list[RenderableType] = ["", ""]
        if task.progress and task.progress[1] > 0:
            done, total = task.progress
            numbers = [ProgressBar(total=total, completed=done, width=20), f"{done}/{total}"]
        message = Text(reason(task.kind, task.message), style="yellow")
        table.add_row(
            Text(f"  {task.place}", style="dim"),
            task.label(run_id),
            state_text(task.state),
            *(numbers if width >= WIDE else numbers[1:]),
            duration(now - task.started) if task.started else "",
            *([message] if width >= WIDE else []),
        )
    if len(tasks) > _MOST_RUNNING:
        table.add_row("", f"and {len(tasks) - _MOST_RUNNING} more")
    return table


def task_table(run_id: str, tasks: Sequence[Task], now: float, width: int) -> Table:
    """Tabulate all tasks; in few columns without stage, time of day and message."""
    columns = ["stage", "step", "state", "attempts", "started", "took", "progress", "message"]
    if width < WIDE:
        columns = [name for name in columns if name not in ("stage", "started", "message")]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        table.add_column(name, no_wrap=name != "message")
    for task in tasks:
        took = task.elapsed_s
        if task.state == "running" and task.started:
            took = now - task.started
        started = time.localtime(task.started) if task.started else None
        cells: dict[str, RenderableType] = {
            "stage": task.place,
            "step": task.label(run_id),
            "state": state_text(task.state),
            "attempts": str(task.attempts or ""),
            "started": time.strftime("%H:%M:%S", started) if started else "",
            "took": duration(took),
            "progress": f"{task.progress[0]}/{task.progress[1]}" if task.progress else "",
            "message": Text(reason(task.kind, task.message)),
        }
        table.add_row(*(cells[name] for name in columns))
    return table


def messages(run_id: str, tasks: Sequence[Task]) -> list[str]:
    """Return what is said about tasks, each message once with the first tasks that it is about."""
    about: dict[str, list[str]] = {}
    for task in tasks:
        if task.message or task.kind:
            about.setdefault(reason(task.kind, task.message), []).append(task.label(run_id))
    lines = []
    for message, steps in about.items():
        more = f" and {len(steps) - _MOST_NAMED} more" if len(steps) > _MOST_NAMED else ""
        lines.append(f"{', '.join(steps[:_MOST_NAMED])}{more}: {message}")
    return lines


def state_text(state: str) -> Text:
    """Write a state in its colour."""
    return Text(state, style=STATE_STYLES.get(state, ""))
