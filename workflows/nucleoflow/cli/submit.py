"""The command that starts a run in a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucleoflow.cli.common import PlainOption, RunsOption, TargetOption
from nucleoflow.cli.runs import (
    FromOption,
    NameOption,
    StageOption,
    StudyArgument,
    chosen_stages,
    run_name,
)

if TYPE_CHECKING:
    from nucleoflow.backends.argo.runs import ArgoRun
    from nucleoflow.backends.local.handle import LocalRun
    from nucleoflow.profile.model import ClusterProfile
    from nucleoflow.study.model import Study

WatchOption = Annotated[
    bool, typer.Option("--watch", help="Follow it until it ends, as 'nucleoflow watch' does.")
]


def submit(
    study: StudyArgument,
    profile: TargetOption = None,
    stage: StageOption = None,
    from_run: FromOption = None,
    runs: RunsOption = None,
    name: NameOption = None,
    watch: WatchOption = False,
    plain: PlainOption = False,
) -> None:
    """Run a study, or some stages of it, in a cluster."""
    from nucleoflow.backends.argo.client import ArgoClient
    from nucleoflow.backends.argo.store import client_store
    from nucleoflow.backends.argo.submit import Submission
    from nucleoflow.backends.argo.submit import submit as send
    from nucleoflow.cli.open import open_run
    from nucleoflow.dag.plan import refuse_missing, stages_of
    from nucleoflow.profile.load import load_profile
    from nucleoflow.runs.folder import runs_root
    from nucleoflow.study.load import load_study, study_text
    from nucleoflow.study.molecules import self_contained

    loaded, target = load_study(study), load_profile(profile)
    stages = chosen_stages(stage or [])
    earlier = open_run(from_run, runs) if from_run else None
    given, results = _from(earlier, loaded, target)
    there = [*given, *_products(results)]
    refuse_missing(stages_of(loaded, stages), there)
    submission = Submission(
        loaded,
        self_contained(study_text(study)[1], loaded),
        run_name(name or loaded.name),
        stages,
        given=given,
        results=results,
        from_run=earlier.folder.id if earlier else None,
    )
    run = send(
        submission,
        runs_root(runs),
        target,
        ArgoClient(target),
        lambda: client_store(target.storage),
    )
    tell_and_watch(run, watch=watch, plain=plain)


def tell_and_watch(run: ArgoRun, *, watch: bool, plain: bool) -> None:
    """Say how a run is called and where it is seen, and follow it if that is wanted."""
    from nucleoflow.cli.follow import command
    from nucleoflow.cli.follow import watch as watch_run

    typer.echo(f"submitted {run.folder.id}")
    typer.echo(f"  {run.client.address(run.folder.id)}")
    if watch:
        raise typer.Exit(watch_run(run, plain=plain))
    typer.echo(f"  follow it with: {command('watch', run.folder)}")


def _from(
    earlier: LocalRun | ArgoRun | None, study: Study, target: ClusterProfile
) -> tuple[dict[str, str | list[str]], Path | None]:
    """Say where the products of an earlier run are: in the bucket already, or on this machine."""
    from nucleoflow.backends.argo.fetch import stage_artifacts
    from nucleoflow.backends.argo.resume import products_made
    from nucleoflow.backends.local.handle import LocalRun

    if earlier is None:
        return {}, None
    if isinstance(earlier, LocalRun):
        return {}, earlier.folder.results
    mine, its = target.storage, earlier.profile.storage
    if (mine.endpoint, mine.bucket, mine.prefix) != (its.endpoint, its.bucket, its.prefix):
        return {}, earlier.download(())
    return products_made(stage_artifacts(earlier.workflow()), study, mine.prefix), None


def _products(results: Path | None) -> list[str]:
    from nucleoflow.dag.plan import products_in

    return list(products_in(results)) if results else []


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(submit)
