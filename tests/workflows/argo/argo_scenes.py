"""Workflows at moments that matter, as node trees."""

from __future__ import annotations

import json

from argo_trees import Attempt, Tree

RUN = "demo-20261128-100000"
COUNTS = {"accurate": 0.625, "candidate": 0.25, "failed": 0.125, "n_selected": 12}
LABELS = {"n_labelled": 11, "n_dropped": {"SCF not converged": 1}}
_OMITTED = "omitted: depends condition not met"
UNSCHEDULABLE = "Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu."


def done(begin: float, end: float, **fields: object) -> Attempt:
    """An attempt that succeeded."""
    return Attempt("Succeeded", begin, end, 0, **fields)  # type: ignore[arg-type]


def midway() -> Tree:
    """A run in its second round, with nucleation replicas beside it (which no study has)."""
    tree = Tree(RUN)
    key = f"team/{RUN}"
    tree.leaf(
        tree.root, "build", [done(0, 30, artifacts={"systems": f"{key}/build/systems.tgz"})],
        key="build", template="build-systems",
    )  # fmt: skip
    learn = tree.steps(tree.root, "learn", "Running", 30, key="learn")
    for i in range(2):
        tree.leaf(
            learn, "aimd", [done(40, 100 + i)], key=f"learn--aimd-{i}", position=1,
            item=f"{i}:{i}", template="run-aimd",
        )  # fmt: skip
    tree.leaf(
        learn, "aimd-init-artifact", [done(35, 36)], position=0, group_key="learn--aimd-group"
    )
    rounds = tree.steps(
        learn, "concurrent-learning", "Running", 110, position=2, key="learn--rounds"
    )
    first = tree.steps(rounds, "loop", "Running", 110, position=0, key="iter-000000--loop")
    tree.leaf(
        first, "round-select-confs", [done(120, 130, parameters={"counts": json.dumps(COUNTS)})],
        key="iter-000000--select-confs", position=0, template="select-confs",
    )  # fmt: skip
    tree.leaf(
        first, "run-fp",
        [Attempt("Failed", 130, 140, 2, "Error (exit code 2): [SCF not converged] frame 7")],
        key="iter-000000--run-fp-0000", position=1, item="0:0", template="run-label",
    )  # fmt: skip
    tree.leaf(
        first, "run-fp", [done(130, 150)], key="iter-000000--run-fp-0001", position=1,
        item="1:1", template="run-label",
    )  # fmt: skip
    tree.leaf(
        first, "run-fp-check-success-ratio", [done(150, 151)], position=2,
        template="check-success-ratio",
    )  # fmt: skip
    tree.leaf(
        first, "round-collect-data", [done(151, 160, parameters={"labels": json.dumps(LABELS)})],
        key="iter-000000--collect-data", position=3, template="collect-data",
    )  # fmt: skip
    second = tree.steps(first, "loop", "Running", 160, position=4, key="iter-000001--loop")
    tree.leaf(
        second, "run-train", [Attempt("Running", 165, progress="400/1000")],
        key="iter-000001--run-train-0000", position=0, item="0:0", template="run-train",
    )  # fmt: skip
    tree.leaf(
        second, "run-train",
        [
            Attempt("Failed", 165, 170, 137, "OOMKilled (exit code 137)"),
            Attempt("Pending", 175, message=UNSCHEDULABLE),
        ],
        key="iter-000001--run-train-0001", position=0, item="1:1", template="run-train",
    )  # fmt: skip
    nucleate = tree.steps(tree.root, "nucleate", "Running", 30, key="nucleate")
    replicas = [
        [done(40, 150)],
        [Attempt("Running", 40, progress="50/200")],
        [
            Attempt("Error", 40, 60, message="pod deleted"),
            Attempt("Running", 70, progress="20/200"),
        ],
        [Attempt("Failed", 40, 90, 143, "Error (exit code 143)")],
        [Attempt("Pending", None, message=UNSCHEDULABLE)],
    ]
    for i, attempts in enumerate(replicas):
        tree.leaf(
            nucleate, "run-nucleate", attempts, key=f"run-nucleate-{i}", position=0,
            item=f"{i}:{i}", template="run-replica",
            retry_phase="Running" if i == 3 else None,
        )  # fmt: skip
    tree.never_run(
        tree.root, "unbiased", omitted=True, message="omitted: depends condition not met"
    )
    tree.never_run(nucleate, "when", omitted=False, message="when 'false' evaluated false")
    return tree


def failed() -> Tree:
    """A run whose report could not be written because a walker lost its atoms."""
    tree = Tree(RUN, "Failed", 300)
    tree.message = "child 'metad' failed"
    tree.leaf(tree.root, "build", [done(0, 30)], key="build", template="build-systems")
    metad = tree.steps(tree.root, "metad", "Failed", 30, 290, key="metad")
    tree.leaf(
        metad, "run-metad-open", [done(40, 200)], key="run-metad-open-0", position=0, item="0:0",
        template="run-metadynamics",
    )  # fmt: skip
    tree.leaf(
        metad, "run-metad-open",
        [Attempt("Failed", 40, 280, 2, "Error (exit code 2): [atoms lost] all of them at step 40")],
        key="run-metad-open-1", position=0, item="1:1", template="run-metadynamics",
    )  # fmt: skip
    tree.never_run(tree.root, "report", omitted=True, message=_OMITTED)
    return tree


def succeeded(prefix: str = "team/") -> Tree:
    """A run of ``build`` and ``report`` with outputs in the bucket."""
    tree = Tree(RUN, "Succeeded", 100)
    key = f"{prefix}{RUN}"
    outputs = {"systems": f"{key}/build/systems.tgz", "main-logs": f"{key}/build/main.log"}
    tree.leaf(
        tree.root, "build", [done(0, 30, artifacts=outputs)], key="build", template="build-systems"
    )
    tree.steps(
        tree.root, "learn", "Succeeded", 30, 60, key="learn",
        artifacts={"models": f"{key}/final/models", "dflow_bigpar": f"{key}/big"},
    )  # fmt: skip
    tree.leaf(
        tree.root, "report", [done(60, 100, artifacts={"report": f"{key}/report/report"})],
        key="report", template="write-report", retried=False,
    )  # fmt: skip
    return tree
