"""A run looks the same wherever it runs."""

from __future__ import annotations

import json
import os
import re
import socket
from functools import partial
from pathlib import Path

import pytest
from argo_scenes import COUNTS, LABELS, RUN, failed
from argo_stub import StubArgo
from argo_trees import Attempt, Tree
from rich.console import Console
from typer.testing import CliRunner

from nucleoflow.backends.argo.status import run_status
from nucleoflow.backends.local.processes import identity
from nucleoflow.cli.app import app
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.moment import RunStatus


def going_on() -> Tree:
    """Two stages, a round, replicas in every state."""
    tree = Tree(RUN)
    tree.leaf(tree.root, "build", [Attempt("Succeeded", 0, 30)], key="build")
    learn = tree.steps(tree.root, "learn", "Running", 30, key="learn")
    for step, name, content in (
        ("select-confs", "counts", COUNTS), ("collect-data", "labels", LABELS),
    ):  # fmt: skip
        tree.leaf(
            learn, f"round-{step}",
            [Attempt("Succeeded", 40, 50, parameters={name: json.dumps(content)})],
            key=f"iter-000000--{step}", position=0,
        )  # fmt: skip
    nucleate = tree.steps(tree.root, "nucleate", "Running", 60, key="nucleate")
    replicas = [
        [Attempt("Succeeded", 60, 90)],
        [Attempt("Failed", 60, 80, 1), Attempt("Running", 85, progress="3/9")],
        [Attempt("Failed", 60, 80, 1, "[out of memory] 9 GB")],
        [Attempt("Pending", None)],
    ]
    for i, attempts in enumerate(replicas):
        tree.leaf(
            nucleate, "run-nucleate", attempts, key=f"run-nucleate-{i}", position=0,
            item=f"{i}:{i}", retry_phase="Running" if i == 2 else None,
        )  # fmt: skip
    return tree


def as_local_run(status: RunStatus, run: RunFolder) -> None:
    """Write the folder that a local run in the same state would have."""
    events = [{"event": "run-started", "time": status.started}]
    children: dict[tuple[str, ...], dict[str, str]] = {}
    for node in (*status.groups, *status.tasks):
        folder = run.steps / node.key
        folder.mkdir(parents=True)
        place = children.setdefault(node.path, {})
        place[f"0-{len(place)}"] = node.key
        (folder / "name").write_text(node.name)
    for group in status.groups:
        (run.steps / group.key / "type").write_text("Steps")
        (run.steps / group.key / "phase").write_text(group.phase)
    for task in status.tasks:
        folder = run.steps / task.key
        (folder / "type").write_text("Pod")
        (folder / "phase").write_text("Succeeded" if task.state == "succeeded" else "Running")
        if task.progress:
            (folder / "progress").write_text("{}/{}".format(*task.progress))
        common = {"step": task.key, "name": task.name, "cores": 1}
        events += [{"event": "started", "time": task.started, **common}] * task.attempts
        kind = {"retrying": "attempt-failed", "running": "started"}.get(task.state, task.state)
        if kind != "started":
            end = {"kind": task.kind, "message": task.message} if task.kind else {}
            events.append({"event": kind, "time": task.ended or status.started, **common, **end})
    keys = {(*group.path, group.name): group.key for group in status.groups}
    for path, places in children.items():
        folder = run.steps / keys[path] if path else run.steps
        (folder / "children").write_text(json.dumps(places))
    for key, name, content in (
        ("iter-000000--select-confs", "counts", COUNTS),
        ("iter-000000--collect-data", "labels", LABELS),
    ):  # fmt: skip
        if (run.steps / key).is_dir():
            (run.steps / key / "outputs" / "parameters").mkdir(parents=True)
            (run.steps / key / "outputs" / "parameters" / name).write_text(json.dumps(content))
    (run.path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    # as many cores as the profile lets pods run
    run.write("run", {"study": "demo", "created": status.started, "limits": {"cores": 256}})
    if status.state == "running":
        pid = os.getpid()
        run.write(
            "controller", {"pid": pid, "identity": identity(pid), "host": socket.gethostname()}
        )
    else:
        run.write("result", {"state": status.state, "exit_code": 1, "ended": status.ended})


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert not result.exception, result.output
    return result.output


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("scene", [going_on, failed])
def test_the_same_state_looks_the_same(
    scene: type[Tree], width: int, argo: StubArgo, profile_file: Path, root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    console = partial(Console, width=width)
    monkeypatch.setattr("nucleoflow.cli.inspect.wide_console", console)
    workflow = scene().workflow()
    argo.add(workflow)
    in_cluster = shown("status", RUN, "--profile", str(profile_file))
    run = RunFolder(root / RUN)
    as_local_run(run_status(workflow, run, {}), run)
    local = shown("status", RUN)
    assert comparable(in_cluster) == comparable(local)
    assert "run-nucleate-1" in local or "atoms lost" in local


def comparable(text: str) -> list[str]:
    """Leave out what has to differ: the page of a workflow, where a log is, what is waited for."""
    text = text.replace("waiting for nodes", "waiting for cores").replace(" --profile FILE", "")
    lines = [line.rstrip() for line in text.splitlines()]
    lines = [line for line in lines if not re.match(r"  http://|log: |  \| ", line)]
    return [line for line in lines if line]


def test_lists_show_both(argo: StubArgo, profile_file: Path, root: Path) -> None:
    workflow = failed().workflow()
    argo.add(workflow)
    run = RunFolder(root / "here-20251128-100000")
    as_local_run(run_status(failed().workflow(), run, {}), run)
    text = shown("list", "--profile", str(profile_file))
    rows = {line.split()[0]: line.split() for line in text.splitlines()[1:]}
    assert rows[RUN][1].startswith("lab@")
    assert rows["here-20251128-100000"][1] == "here"
    assert [row[4] for row in rows.values()] == ["failed", "failed"]
    assert [row[-4:] for row in rows.values()] == [["5", "min", "00", "s"]] * 2
