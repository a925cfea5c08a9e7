"""Commands for the end of a run, and what stays of it: stop, terminate, download, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nucleoflow.cli.common import ProfileOption, RunArgument, RunsOption
from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleoflow.backends.argo.runs import ArgoRun
    from nucleoflow.backends.local.handle import LocalRun


def stop(reference: RunArgument, runs: RunsOption = None, profile: ProfileOption = None) -> None:
    """End a run; its steps get time for a last checkpoint, and it can be resumed."""
    from nucleoflow.cli.follow import resume_hint
    from nucleoflow.cli.open import open_run

    run = open_run(reference, runs, profile)
    if run.stop():
        # in a cluster nobody waits for the steps to end
        done = "stopped" if run.folder.backend == "local" else "stopping"
        typer.echo(f"{done} {run.folder.id}; {resume_hint(run.folder)}")
    else:
        typer.echo(f"{run.folder.id} is not running")


def terminate(
    reference: RunArgument, runs: RunsOption = None, profile: ProfileOption = None
) -> None:
    """End a run now.

    On this machine its steps get no time for a last checkpoint; in a cluster no exit handlers run.
    """
    from nucleoflow.cli.follow import resume_hint
    from nucleoflow.cli.open import open_run

    run = open_run(reference, runs, profile)
    if run.terminate():
        typer.echo(f"terminated {run.folder.id}; {resume_hint(run.folder)}")
    else:
        typer.echo(f"{run.folder.id} is not running")


def download(
    reference: RunArgument = "latest",
    stage: Annotated[
        list[str] | None, typer.Option("--stage", help="Only what this stage made; repeatable.")
    ] = None,
    artifact: Annotated[
        list[str] | None,
        typer.Option("--artifact", help="Only this of the results; repeatable."),
    ] = None,
    runs: RunsOption = None,
    profile: ProfileOption = None,
) -> None:
    """Bring the results of a run in a cluster to its folder here, as a local run has them."""
    from nucleoflow.cli.open import open_run

    run = open_run(reference, runs, profile)
    results = run.download((*(stage or ()), *(artifact or ())))
    typer.echo(f"results: {results}")
    if run.folder.report is not None:
        typer.echo(f"report: {run.folder.report}")


def delete(
    reference: RunArgument,
    artifacts: Annotated[
        bool, typer.Option("--artifacts", help="What it stored in the bucket, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs: RunsOption = None,
    profile: ProfileOption = None,
) -> None:
    """Remove a run that has ended: its folder here, its workflow in a cluster."""
    import sys

    from nucleoflow.cli.open import open_run
    from nucleoflow.runs.handle import refuse_live

    run = open_run(reference, runs, profile)
    refuse_live(run.state(), run.folder.id, "delete")
    if not yes:
        if not sys.stdin.isatty():
            raise WrongInput(
                f"'delete' would remove {_what(run, artifacts)}; nobody can be asked here",
                advice="say --yes if that is meant",
            )
        typer.confirm(f"Remove {_what(run, artifacts)}?", abort=True)
    for removed in run.delete(artifacts=artifacts):
        typer.echo(f"removed {removed}")


def _what(run: LocalRun | ArgoRun, artifacts: bool) -> str:
    from nucleoflow.backends.local.handle import LocalRun

    parts = [str(run.folder.path)] if run.folder.path.is_dir() else []
    if not isinstance(run, LocalRun):
        parts.insert(0, f"workflow {run.folder.id}")
        if artifacts:
            parts.append("everything that it stored in the bucket")
    return ", ".join(parts)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (stop, terminate, download, delete):
        app.command()(command)
