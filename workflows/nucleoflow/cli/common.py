"""What several commands share."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Run id, the beginning of one, or 'latest'.")
]
RunsOption = Annotated[
    Path | None,
    typer.Option(
        "--runs",
        metavar="DIR",
        help="Folder of the runs; default: $NUCLEOFLOW_RUNS or ./nucleoflow-runs.",
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="FILE",
        help="Cluster profile: look in that cluster, also for runs submitted from elsewhere.",
    ),
]
TargetOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="FILE",
        help="Cluster profile; default: $NUCLEOFLOW_PROFILE or ~/.config/nucleoflow/cluster.yaml.",
    ),
]
PlainOption = Annotated[
    bool, typer.Option("--plain", help="A line for every event instead of a live table.")
]

STATE_STYLES = {
    "succeeded": "green",
    "running": "cyan",
    "queued": "dim",
    "pending": "dim",
    "unknown": "yellow",
    "retrying": "yellow",
    "interrupted": "yellow",
    "failed": "bold red",
    "lost": "bold red",
}

WIDE = 110
"""Columns from which a table of steps has room for everything."""


def duration(seconds: float | None) -> str:
    """Write a duration as ``42 s``, ``3 min 07 s``, ``2 h 05 min`` or ``3 d 04 h``."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def moment(seconds: float | None) -> str:
    """Write a time of day in local time, with the date."""
    if seconds is None:
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def reason(kind: str, message: str) -> str:
    """Write class and message of a failure."""
    return f"[{kind}] {message}" if kind else message


def wide_console() -> Console:
    """Make a console that does not cut tables to 80 columns where there is no terminal."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=200)


@contextmanager
def told() -> Iterator[None]:
    """Show warnings as a line for each, not as Python does."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: typer.echo(f"warning: {message}", err=True)
        yield
