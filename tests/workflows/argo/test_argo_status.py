"""Node trees as Argo writes them, read as the status of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from argo_scenes import RUN, UNSCHEDULABLE, failed, midway
from argo_trees import START, Attempt, Tree, fnv32a

from nucleoflow.backends.argo.errors import UnusableAnswer
from nucleoflow.backends.argo.failures import explain
from nucleoflow.backends.argo.hydrate import hydrated
from nucleoflow.backends.argo.nodes import Node, NodeTree, pod_name
from nucleoflow.backends.argo.status import run_status, workflow_state
from nucleoflow.cli.stages import fan_outs, summarise
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.moment import Round, RunStatus, Task
from nucleoflow.runs.news import news_between


def status_of(tree: Tree, **options: bool) -> RunStatus:
    workflow = hydrated(tree.workflow(**options))
    return run_status(workflow, RunFolder(Path("/runs") / tree.name), {}, "http://ui")


def tasks_of(status: RunStatus) -> dict[str, Task]:
    return {task.key: task for task in status.tasks}


def test_leaves_are_tasks_and_attempts_are_counted() -> None:
    tasks = tasks_of(status_of(midway()))
    states = {key: task.state for key, task in tasks.items()}
    assert states == {
        "build": "succeeded",
        "learn--aimd-group-init-artifact": "succeeded",
        "learn--aimd-0": "succeeded",
        "learn--aimd-1": "succeeded",
        "iter-000000--select-confs": "succeeded",
        "iter-000000--run-fp-0000": "failed",
        "iter-000000--run-fp-0001": "succeeded",
        "run-fp-check-success-ratio": "succeeded",
        "iter-000000--collect-data": "succeeded",
        "iter-000001--run-train-0000": "running",
        "iter-000001--run-train-0001": "queued",
        "run-nucleate-0": "succeeded",
        "run-nucleate-1": "running",
        "run-nucleate-2": "running",
        "run-nucleate-3": "retrying",
        "run-nucleate-4": "queued",
    }
    assert tasks["run-nucleate-2"].attempts == 2
    assert tasks["run-nucleate-2"].started == START + 70
    assert tasks["run-nucleate-4"].attempts == 0
    assert tasks["run-nucleate-1"].progress == (50, 200)
    assert tasks["build"].progress is None  # Argo writes 1/1 for every pod
    assert tasks["iter-000001--run-train-0000"].path[0] == "learn"
    assert tasks["iter-000001--run-train-0001"].message == UNSCHEDULABLE
    assert tasks["run-nucleate-3"].kind == "preempted"
    failure = tasks["iter-000000--run-fp-0000"]
    assert (failure.kind, failure.message) == ("SCF not converged", "frame 7")
    assert failure.tolerated


def test_stages_rounds_and_replicas() -> None:
    status = status_of(midway())
    stages = {s.name: s for s in summarise(status, START + 200, 10)}
    assert list(stages) == ["build", "learn", "nucleate"]
    assert stages["learn"].state == "running"
    assert stages["learn"].round == 1
    assert (stages["nucleate"].done, stages["nucleate"].total) == (1, 5)
    assert status.rounds == [Round(0, 0.625, 0.25, 0.125, 12, 11, 1)]
    (replicas,) = [f for f in fan_outs(status) if f.total > 1]
    assert (replicas.name, replicas.done, replicas.running, replicas.waiting) == (
        "nucleate", 1, 2, 2,
    )  # fmt: skip
    assert replicas.share == pytest.approx((1 + 0.25 + 0.1) / 5)


def test_what_failed_and_why() -> None:
    status = status_of(failed())
    assert (status.state, status.exit_code) == ("failed", 1)
    (first,) = status.failures
    assert (first.key, first.kind, first.message) == (
        "run-metad-open-1", "atoms lost", "all of them at step 40",
    )  # fmt: skip
    assert status.problem == {}
    assert {task.name for task in status.tasks} == {"build", "run-metad-open"}


def test_too_many_failures_are_not_tolerated() -> None:
    tree = Tree(RUN, "Failed", 100)
    learn = tree.steps(tree.root, "learn", "Failed", 0, 100)
    tree.leaf(learn, "run-fp", [Attempt("Failed", 0, 9, 2)], key="a", position=0, item="0:0")
    tree.leaf(learn, "run-fp-check-success-ratio", [Attempt("Failed", 9, 10, 1)], position=1)
    tolerated = {task.key: task.tolerated for task in status_of(tree).tasks}
    assert tolerated == {"a": False, "run-fp-check-success-ratio": False}


def test_a_failure_in_a_stage_that_succeeded_is_tolerated() -> None:
    tree = Tree(RUN, "Succeeded", 100)
    nucleate = tree.steps(tree.root, "nucleate", "Succeeded", 0, 100)
    tree.leaf(nucleate, "run-nucleate", [Attempt("Failed", 0, 9, 2)], key="a", position=0)
    (task,) = status_of(tree).tasks
    assert task.tolerated


@pytest.mark.parametrize(
    ("phase", "spec", "message", "expected"),
    [
        ("", {}, "", "pending"),
        ("Pending", {}, "Waiting for lab/Mutex/nucleoflow-demo lock. Lock status: 0/1", "pending"),
        ("Running", {}, "", "running"),
        ("Running", {"shutdown": "Stop"}, "", "running"),
        ("Succeeded", {}, "", "succeeded"),
        ("Failed", {}, "", "failed"),
        ("Error", {}, "invalid spec", "failed"),
        ("Failed", {"shutdown": "Stop"}, "", "interrupted"),
        ("Failed", {}, "Stopped with strategy 'Terminate'", "interrupted"),
    ],
)
def test_state_of_a_workflow(phase: str, spec: dict, message: str, expected: str) -> None:
    workflow = {"spec": spec, "status": {"phase": phase, "message": message}}
    assert workflow_state(workflow) == expected


def test_notes_and_problems_of_the_run_as_a_whole() -> None:
    def status(**fields: object) -> RunStatus:
        tree = Tree(RUN, str(fields.get("phase", "Running")))
        tree.message = str(fields.get("message", ""))
        tree.spec |= fields.get("spec", {})  # type: ignore[arg-type]
        return status_of(tree)

    lock = "Waiting for lab/Mutex/nucleoflow-demo lock. Lock status: 0/1"
    assert status(phase="Pending", message=lock).note == lock
    assert status(spec={"suspend": True}).note == "is suspended"
    assert status(spec={"shutdown": "Stop"}).note == "is being stopped"
    assert status(phase="Error", message="invalid spec: x").problem == {
        "kind": "workflow failed", "message": "invalid spec: x",
    }  # fmt: skip


def test_what_a_stop_ended_is_interrupted() -> None:
    tree = Tree(RUN, "Failed", 100)
    tree.message = "Stopped with strategy 'Stop'"
    tree.spec["shutdown"] = "Stop"
    message = "workflow shutdown with strategy:  Stop"
    tree.leaf(tree.root, "build", [Attempt("Failed", 0, 50, 143, message)], key="build")
    tree.leaf(tree.root, "learn", [Attempt("Running", 0)], key="learn")
    status = status_of(tree)
    assert status.state == "interrupted"
    assert [task.state for task in status.tasks] == ["interrupted", "interrupted"]


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (2, "Error (exit code 2): [labels lost] 3 of 9 frames lost", "labels lost"),
        (1, "Error (exit code 1)", "transient failure"),
        (2, "Error (exit code 2)", "fatal failure"),
        (70, "Error (exit code 70)", "program bug"),
        (137, "OOMKilled (exit code 137)", "out of memory"),
        (137, "Error (exit code 137)", "killed"),
        (143, "Error (exit code 143)", "preempted"),
        (None, "Pod was active on the node longer than the specified deadline", "time limit"),
        (None, "pod deleted", "node lost"),
        (None, "The node was low on resource: memory.", "evicted"),
        (None, "Preempted in order to admit critical pod", "preempted"),
        (None, "ImagePullBackOff: Back-off pulling image", "image not pullable"),
        (None, "", "failure"),
        (3, "Error (exit code 3)", "failure"),
    ],
)
def test_class_of_a_failure(code: int | None, message: str, kind: str) -> None:
    raw: dict = {"message": message}
    if code is not None:
        raw["outputs"] = {"exitCode": str(code)}
    found, text = explain(Node(raw))
    assert found == kind
    assert text


def test_compressed_nodes_are_unpacked() -> None:
    plain, packed = status_of(midway()), status_of(midway(), compressed=True)
    assert plain.tasks == packed.tasks
    damaged = midway().workflow(compressed=True)
    damaged["status"]["compressedNodes"] = damaged["status"]["compressedNodes"][:400]
    with pytest.raises(UnusableAnswer, match="compressed nodes are damaged"):
        hydrated(damaged)
    damaged["status"] = {"offloadNodeStatusVersion": "fnv:1", "nodes": None}
    with pytest.raises(UnusableAnswer, match="database"):
        hydrated(damaged)


def test_a_workflow_without_a_status_yet() -> None:
    status = run_status({"metadata": {"name": RUN}}, RunFolder(Path("/runs") / RUN), {})
    assert (status.state, status.tasks, status.started) == ("pending", [], None)


def test_memoized_steps_are_finished_steps() -> None:
    tree = Tree(RUN)
    node = tree.leaf(
        tree.root, "build", [Attempt("Succeeded", None, 5)], key="build", retried=False
    )
    node["memoizationStatus"] = {"hit": True, "key": "k", "cacheName": "c"}
    (task,) = status_of(tree).tasks
    assert (task.state, task.started) == ("succeeded", None)


def test_members_of_a_fan_out_in_a_dag() -> None:
    tree = Tree(RUN)
    for i in range(2):
        tree.leaf(tree.root, "md", [Attempt("Running", i)], key=f"md-{i}", item=f"{i}:{i}")
    assert [(t.key, t.name, t.path) for t in status_of(tree).tasks] == [
        ("md-0", "md", ()), ("md-1", "md", ()),
    ]  # fmt: skip


def test_names_of_pods() -> None:
    tree = midway()
    leaf = next(n for n in NodeTree(tree.workflow()).leaves() if n.key == "run-nucleate-2")
    name = f"{RUN}.nucleate[0].run-nucleate(2:2)(1)"
    assert leaf.attempts[1].pod == f"{RUN}-run-replica-{fnv32a(name)}"
    long = {"id": f"{'w' * 60}-1234567890", "templateName": "t" * 250}
    assert len(pod_name(long)) <= 253
    assert pod_name(long).endswith("t-1234567890")


def test_news_between_two_looks() -> None:
    before, tree = status_of(midway()), midway()
    first = news_between(None, before)
    assert first[0]["event"] == "run-started"
    assert first[0]["finished"] == 10
    assert {e["step"] for e in first[1:]} == {
        "iter-000001--run-train-0000", "run-nucleate-1", "run-nucleate-2", "run-nucleate-3",
    }  # fmt: skip
    assert news_between(before, status_of(midway())) == []
    for node in tree.nodes.values():
        if node["displayName"].startswith("run-nucleate(1:1)"):
            node |= {"phase": "Succeeded", "finishedAt": "2025-11-28T10:06:00Z"}
    tree.phase, tree.end = "Succeeded", 400.0
    events = news_between(before, status_of(tree))
    assert [e["event"] for e in events if e.get("step") == "run-nucleate-1"] == ["succeeded"]
    assert events[-1]["event"] == "run-ended"
    assert events[-1]["state"] == "succeeded"
