"""Commands about clusters: profiles, render."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleoflow.cli.common import RunsOption, TargetOption


def profiles(
    show: Annotated[
        str | None, typer.Option("--show", metavar="NAME", help="Print this example.")
    ] = None,
) -> None:
    """List the example cluster profiles that ship with nucleoflow."""
    from nucleoflow.profile.load import profile_text, shipped_profiles

    if show is not None:
        typer.echo(profile_text(show)[1], nl=False)
        return
    for name in shipped_profiles():
        lines = profile_text(name)[1].splitlines()
        about = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
        typer.echo(f"{name:12s} {about[1]}")


def render(
    study: Annotated[
        str | None,
        typer.Argument(metavar="STUDY", help="Study file, or the name of a shipped study."),
    ] = None,
    profile: TargetOption = None,
    stage: Annotated[
        list[str] | None,
        typer.Option("--stage", help="This stage only; can be given several times."),
    ] = None,
    replicas: Annotated[
        int | None, typer.Option("--replicas", help="Nucleation replicas.", min=1)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write to a file (.yaml or .json)."),
    ] = None,
    template: Annotated[
        bool,
        typer.Option("--template", help="The WorkflowTemplate with a form; it takes no study."),
    ] = False,
    from_run: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="RUN", help="Earlier local run whose results to start from."
        ),
    ] = None,
    run_id: Annotated[
        str | None,
        typer.Option("--run-id", help="Name of the workflow; default: study, date and time."),
    ] = None,
    runs: RunsOption = None,
) -> None:
    """Write the Argo workflow of a study, without a cluster."""
    from nucleoflow.backends.argo.files import manifest_text, write_manifest
    from nucleoflow.profile.load import load_profile

    loaded = load_profile(profile)
    if template:
        from nucleoflow.backends.argo.launcher import workflow_template

        _refuse_with_template(study, stage, replicas, from_run, run_id)
        manifest, uploads = workflow_template(loaded), 0
    else:
        from nucleoflow.backends.argo.launch import run_id_of
        from nucleoflow.backends.argo.render import render as render_study
        from nucleoflow.cli.runs import chosen_stages
        from nucleoflow.runs.folder import find_run, runs_root
        from nucleoflow.study.load import load_study
        from nucleoflow.study.variants import with_replicas
        from nucleops.errors import WrongInput

        if study is None:
            raise WrongInput("render: STUDY is missing", advice="or ask for --template")
        what = load_study(study)
        if replicas is not None:
            what = with_replicas(what, replicas)
        earlier = find_run(from_run, runs_root(runs)) if from_run else None
        rendered = render_study(
            what,
            loaded,
            run_id=run_id or run_id_of(what),
            stages=chosen_stages(stage or []),
            results=earlier.results if earlier else None,
            from_run=earlier.id if earlier else None,
        )
        manifest, uploads = rendered.manifest, len(rendered.uploads)
    if output is None:
        typer.echo(manifest_text(manifest), nl=False)
    else:
        write_manifest(manifest, output)
        typer.echo(f"wrote {output}")
    if uploads:
        typer.echo(
            f"{uploads} files have to be in the store before it starts; 'nucleoflow submit' "
            "puts them there",
            err=True,
        )


def _refuse_with_template(*given: object) -> None:
    from nucleops.errors import WrongInput

    if any(value for value in given):
        raise WrongInput(
            "render --template: found a study or an option of one; the form asks for these"
        )


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (profiles, render):
        app.command()(command)
