"""Commands that look at runs: list, status, watch, logs, report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucleoflow.cli.common import (
    WIDE,
    PlainOption,
    ProfileOption,
    RunArgument,
    RunsOption,
    wide_console,
)
from nucleops.errors import ProgramFailed

if TYPE_CHECKING:
    from rich.console import Console

    from nucleoflow.runs.moment import RunStatus


def list_runs(runs: RunsOption = None, profile: ProfileOption = None) -> None:
    """List the runs, on this machine and in clusters, the latest last."""
    from nucleoflow.cli.listing import listed_runs, run_table
    from nucleoflow.runs.folder import runs_root

    root = runs_root(runs)
    found, troubles = listed_runs(root, profile)
    if found:
        console = wide_console()
        console.print(run_table(found, console.width))
    else:
        typer.echo(f"no runs in {root}")
    for trouble in troubles:
        typer.echo(trouble, err=True)


def status(
    reference: RunArgument = "latest", runs: RunsOption = None, profile: ProfileOption = None
) -> None:
    """Show stages, rounds, tasks, attempts and progress of a run."""
    from nucleoflow.cli.open import open_run
    from nucleoflow.cli.view import picture

    run = open_run(reference, runs, profile)
    now = run.watch().look()
    console = wide_console()
    console.print(picture(now, time.time(), run.slots, console.width))
    _print_tasks(now, console)
    if now.state in ("failed", "lost"):
        from nucleoflow.cli.follow import conclude

        conclude(now, console)


def watch(
    reference: RunArgument = "latest",
    runs: RunsOption = None,
    profile: ProfileOption = None,
    plain: PlainOption = False,
) -> None:
    """Follow a run until it ends; Ctrl-C ends the watching, not the run."""
    from nucleoflow.cli.follow import watch as watch_run
    from nucleoflow.cli.open import open_run

    raise typer.Exit(watch_run(open_run(reference, runs, profile), plain=plain))


def _print_tasks(now: RunStatus, console: Console) -> None:
    from nucleoflow.cli.stages import is_utility
    from nucleoflow.cli.tables import messages, task_table

    tasks = [task for task in now.tasks if not is_utility(task)]
    if tasks:
        console.print(task_table(now.run.id, tasks, time.time(), console.width))
    if console.width < WIDE:
        for line in messages(now.run.id, tasks):
            console.print(line, markup=False, highlight=False)


def logs(
    reference: RunArgument = "latest",
    step: Annotated[
        str | None, typer.Argument(help="Step, or the beginning of one; none: the run's own log.")
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as it grows.")] = False,
    runs: RunsOption = None,
    profile: ProfileOption = None,
) -> None:
    """Print the log of a step, or that of the run."""
    from nucleoflow.cli.open import open_run

    for text in open_run(reference, runs, profile).log(step, follow=follow):
        typer.echo(text, nl=False)


def report(reference: RunArgument = "latest", runs: RunsOption = None) -> None:
    """Print where the report of a run is."""
    path = _report(reference, runs)
    typer.echo(str(path))


def _report(reference: str, runs: Path | None) -> Path:
    from nucleoflow.runs.folder import find_run, runs_root

    run = find_run(reference, runs_root(runs))
    path = run.report
    if path is None:
        verbs = {"argo": f"; 'nucleoflow download {run.id}' brings it here once it is written"}
        raise ProgramFailed(
            f"run {run.id} has no report",
            advice=f"'nucleoflow status {run.id}' tells how far it is{verbs.get(run.backend, '')}",
        )
    return path


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("list")(list_runs)
    for command in (status, watch, logs, report):
        app.command()(command)
