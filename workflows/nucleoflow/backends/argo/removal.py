"""Remove what a run left in the bucket and in the cluster beside its workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nucleoflow.backends.argo.record import BACKEND
from nucleoflow.backends.argo.reuse import LINE_LABEL, ConfigMaps
from nucleoflow.backends.argo.store import client_store
from nucleoflow.runs.folder import all_runs
from nucleops.errors import NucleoError, WrongInput

if TYPE_CHECKING:
    from nucleoflow.backends.argo.runs import ArgoRun


def remove_artifacts(run: ArgoRun) -> list[str]:
    """Remove the objects of a run; returns what was removed, in words.

    Raises
    ------
    WrongInput
        A later run has taken its artifacts over.
    """
    if users := _users(run):
        raise WrongInput(
            f"what run {run.folder.id} stored in the bucket is used by {', '.join(users)}",
            advice="delete that first, or leave out --artifacts",
        )
    storage = run.profile.storage
    store = client_store(storage)
    prefix = f"{storage.prefix}{run.folder.id}/"
    keys = store.list(prefix)
    for key in keys:
        store.delete(key)
    return [f"{len(keys)} objects below {storage.bucket}/{prefix}"]


def remove_caches(run: ArgoRun) -> list[str]:
    """Remove what a resumed run looked its finished steps up in; returns it in words.

    Without access to the Kubernetes API they stay; they take some kilobytes each.
    """
    if not run.meta.get("line"):
        return []
    try:
        count = ConfigMaps(run.profile).remove(run.folder.id)
    except NucleoError as error:
        return [f"no ConfigMaps of finished steps: {error}"]
    return [f"{count} ConfigMaps of finished steps"] if count else []


def _users(run: ArgoRun) -> list[str]:
    """Runs that were resumed from a run, or started from its results, and are still there."""
    line = list(run.meta.get("line") or ())
    first = line[0] if line else run.folder.id
    labelled = run.client.workflows((f"{LINE_LABEL}={first}",))
    users = {str(w["metadata"]["name"]) for w in labelled} - {run.folder.id, *line}
    for other in all_runs(run.folder.path.parent):
        meta = other.read("run")
        started_from = other.backend == BACKEND and meta.get("from_run") == run.folder.id
        if started_from or run.folder.id in (meta.get("line") or ()):
            users.add(other.id)
    return sorted(users)
