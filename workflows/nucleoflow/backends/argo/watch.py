"""Follow a run in a cluster."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nucleoflow.backends.argo.errors import ArgoUnreachable, NoSuchWorkflow
from nucleoflow.backends.argo.status import run_status
from nucleoflow.runs.moment import RunStatus
from nucleoflow.runs.news import news_between

if TYPE_CHECKING:
    from nucleoflow.backends.argo.runs import ArgoRun


class ArgoWatcher:
    """Follow a run in a cluster.

    A server that does not answer for a while does not end the watching: the last state is shown
    with a note.

    Parameters
    ----------
    run : ArgoRun
        The run.
    patience_s : float
        Seconds without an answer after which the failure is raised.
    """

    pause_s = 5.0

    def __init__(self, run: ArgoRun, patience_s: float = 900.0) -> None:
        self.run = run
        self.patience_s = patience_s
        self.news: list[dict[str, Any]] = []
        self._last: RunStatus | None = None
        self._revision = ""
        self._answered = time.monotonic()

    def look(self) -> RunStatus:
        """Return the state now."""
        run = self.run
        try:
            revision = run.client.revision(run.folder.id)
            if self._last is not None and revision and revision == self._revision:
                self._answered = time.monotonic()
                self.news = []
                return self._last
            status = run_status(
                run.workflow(), run.folder, run.meta, run.client.address(run.folder.id)
            )
            self._revision = revision or ""
        except NoSuchWorkflow:
            status = gone(run, self._last)
        except ArgoUnreachable as error:
            silent_s = time.monotonic() - self._answered
            if self._last is None or silent_s > self.patience_s:
                raise
            self.news = []
            return replace(self._last, note=f"no answer for {silent_s:.0f} s: {error.message}")
        self._answered = time.monotonic()
        self.news = news_between(self._last, status)
        self._last = status
        return status


def gone(run: ArgoRun, last: RunStatus | None) -> RunStatus:
    """Describe a run whose workflow is neither in the cluster nor in the archive."""
    result = run.folder.read("result")
    message = f"workflow {run.folder.id} is neither in the cluster nor in its archive"
    return RunStatus(
        run=run.folder,
        meta=run.meta,
        state=str(result.get("state", "lost")),
        exit_code=result.get("exit_code"),
        problem={"kind": "no such workflow", "message": message},
        tasks=last.tasks if last else [],
        groups=last.groups if last else [],
        rounds=last.rounds if last else [],
        started=last.started if last else run.meta.get("created"),
        ended=result.get("ended"),
    )
