"""Commands about studies: validate, schema, studies, build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def validate(
    study: Annotated[str, typer.Argument(metavar="FILE", help="Study file, or a shipped study.")],
) -> None:
    """Check a study file; every mistake is listed."""
    from nucleoflow.study.load import load_study

    loaded = load_study(study)
    typer.echo(f"{study}: valid (study '{loaded.name}', digest {loaded.digest[:12]})")


def schema(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write to a file instead of printing.")
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="That of cluster profiles instead.")
    ] = False,
) -> None:
    """Print the JSON schema of study files, for editors."""
    if profile:
        from nucleoflow.profile.load import json_schema
    else:
        from nucleoflow.study.schema import json_schema

    text = json.dumps(json_schema(), indent=2)
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")


def studies(
    show: Annotated[
        str | None, typer.Option("--show", metavar="NAME", help="Print this study.")
    ] = None,
) -> None:
    """List the studies that ship with nucleoflow."""
    from nucleoflow.study.load import load_study, shipped_studies, study_text

    if show is not None:
        typer.echo(study_text(show)[1], nl=False)
        return
    for name in shipped_studies():
        typer.echo(f"{name:12s} {load_study(name).title}")


def build(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Study file or shipped study.")],
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="Name of a system in it.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Extended XYZ.")],
) -> None:
    """Build one system of a study and write its structure."""
    from nucleoflow.study.build import build_one
    from nucleoflow.study.load import load_study

    build_one(load_study(study), system, output)
    typer.echo(f"wrote {output}")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (validate, schema, studies, build):
        app.command()(command)
