"""Send a study to a cluster."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleoflow.backends.argo.client import PART_OF, STUDY_LABEL, ArgoClient
from nucleoflow.backends.argo.errors import ArgoUnreachable
from nucleoflow.backends.argo.record import record_run
from nucleoflow.backends.argo.runs import ArgoRun
from nucleoflow.backends.argo.status import workflow_state
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.folder import RunFolder, new_run
from nucleoflow.study.model import Study
from nucleops.errors import WrongInput
from nucleops.storage.objects import ObjectStore

if TYPE_CHECKING:
    from nucleoflow.backends.argo.inputs import Upload

Given = Mapping[str, str | Sequence[str]]
"""Product (see :data:`nucleoflow.dag.plan.MAKERS`) to where it is in the bucket, without the
profile's prefix; to several places for a production."""


@dataclass(frozen=True)
class Submission:
    """What is to be submitted.

    Attributes
    ----------
    study : Study
        What to compute.
    text : str
        The study's text, which needs no other file.
    name : str
        The run id begins with it.
    stages : tuple of str
        Stages to run; empty for all.
    given : mapping
        Products that are in the bucket already.
    results : Path or None
        ``results`` folder of a run on this machine whose products are uploaded.
    from_run : str or None
        The run that both are of.
    line : tuple of str
        The runs that this one goes on from, the first first.
    adapt : callable or None
        Changes the rendered manifest before the server checks it; called with it and the run id.
    prepare : callable or None
        Called with the run id when everything else is done, before the workflow is created.
    """

    study: Study
    text: str
    name: str
    stages: tuple[str, ...] = ()
    given: Given = field(default_factory=dict)
    results: Path | None = None
    from_run: str | None = None
    line: tuple[str, ...] = ()
    adapt: Callable[[dict[str, Any], str], None] | None = None
    prepare: Callable[[str], None] | None = None


def submit(
    submission: Submission,
    root: Path,
    profile: ClusterProfile,
    client: ArgoClient,
    open_store: Callable[[], ObjectStore],
) -> ArgoRun:
    """Render a study, have the server check it, upload what it needs, and create the workflow.

    Parameters
    ----------
    submission : Submission
        What to submit.
    root : Path
        The folder that holds the runs.
    profile : ClusterProfile
        Where to.
    client : ArgoClient
        The server.
    open_store : callable
        Opens the bucket; not called if there is nothing to upload.

    Returns
    -------
    ArgoRun
        The run, recorded in its folder. Whatever fails leaves no folder behind.

    Raises
    ------
    WrongInput
        A run of the study goes on already, or the server finds the workflow not valid.
    ArgoUnreachable
        The server does not answer; no workflow was created as far as can be known.
    """
    from nucleoflow.backends.argo.render import render

    refuse_second(client, submission.study.name)
    folder = new_run(root, submission.name)
    try:
        rendered = render(
            submission.study,
            profile,
            run_id=folder.id,
            stages=submission.stages,
            given=submission.given,
            results=submission.results,
            from_run=submission.from_run,
        )
        if submission.adapt is not None:
            submission.adapt(rendered.manifest, folder.id)
        client.lint(rendered.manifest)
        if rendered.uploads:
            _upload(rendered.uploads, open_store(), profile.storage.prefix)
        if submission.prepare is not None:
            submission.prepare(folder.id)
        _record(submission, folder, profile)
        _create(client, rendered.manifest, folder)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return ArgoRun(folder, profile, client=client)


def _upload(uploads: Sequence[Upload], store: ObjectStore, prefix: str) -> None:
    for upload in uploads:
        key = f"{prefix}{upload.key}"
        if upload.path is not None:
            store.put_file(upload.path, key)
        else:
            store.put_bytes(upload.data or b"", key)


def refuse_second(client: ArgoClient, study: str) -> None:
    """Raise ``WrongInput`` if a run of a study goes on: the second would wait for its lock."""
    for workflow in client.workflows((PART_OF, f"{STUDY_LABEL}={study}")):
        state = workflow_state(workflow)
        if state in ("running", "pending"):
            name = workflow["metadata"]["name"]
            raise WrongInput(
                f"run {name} of study '{study}' is {state} in namespace {client.namespace};"
                " one run of a study goes on at a time",
                advice=f"follow it with 'nucleoflow watch {name}', end it with"
                f" 'nucleoflow stop {name}'; or give the study another name",
            )


def _record(submission: Submission, folder: RunFolder, profile: ClusterProfile) -> None:
    record_run(
        folder,
        profile,
        study=submission.text,
        name=submission.study.name,
        digest=submission.study.digest,
        stages=submission.stages,
        from_run=submission.from_run,
        line=submission.line,
        given=submission.given,
        results=submission.results,
    )


def _create(client: ArgoClient, manifest: dict[str, Any], folder: RunFolder) -> None:
    try:
        client.create(manifest)
    except ArgoUnreachable:
        # the request may have arrived although its answer did not
        if not client.live(folder.id):
            raise
