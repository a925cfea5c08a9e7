"""Small tables of a run's parts."""

from __future__ import annotations

from collections.abc import Sequence

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nucleoflow.cli.common import STATE_STYLES, duration
from nucleoflow.cli.stages import FanOut, StageSummary
from nucleoflow.runs.moment import Round


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


def rounds_table(rounds: Sequence[Round]) -> Table:
    """Tabulate what the rounds of learning found, shares of explored frames in percent."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("  round", "accurate", "candidate", "failed", "selected", "labelled", "dropped"):
        table.add_column(name, justify="right")
    for row in rounds:
        shares = (row.accurate, row.candidate, row.failed)
        counts = (row.selected, row.labelled, row.dropped)
        table.add_row(
            str(row.number),
            *("" if share is None else f"{share:.1%}" for share in shares),
            *("" if count is None else str(count) for count in counts),
        )
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


def state_text(state: str) -> Text:
    """Write a state in its colour."""
    return Text(state, style=STATE_STYLES.get(state, ""))
