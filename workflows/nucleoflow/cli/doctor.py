"""The command that checks everything: doctor."""

from __future__ import annotations

import os
from typing import Annotated

import typer


def doctor(
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="FILE",
            help="Cluster profile; default: $NUCLEOFLOW_PROFILE or"
            " ~/.config/nucleoflow/cluster.yaml, if there is one.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Longest wait for one answer in seconds.", min=0.1)
    ] = 10.0,
) -> None:
    """Check this machine, and the cluster of a profile; say what to do about each failure."""
    from rich.console import Console

    from nucleoflow.doctor import show
    from nucleoflow.doctor.checks import OF_A_CLUSTER, OF_THIS_MACHINE
    from nucleoflow.doctor.outcome import Examination, Finding, examine
    from nucleoflow.profile.load import PROFILE_VARIABLE, default_profile_path

    named = profile or os.environ.get(PROFILE_VARIABLE)
    with_cluster = bool(named) or default_profile_path().is_file()
    checks = (*OF_THIS_MACHINE, *(OF_A_CLUSTER if with_cluster else ()))
    console = Console(highlight=False, width=show.WIDTH)
    found: list[Finding] = []
    for finding in examine(checks, Examination(reference=profile, timeout_s=timeout)):
        if not as_json:  # row by row: a server that does not answer takes its time
            console.print(show.as_table([finding], after=found[-1].check if found else ""))
        found.append(finding)
    if as_json:
        typer.echo(show.as_json(found))
    else:
        console.print(show.summary(found))
        if not with_cluster:
            console.print("no profile, so no cluster was checked (--profile FILE)", style="dim")
    if not show.is_well(found):
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(doctor)
