"""Commands that go on with a run that ended: resume, retry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucleoflow.cli.common import PlainOption, ProfileOption, RunArgument, RunsOption
from nucleoflow.cli.runs import CoresOption, DetachOption, GpusOption, follow_launched
from nucleoflow.cli.submit import WatchOption, tell_and_watch
from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleoflow.backends.argo.runs import ArgoRun
    from nucleoflow.backends.local.handle import LocalRun
    from nucleoflow.study.model import Study


def resume(
    reference: RunArgument = "latest",
    study: Annotated[
        str | None,
        typer.Option("--study", metavar="FILE", help="Corrected study, for a run in a cluster."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", metavar="FILE", help="Corrected profile, for a run in a cluster."
        ),
    ] = None,
    cores: CoresOption = None,
    gpus: GpusOption = None,
    runs: RunsOption = None,
    detach: DetachOption = False,
    watch: WatchOption = False,
    plain: PlainOption = False,
) -> None:
    """Continue a run that was interrupted or failed; finished steps are not run again.

    In a cluster this is a new run, with the study and profile as they are now.
    """
    from nucleoflow.backends.local.handle import LocalRun
    from nucleoflow.backends.local.run import resume_run

    run = _recorded_or_in_cluster(reference, runs, profile)
    if isinstance(run, LocalRun):
        _refuse_options(run.folder.id, "on this machine", study=study, profile=profile)
        launched = resume_run(run.folder, cores=cores, gpus=gpus, detach=detach)
        follow_launched(launched, detach=detach, plain=plain)
        return
    _refuse_options(run.folder.id, "in a cluster", cores=cores, gpus=gpus, detach=detach or None)
    tell_and_watch(_resume_in_cluster(run, study, runs), watch=watch, plain=plain)


def retry(
    reference: RunArgument = "latest",
    runs: RunsOption = None,
    profile: ProfileOption = None,
    watch: WatchOption = False,
    plain: PlainOption = False,
) -> None:
    """Run the failed steps of a run again, with the study and images that it has.

    On this machine this is what 'resume' does.
    """
    from nucleoflow.backends.local.handle import LocalRun
    from nucleoflow.backends.local.run import resume_run
    from nucleoflow.cli.follow import watch as watch_run
    from nucleoflow.cli.open import open_run

    run = open_run(reference, runs, profile)
    if isinstance(run, LocalRun):
        follow_launched(resume_run(run.folder), detach=False, plain=plain)
        return
    run.retry()
    typer.echo(f"failed steps of {run.folder.id} run again")
    if watch:
        raise typer.Exit(watch_run(run, plain=plain))


def _recorded_or_in_cluster(
    reference: str, runs: Path | None, profile: str | None
) -> LocalRun | ArgoRun:
    """Find a run here first: with a corrected profile, 'latest' is still your own latest."""
    from nucleoflow.backends.argo.runs import ArgoRun
    from nucleoflow.cli.open import open_run
    from nucleoflow.profile.load import load_profile

    try:
        run = open_run(reference, runs)
    except WrongInput:
        if profile is None:
            raise
        return open_run(reference, runs, profile)
    if profile is not None and isinstance(run, ArgoRun):
        return ArgoRun(run.folder, load_profile(profile))
    return run


def _resume_in_cluster(run: ArgoRun, study: str | None, runs: Path | None) -> ArgoRun:
    from nucleoflow.backends.argo.resume import resume as go_on
    from nucleoflow.backends.argo.reuse import ConfigMaps
    from nucleoflow.backends.argo.store import client_store
    from nucleoflow.runs.folder import runs_root
    from nucleoflow.study.load import load_study, study_text
    from nucleoflow.study.molecules import self_contained

    if study is None and not run.folder.study.is_file():
        raise WrongInput(
            f"run {run.folder.id} was submitted from elsewhere; its study is not known here",
            advice="give the study with --study",
        )
    now_reference = study or str(run.folder.study)
    now = load_study(now_reference)
    text = self_contained(study_text(now_reference)[1], now)
    return go_on(
        run,
        (now, text),
        _study_before(run, now),
        runs_root(runs),
        lambda: client_store(run.profile.storage),
        ConfigMaps,
        typer.echo,
    )


def _study_before(run: ArgoRun, now: Study) -> Study:
    """Return the study that a run was submitted with.

    Of a run that was submitted from elsewhere only the digest is known: it has to be that of the
    study now.
    """
    from nucleoflow.study.load import load_study

    if run.folder.study.is_file():
        return load_study(str(run.folder.study))
    annotations = run.workflow()["metadata"].get("annotations") or {}
    digest = annotations.get("nucleoflow.io/study-digest")
    if digest != now.digest:
        raise WrongInput(
            f"run {run.folder.id} was submitted from elsewhere with another version of the study"
            f" (digest {str(digest)[:12]}, this one has {now.digest[:12]})",
            advice="resume it where it was submitted, or give the study that it was submitted with",
        )
    return now


def _refuse_options(run_id: str, where: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise WrongInput(f"--{name} means nothing for run {run_id}, which runs {where}")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (resume, retry):
        app.command()(command)
