"""Logs of pods: streamed while they are there, from the bucket when they are gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nucleoflow.backends.argo.errors import NoSuchWorkflow
from nucleoflow.backends.argo.nodes import Node, NodeTree
from nucleoflow.backends.argo.status import run_status
from nucleoflow.runs.find import find_task
from nucleoflow.runs.moment import Task
from nucleops.errors import MissingObject, ProgramFailed

if TYPE_CHECKING:
    from nucleoflow.backends.argo.runs import ArgoRun

ARCHIVED = "main-logs"
"""Name that Argo gives to the artifact with a pod's log."""
_OPEN = ("", "Pending", "Running")


def step_log(run: ArgoRun, reference: str, *, follow: bool) -> Iterator[str]:
    """Yield lines of the log of a step's last attempt that began.

    Parameters
    ----------
    run : ArgoRun
        The run.
    reference : str
        The step, see :func:`nucleoflow.runs.find.find_task`.
    follow : bool
        Go on until the attempt ends.

    Raises
    ------
    WrongInput
        No step, or more than one, is meant, or it has not started.
    ProgramFailed
        The pod is gone and its log was not archived.
    """
    workflow = run.workflow()
    tree = NodeTree(workflow)
    attempts = {leaf.key: _begun(leaf) for leaf in tree.leaves()}
    status = run_status(workflow, run.folder, run.meta)
    task = find_task(status, reference, lambda task: bool(attempts.get(task.key)))
    attempt = attempts[task.key][-1]
    number = len(attempts[task.key])
    if number > 1:
        yield f"===== attempt {number} =====\n"
    if attempt.phase in _OPEN:
        yield from _streamed(run, attempt.pod, follow=follow)
        return
    yield from _of_ended(run, attempt, task)


def run_log(run: ArgoRun, *, follow: bool) -> Iterator[str]:
    """Yield lines of all pods that are there, each with its pod's name before it."""
    try:
        for pod, line in run.client.logs(run.folder.id, None, follow=follow):
            yield f"{pod.removeprefix(f'{run.folder.id}-')}: {line}\n"
    except NoSuchWorkflow:
        raise ProgramFailed(
            f"the pods of run {run.folder.id} are gone",
            advice=f"'nucleoflow logs {run.folder.id} STEP' reads the archived log of one step",
        ) from None


def _begun(leaf: Node) -> list[Node]:
    return [attempt for attempt in leaf.attempts if attempt.phase not in ("", "Pending")]


def _of_ended(run: ArgoRun, attempt: Node, task: Task) -> Iterator[str]:
    keys = [(a.get("s3") or {}).get("key") for a in attempt.artifacts if a["name"] == ARCHIVED]
    if key := next(filter(None, keys), None):
        from nucleoflow.backends.argo.store import client_store

        try:
            yield client_store(run.profile.storage).get_bytes(key).decode("utf-8", "replace")
        except MissingObject:
            pass
        else:
            return
    found = False
    try:
        for text in _streamed(run, attempt.pod, follow=False):
            found = True
            yield text
    except NoSuchWorkflow:
        pass
    if not found:
        raise ProgramFailed(
            f"the pod of step {task.key} is gone and its log was not archived",
            advice=f"what Argo says about it: {attempt.message}" if attempt.message else "",
        )


def _streamed(run: ArgoRun, pod: str, *, follow: bool) -> Iterator[str]:
    for _pod, line in run.client.logs(run.folder.id, pod, follow=follow):
        yield f"{line}\n"
