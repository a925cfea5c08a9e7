"""Commands that look at runs: list, status, logs, report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucleoflow.cli.common import (
    STATE_STYLES,
    RunArgument,
    RunsOption,
    duration,
    moment,
    wide_console,
)
from nucleops.errors import ProgramFailed

if TYPE_CHECKING:
    from rich.console import Console

    from nucleoflow.runs.moment import RunStatus


def list_runs(runs: RunsOption = None) -> None:
    """List the runs, the latest last."""
    from rich.table import Table

    from nucleoflow.backends.local.table import run_state
    from nucleoflow.runs.folder import all_runs, runs_root

    root = runs_root(runs)
    found = all_runs(root)
    if not found:
        typer.echo(f"no runs in {root}")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("run", "study", "stages", "state", "started", "took"):
        table.add_column(column, no_wrap=column == "run")
    for run in found:
        meta, result, state = run.read("run"), run.read("result"), run_state(run)
        until = time.time() if state == "running" else result.get("ended")
        table.add_row(
            run.id,
            str(meta.get("study", "")),
            " ".join(meta.get("stages") or ["all"]),
            f"[{STATE_STYLES.get(state, 'default')}]{state}[/]",
            moment(meta.get("created")),
            duration(until - meta["created"]) if until else "",
        )
    wide_console().print(table)


def status(reference: RunArgument = "latest", runs: RunsOption = None) -> None:
    """Show stages, tasks, attempts and progress of a run."""
    from nucleoflow.backends.local.resources import machine_limits
    from nucleoflow.backends.local.table import run_status
    from nucleoflow.cli.view import picture
    from nucleoflow.runs.folder import find_run, runs_root

    now = run_status(find_run(reference, runs_root(runs)))
    console = wide_console()
    limits = now.meta.get("limits") or {}
    cores = limits.get("cores") or machine_limits().cores
    console.print(picture(now, time.time(), cores))
    _print_tasks(now, console)
    if now.state in ("failed", "lost"):
        from nucleoflow.cli.follow import conclude

        conclude(now, console)


def _print_tasks(now: RunStatus, console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    from nucleoflow.cli.stages import is_utility
    from nucleoflow.cli.view import reason

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("stage", "step", "state", "attempts", "started", "took", "progress", "message"):
        table.add_column(column, no_wrap=column == "step")
    for task in now.tasks:
        if is_utility(task):
            continue
        took = task.elapsed_s
        if task.state == "running" and task.started:
            took = time.time() - task.started
        table.add_row(
            task.place,
            task.label(now.run.id),
            f"[{STATE_STYLES.get(task.state, 'default')}]{task.state}[/]",
            str(task.attempts or ""),
            time.strftime("%H:%M:%S", time.localtime(task.started)) if task.started else "",
            duration(took),
            f"{task.progress[0]}/{task.progress[1]}" if task.progress else "",
            escape(reason(task.kind, task.message)),
        )
    if table.row_count:
        console.print(table)


def logs(
    reference: RunArgument = "latest",
    step: Annotated[
        str | None, typer.Argument(help="Step, or the beginning of one; none: the run's own log.")
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as it grows.")] = False,
    runs: RunsOption = None,
) -> None:
    """Print the log of a step, or that of the run."""
    from nucleoflow.backends.local.table import run_state, step_log
    from nucleoflow.runs.folder import find_run, runs_root

    run = find_run(reference, runs_root(runs))
    path = step_log(run, step) if step else run.log
    if not path.is_file():
        raise ProgramFailed(f"there is no log yet: {path}")
    with path.open(encoding="utf-8", errors="backslashreplace") as log:
        while True:
            ends = not follow or run_state(run) != "running"
            while text := log.read(65_536):
                typer.echo(text, nl=False)
            if ends:
                return
            time.sleep(0.5)


def report(reference: RunArgument = "latest", runs: RunsOption = None) -> None:
    """Print where the report of a run is."""
    path = _report(reference, runs)
    typer.echo(str(path))


def _report(reference: str, runs: Path | None) -> Path:
    from nucleoflow.runs.folder import find_run, runs_root

    run = find_run(reference, runs_root(runs))
    path = run.report
    if path is None:
        raise ProgramFailed(
            f"run {run.id} has no report",
            advice=f"'nucleoflow status {run.id}' tells how far it is",
        )
    return path


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("list")(list_runs)
    for command in (status, logs, report):
        app.command()(command)
