"""A workflow of Argo as one moment of a run, the same as a local run's."""

from __future__ import annotations

import json
from typing import Any

from nucleoflow.backends.argo.failures import ended_from_outside, explain
from nucleoflow.backends.argo.nodes import Node, NodeTree, seconds
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.moment import Group, RunStatus, Task, is_utility_name
from nucleoflow.runs.rounds import data_of, reported_output, rounds_of

_STATES = {
    "": "pending",
    "Pending": "pending",
    "Running": "running",
    "Succeeded": "succeeded",
    "Failed": "failed",
    "Error": "failed",
}
_FAILED = ("Failed", "Error")
WAITS_FOR = "nodes"


def workflow_state(workflow: dict[str, Any]) -> str:
    """Return the state of a run from its workflow, whose nodes may be left out.

    A workflow that was stopped or terminated is ``interrupted``, whatever phase it ended with.
    """
    status = workflow.get("status") or {}
    state = _STATES.get(str(status.get("phase") or ""), "running")
    if state == "failed" and (
        (workflow.get("spec") or {}).get("shutdown")
        or "with strategy" in str(status.get("message") or "")
    ):
        return "interrupted"
    return state


def run_status(
    workflow: dict[str, Any], run: RunFolder, meta: dict[str, Any], address: str = ""
) -> RunStatus:
    """Read a workflow.

    Parameters
    ----------
    workflow : dict
        With its nodes.
    run : RunFolder
        Where the run is, or would be, on this machine.
    meta : dict
        What was asked for, as in ``run.json``.
    address : str
        Page of the workflow in Argo's user interface.

    Returns
    -------
    RunStatus
        Leaf steps with all their attempts as one task each; what Argo adds to hold them together
        is left out.
    """
    tree = NodeTree(workflow)
    state = workflow_state(workflow)
    status = workflow.get("status") or {}
    tasks = [_task(tree, node, state) for node in tree.leaves()]
    groups = [
        Group(node.key, node.step, _path(tree, node), _group_phase(node)) for node in tree.holders()
    ]
    reported = _reported(tree)
    return RunStatus(
        run=run,
        meta=meta,
        state=state,
        exit_code={"succeeded": 0, "failed": 1, "interrupted": 130}.get(state),
        problem=_problem(status, state, tasks),
        tasks=tasks,
        groups=groups,
        rounds=rounds_of(reported),
        data=data_of(reported),
        started=seconds(status.get("startedAt")),
        ended=seconds(status.get("finishedAt")),
        waits_for=WAITS_FOR,
        note=_note(workflow, state),
        address=address,
    )


def _task(tree: NodeTree, node: Node, run_state: str) -> Task:
    last = node.attempts[-1] if node.attempts else node
    task = Task(
        key=node.key,
        name=node.step,
        path=_path(tree, node),
        state=_task_state(node, last, run_state),
        attempts=sum(attempt.phase != "Pending" for attempt in node.attempts),
        cores=1,
        started=last.started if last.phase != "Pending" else None,
        ended=last.ended,
        progress=last.progress,
    )
    if task.state in ("failed", "retrying"):
        task.kind, task.message = explain(last)
    elif task.state in ("queued", "pending"):
        task.message = last.message
    task.tolerated = task.state == "failed" and _went_on_without(tree, node)
    return task


def _task_state(node: Node, last: Node, run_state: str) -> str:
    over = run_state in ("succeeded", "failed", "interrupted")
    if node.phase == "Succeeded":
        return "succeeded"
    if node.phase in _FAILED:
        return "interrupted" if run_state != "failed" and ended_from_outside(last) else "failed"
    if over:
        return "interrupted"
    if last.phase in _FAILED:
        return "retrying"
    return "running" if last.phase == "Running" else "queued"


def _path(tree: NodeTree, node: Node) -> tuple[str, ...]:
    return tuple(holder.step for holder in tree.above(node))


def _group_phase(node: Node) -> str:
    return "Failed" if node.phase == "Error" else node.phase


def _went_on_without(tree: NodeTree, node: Node) -> bool:
    """Whether the workflow went on although a step failed.

    So it is if anything that holds the step succeeded, or has begun steps of a later position.
    dflow's own check of how many members of a fan-out failed does not count as later: where it
    fails, the failures were too many.
    """
    inner = node
    for holder in reversed(tree.above(node)):
        if holder.phase == "Succeeded" or _has_later(tree, holder, inner):
            return True
        inner = holder
    root = tree.root
    return root is not None and (root.phase == "Succeeded" or _has_later(tree, root, inner))


def _has_later(tree: NodeTree, holder: Node, inner: Node) -> bool:
    position = tree.position(inner)
    if position is None:
        return False
    return any(
        (tree.position(other) or 0) > position
        for other in tree.nodes.values()
        if other.boundary == holder.id
        and other.type not in ("StepGroup", "Skipped")
        and not is_utility_name(other.step)
    )


def _reported(tree: NodeTree) -> dict[str, dict[str, Any]]:
    """What finished steps of concurrent learning say about it."""
    found: dict[str, dict[str, Any]] = {}
    for node in tree.leaves():
        name = reported_output(node.key)
        if name is None or node.phase != "Succeeded":
            continue
        try:
            content = json.loads(node.outputs.get(name, ""))
        except ValueError:
            continue
        if isinstance(content, dict):
            found[node.key] = content
    return found


def _problem(status: dict[str, Any], state: str, tasks: list[Task]) -> dict[str, Any]:
    if state != "failed" or any(t.state == "failed" and not t.tolerated for t in tasks):
        return {}
    return {"kind": "workflow failed", "message": str(status.get("message") or "")}


def _note(workflow: dict[str, Any], state: str) -> str:
    """Say what a run that has not ended waits for, if anything."""
    spec, status = workflow.get("spec") or {}, workflow.get("status") or {}
    if state not in ("pending", "running"):
        return ""
    if spec.get("shutdown"):
        return "is being stopped"
    if spec.get("suspend"):
        return "is suspended"
    if state == "pending" or str(status.get("message") or "").startswith("Waiting for"):
        return str(status.get("message") or "waits for Argo's controller to begin")
    return ""
