"""A run in a cluster, as the commands handle it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleoflow.backends.argo.client import ArgoClient, Workflow
from nucleoflow.backends.argo.errors import NoSuchWorkflow
from nucleoflow.backends.argo.nodes import seconds
from nucleoflow.backends.argo.status import workflow_state
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.handle import refuse_live
from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleoflow.backends.argo.watch import ArgoWatcher

_OVER = ("succeeded", "failed", "interrupted")


class ArgoRun:
    """One run in a cluster; see :class:`nucleoflow.runs.handle.Run`.

    Parameters
    ----------
    folder : RunFolder
        Where it is recorded; a run that was submitted from elsewhere has none yet.
    profile : ClusterProfile
        Where it runs.
    meta : dict or None
        What was asked for; None reads the record.
    client : ArgoClient or None
        How to reach the server; None makes one from the profile.
    """

    def __init__(
        self,
        folder: RunFolder,
        profile: ClusterProfile,
        meta: dict[str, Any] | None = None,
        client: ArgoClient | None = None,
    ) -> None:
        self.folder = folder
        self.profile = profile
        self.meta = folder.read("run") if meta is None else meta
        self.client = client or ArgoClient(profile)

    @property
    def slots(self) -> int:
        """Pods that may run at once."""
        return self.profile.run.parallelism

    @property
    def recorded(self) -> bool:
        """Whether this machine keeps a record of it."""
        return (self.folder.path / "run.json").is_file()

    def workflow(self) -> Workflow:
        """Return the workflow with its nodes, and note how it ended.

        Raises
        ------
        NoSuchWorkflow
            It is gone from the cluster and from the archive.
        """
        workflow = self.client.get(self.folder.id)
        note_end(self.folder, workflow)
        return workflow

    def state(self) -> str:
        """Return its state; ``lost`` if the cluster does not know it any more."""
        try:
            return workflow_state(self.workflow())
        except NoSuchWorkflow:
            return ended_state(self.folder) or "lost"

    def watch(self) -> ArgoWatcher:
        """Begin to follow it."""
        from nucleoflow.backends.argo.watch import ArgoWatcher

        return ArgoWatcher(self)

    def log(self, step: str | None, *, follow: bool) -> Iterator[str]:
        """Yield pieces of the log of a step's last attempt, or of all steps."""
        from nucleoflow.backends.argo.logs import run_log, step_log

        if step is None:
            yield from run_log(self, follow=follow)
        else:
            yield from step_log(self, step, follow=follow)

    def stop(self) -> bool:
        """End it; steps get their grace for a last checkpoint, exit handlers run."""
        return self._end(self.client.stop)

    def terminate(self) -> bool:
        """End it without exit handlers."""
        return self._end(self.client.terminate)

    def retry(self) -> None:
        """Have Argo run the failed steps again, in the same workflow.

        Raises
        ------
        WrongInput
            It runs, has succeeded, or is gone.
        """
        state = workflow_state(self.workflow())
        refuse_live(state, self.folder.id, "retry")
        if state == "succeeded":
            raise WrongInput(f"run {self.folder.id} has succeeded; there is nothing to retry")
        self.client.retry(self.folder.id)
        (self.folder.path / "result.json").unlink(missing_ok=True)

    def download(self, products: tuple[str, ...]) -> Path:
        """Bring results from the store to the run's folder; see :mod:`.fetch`."""
        from nucleoflow.backends.argo.fetch import download
        from nucleoflow.backends.argo.store import client_store

        workflow = self.workflow()
        if not self.recorded:
            self.folder.path.mkdir(parents=True, exist_ok=True)
            profile = self.profile.model_dump(mode="json", exclude_unset=True)
            self.folder.write("run", {**self.meta, "profile": profile})
            note_end(self.folder, workflow)
        return download(workflow, client_store(self.profile.storage), self.folder, products)

    def delete(self, *, artifacts: bool) -> list[str]:
        """Remove the workflow, its record here and, if asked for, what it stored.

        Raises
        ------
        WrongInput
            It runs, or another run needs what it stored.
        """
        from nucleoflow.backends.argo.removal import remove_artifacts, remove_caches

        refuse_live(self.state(), self.folder.id, "delete")
        removed = remove_artifacts(self) if artifacts else []
        removed += remove_caches(self)
        if self.client.delete(self.folder.id):
            removed.append(f"workflow {self.folder.id} in namespace {self.profile.namespace}")
        if self.folder.path.is_dir():
            shutil.rmtree(self.folder.path)
            removed.append(str(self.folder.path))
        return removed

    def _end(self, verb: Callable[[str], None]) -> bool:
        if workflow_state(self.workflow()) not in ("running", "pending"):
            return False
        verb(self.folder.id)
        return True


def note_end(folder: RunFolder, workflow: Workflow) -> None:
    """Write ``result.json`` of a recorded run once its workflow has ended."""
    state = workflow_state(workflow)
    if not (folder.path / "run.json").is_file():
        return
    if state not in _OVER:
        # it was retried, from here or in Argo's pages
        (folder.path / "result.json").unlink(missing_ok=True)
        return
    ended = seconds((workflow.get("status") or {}).get("finishedAt"))
    code = {"succeeded": 0, "interrupted": 130}.get(state, 1)
    with contextlib.suppress(OSError):  # a folder that may only be read can still be looked at
        folder.write("result", {"state": state, "exit_code": code, "ended": ended})


def ended_state(folder: RunFolder) -> str | None:
    """Return how a recorded run ended, as far as this machine has seen."""
    state = folder.read("result").get("state")
    return str(state) if state else None
