"""The command that starts a run on this machine, and what others need of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nucleoflow.cli.common import PlainOption, RunsOption
from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleoflow.backends.local.run import Launched

StageOption = Annotated[
    list[str] | None,
    typer.Option("--stage", help="Run this stage only; can be given several times."),
]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="RUN", help="Earlier run whose results to start from."),
]
NameOption = Annotated[
    str | None, typer.Option("--name", help="Name of the run; default: that of the study.")
]
StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="Study file, or the name of a shipped study.")
]
CoresOption = Annotated[
    int | None, typer.Option("--cores", help="Most cores used at once; default: all.", min=1)
]
GpusOption = Annotated[
    int | None, typer.Option("--gpus", help="Most GPUs used at once; default: all.", min=0)
]
DetachOption = Annotated[
    bool, typer.Option("--detach", help="Go on in the background; see 'status', 'logs', 'stop'.")
]


def run(
    study: StudyArgument,
    stage: StageOption = None,
    from_run: FromOption = None,
    cores: CoresOption = None,
    gpus: GpusOption = None,
    runs: RunsOption = None,
    name: NameOption = None,
    detach: DetachOption = False,
    plain: PlainOption = False,
) -> None:
    """Run a study, or some stages of it, on this machine."""
    from nucleoflow.backends.local.run import RunRequest, start_run
    from nucleoflow.dag.plan import products_in, refuse_missing, stages_of
    from nucleoflow.runs.folder import find_run, runs_root
    from nucleoflow.study.load import load_study, study_text
    from nucleoflow.study.molecules import self_contained

    loaded = load_study(study)
    root = runs_root(runs)
    earlier = find_run(from_run, root) if from_run else None
    stages = chosen_stages(stage or [])
    given = products_in(earlier.results) if earlier else {}
    refuse_missing(stages_of(loaded, stages), list(given))
    request = RunRequest(
        name=run_name(name or loaded.name),
        study=self_contained(study_text(study)[1], loaded),
        digest=loaded.digest,
        stages=stages,
        from_run=earlier.path if earlier else None,
        cores=cores,
        gpus=gpus,
    )
    follow_launched(start_run(request, root, detach=detach), detach=detach, plain=plain)


def follow_launched(launched: Launched, *, detach: bool, plain: bool) -> None:
    """Stay with a run that this process started, and exit with its exit code."""
    from nucleoflow.cli.follow import follow

    if detach:
        typer.echo(f"run {launched.run.id} goes on in the background")
        typer.echo(f"watch it with: nucleoflow status {launched.run.id}")
        return
    raise typer.Exit(follow(launched, plain=plain))


def chosen_stages(names: list[str]) -> tuple[str, ...]:
    """Return the stages of ``--stage`` in their order.

    Raises
    ------
    WrongInput
        There is no such stage.
    """
    import difflib

    from nucleoflow.study.model import STAGES

    for name in names:
        if name not in STAGES:
            near = difflib.get_close_matches(name, STAGES, n=1)
            hint = f"did you mean '{near[0]}'?" if near else ""
            raise WrongInput(f"--stage: found '{name}', allowed: {', '.join(STAGES)}", advice=hint)
    return tuple(name for name in STAGES if name in names)


def run_name(name: str) -> str:
    """Return the name of a run.

    Raises
    ------
    WrongInput
        It is not one that a workflow can have.
    """
    import re

    if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or len(name) > 40:
        raise WrongInput(
            f"--name: found '{name}', allowed: up to 40 lower-case letters, digits and hyphens"
        )
    return name


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(run)
