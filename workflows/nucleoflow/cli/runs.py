"""Commands that start and end runs: run, resume, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nucleoflow.cli.common import RunArgument, RunsOption
from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleoflow.backends.local.run import Launched

CoresOption = Annotated[
    int | None, typer.Option("--cores", help="Most cores used at once; default: all.", min=1)
]
GpusOption = Annotated[
    int | None, typer.Option("--gpus", help="Most GPUs used at once; default: all.", min=0)
]
DetachOption = Annotated[
    bool, typer.Option("--detach", help="Go on in the background; see 'status', 'logs', 'stop'.")
]
PlainOption = Annotated[
    bool, typer.Option("--plain", help="A line for every event instead of a live table.")
]


def run(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="Study file, or the name of a shipped study.")
    ],
    stage: Annotated[
        list[str] | None,
        typer.Option("--stage", help="Run this stage only; can be given several times."),
    ] = None,
    from_run: Annotated[
        str | None,
        typer.Option("--from", metavar="RUN", help="Earlier run whose results to start from."),
    ] = None,
    cores: CoresOption = None,
    gpus: GpusOption = None,
    runs: RunsOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the run; default: that of the study.")
    ] = None,
    detach: DetachOption = False,
    plain: PlainOption = False,
) -> None:
    """Run a study, or some stages of it, on this machine."""
    from nucleoflow.backends.local.layout import find_run, runs_root
    from nucleoflow.backends.local.run import RunRequest, start_run
    from nucleoflow.dag.plan import products_in, refuse_missing, stages_of
    from nucleoflow.study.load import load_study, study_text
    from nucleoflow.study.molecules import self_contained

    loaded = load_study(study)
    root = runs_root(runs)
    earlier = find_run(from_run, root) if from_run else None
    stages = chosen_stages(stage or [])
    given = products_in(earlier.results) if earlier else {}
    refuse_missing(stages_of(loaded, stages), list(given))
    request = RunRequest(
        name=_run_name(name or loaded.name),
        study=self_contained(study_text(study)[1], loaded),
        digest=loaded.digest,
        stages=stages,
        from_run=earlier.path if earlier else None,
        cores=cores,
        gpus=gpus,
    )
    _follow(start_run(request, root, detach=detach), detach=detach, plain=plain)


def resume(
    reference: RunArgument = "latest",
    cores: CoresOption = None,
    gpus: GpusOption = None,
    runs: RunsOption = None,
    detach: DetachOption = False,
    plain: PlainOption = False,
) -> None:
    """Continue a run that was interrupted or failed; finished steps are not run again."""
    from nucleoflow.backends.local.layout import find_run, runs_root
    from nucleoflow.backends.local.run import resume_run

    found = find_run(reference, runs_root(runs))
    launched = resume_run(found, cores=cores, gpus=gpus, detach=detach)
    _follow(launched, detach=detach, plain=plain)


def stop(reference: RunArgument, runs: RunsOption = None) -> None:
    """End a run and all its processes; it can be resumed."""
    from nucleoflow.backends.local.layout import find_run, runs_root
    from nucleoflow.backends.local.run import stop_run
    from nucleoflow.cli.follow import resume_hint

    found = find_run(reference, runs_root(runs))
    if stop_run(found):
        typer.echo(f"stopped {found.id}; {resume_hint(found)}")
    else:
        typer.echo(f"{found.id} is not running")


def _follow(launched: Launched, *, detach: bool, plain: bool) -> None:
    from nucleoflow.cli.follow import follow

    if detach:
        typer.echo(f"run {launched.run.id} goes on in the background")
        typer.echo(f"watch it with: nucleoflow status {launched.run.id}")
        return
    raise typer.Exit(follow(launched, plain=plain))


def chosen_stages(names: list[str]) -> tuple[str, ...]:
    """Return the stages that ``--stage`` names, in the order in which they run."""
    import difflib

    from nucleoflow.study.model import STAGES

    for name in names:
        if name not in STAGES:
            near = difflib.get_close_matches(name, STAGES, n=1)
            hint = f"did you mean '{near[0]}'?" if near else ""
            raise WrongInput(f"--stage: found '{name}', allowed: {', '.join(STAGES)}", advice=hint)
    return tuple(name for name in STAGES if name in names)


def _run_name(name: str) -> str:
    import re

    if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or len(name) > 40:
        raise WrongInput(
            f"--name: found '{name}', allowed: up to 40 lower-case letters, digits and hyphens"
        )
    return name


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (run, resume, stop):
        app.command()(command)
