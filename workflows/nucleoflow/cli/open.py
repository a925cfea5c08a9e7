"""From what a user types to a run, wherever it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nucleoflow.backends.local.handle import LocalRun
from nucleoflow.runs.folder import RunFolder, find_run, match_id, runs_root
from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleoflow.backends.argo.runs import ArgoRun
    from nucleoflow.profile.model import ClusterProfile


def open_run(reference: str, runs: Path | None, profile: str | None = None) -> LocalRun | ArgoRun:
    """Find a run.

    Parameters
    ----------
    reference : str
        Run id, the beginning of one, ``latest``, or the path of a run folder.
    runs : Path or None
        The folder that holds the runs.
    profile : str or None
        Cluster profile; given, the run is looked for in that cluster, whoever submitted it.

    Raises
    ------
    WrongInput
        No run, or more than one, is meant.
    """
    root = runs_root(runs)
    if profile is None:
        return as_run(find_run(reference, root))
    from nucleoflow.profile.load import load_profile

    return _in_cluster(reference, root, load_profile(profile))


def as_run(folder: RunFolder) -> LocalRun | ArgoRun:
    """Return the handle of a run that is recorded in a folder."""
    if folder.backend == "local":
        return LocalRun(folder)
    from nucleoflow.backends.argo.record import recorded_profile
    from nucleoflow.backends.argo.runs import ArgoRun

    return ArgoRun(folder, recorded_profile(folder))


def argo_run(run: LocalRun | ArgoRun, verb: str) -> ArgoRun:
    """Return a run that is in a cluster.

    Raises
    ------
    WrongInput
        It is on this machine, where the verb has no meaning.
    """
    if isinstance(run, LocalRun):
        raise WrongInput(f"run {run.folder.id} runs on this machine, where '{verb}' means nothing")
    return run


def _in_cluster(reference: str, root: Path, profile: ClusterProfile) -> ArgoRun:
    from nucleoflow.backends.argo.client import ArgoClient
    from nucleoflow.backends.argo.record import elsewhere
    from nucleoflow.backends.argo.runs import ArgoRun

    client = ArgoClient(profile)
    workflows = {str(w["metadata"]["name"]): w for w in client.workflows()}
    where = f"namespace {profile.namespace} at {profile.argo.endpoint}"
    if not workflows:
        raise WrongInput(
            f"there are no runs in {where}", advice="start one with 'nucleoflow submit'"
        )
    folder, meta = elsewhere(root, workflows[match_id(reference, list(workflows), where)])
    return ArgoRun(folder, profile, folder.read("run") or meta, client)
