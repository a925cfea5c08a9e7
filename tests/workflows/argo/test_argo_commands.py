"""Commands about runs in a cluster, as a user types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from argo_commands import call, recorded
from argo_scenes import RUN, failed, midway, succeeded
from argo_stub import StubArgo
from argo_trees import Attempt, Tree, fnv32a
from werkzeug import Response

from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.folder import RunFolder
from nucleops.storage.folder import FolderStore


def test_a_run_from_elsewhere_is_found_by_name(
    argo: StubArgo, profile_file: Path, root: Path
) -> None:
    argo.add(midway().workflow())
    assert "no runs in" in call("list").output
    assert RUN in call("list", "--profile", profile_file).output
    assert "run-nucleate-2" in call("status", "demo", "--profile", profile_file).output
    missing = call("status", "nothing", "--profile", profile_file, code=2).output
    assert f"runs: {RUN}" in missing


def test_states_are_remembered_when_the_server_is_away(
    argo: StubArgo, profile: ClusterProfile, root: Path
) -> None:
    recorded(argo, profile, root, failed())
    recorded(argo, profile, root, Tree("other-20251128-100000"))
    assert "failed" in call("list").output
    argo.misbehave = lambda _request: Response("no", status=401)
    text = call("list").output
    rows = {line.split()[0]: line for line in text.splitlines()}
    assert "failed" in rows[RUN]
    assert "unknown" in rows["other-20251128-100000"]
    assert "ARGO_TOKEN" in text


def test_a_workflow_that_is_gone(argo: StubArgo, profile: ClusterProfile, root: Path) -> None:
    run = recorded(argo, profile, root, midway())
    argo.live = {}
    text = call("status").output
    assert "lost" in text
    assert f"workflow {RUN} is neither in the cluster nor in its archive" in text
    call("watch", "--plain", code=1)
    argo.add(failed().workflow(), archived=True)
    assert "atoms lost" in call("status").output
    argo.archive = {}
    assert run.read("result")["state"] == "failed"
    assert "failed" in call("status").output


def test_stop_and_terminate(argo: StubArgo, profile: ClusterProfile, root: Path) -> None:
    recorded(argo, profile, root, midway())
    assert f"stopping {RUN}" in call("stop", RUN).output
    assert "is being stopped" in call("status").output
    call("terminate", RUN)
    assert argo.verbs("PUT") == [
        f"PUT /api/v1/workflows/lab/{RUN}/stop", f"PUT /api/v1/workflows/lab/{RUN}/terminate",
    ]  # fmt: skip
    argo.add(failed().workflow())
    assert "is not running" in call("stop", RUN).output


def test_retry(argo: StubArgo, profile: ClusterProfile, root: Path) -> None:
    run = recorded(argo, profile, root, failed())
    call("status")
    assert run.read("result")["state"] == "failed"
    call("retry", RUN)
    assert argo.verbs("PUT") == [f"PUT /api/v1/workflows/lab/{RUN}/retry"]
    assert "running" in call("list").output
    assert "'retry' needs one that has ended" in call("retry", RUN, code=2).output
    argo.add(succeeded().workflow())
    assert "nothing to retry" in call("retry", RUN, code=2).output


def test_logs_of_a_step(
    argo: StubArgo, profile: ClusterProfile, root: Path, bucket: FolderStore
) -> None:
    recorded(argo, profile, root, midway())
    pod = fnv32a(f"{RUN}.nucleate[0].run-nucleate(2:2)(1)")
    argo.logs = {f"{RUN}-run-replica-{pod}": ["step 1", "step 2"]}
    assert call("logs", RUN, "run-nucleate-2", "-f").output == (
        "===== attempt 2 =====\nstep 1\nstep 2\n"
    )
    assert f"run-replica-{pod}: step 2" in call("logs", RUN).output
    assert "has not started yet" in call("logs", RUN, "run-nucleate-4", code=2).output
    assert "steps match" in call("logs", RUN, "run-nucleate", code=2).output
    assert "was not archived" in call("logs", RUN, "build", code=1).output
    argo.add(succeeded().workflow(), archived=True)
    argo.live = {}
    bucket.put_bytes(b"built\n", f"team/{RUN}/build/main.log")
    assert call("logs", RUN, "build").output == "built\n"
    assert "pods of run" in call("logs", RUN, code=1).output


def test_delete_asks_and_refuses(
    argo: StubArgo, profile: ClusterProfile, root: Path, bucket: FolderStore
) -> None:
    run = recorded(argo, profile, root, midway())
    assert "needs one that has ended" in call("delete", RUN, "--yes", code=2).output
    argo.add(succeeded().workflow())
    bucket.put_bytes(b"", f"team/{RUN}/report/x")
    bucket.put_bytes(b"", f"team/{RUN}-2/report/x")
    assert "say --yes" in call("delete", RUN, code=2).output
    assert run.path.is_dir()
    later = RunFolder(root / "later")
    later.path.mkdir()
    later.write("run", {"backend": "argo", "line": [RUN], "created": 2.0})
    assert "is used by later" in call("delete", RUN, "--yes", "--artifacts", code=2).output
    (later.path / "run.json").unlink()
    output = call("delete", RUN, "--yes", "--artifacts").output
    assert "removed 1 objects below artifacts/team/" in output
    assert not run.path.exists()
    assert not argo.live
    assert bucket.list("") == [f"team/{RUN}-2/report/x"]


def test_verbs_on_a_local_run(root: Path) -> None:
    run = RunFolder(root / "here-1")
    run.path.mkdir(parents=True)
    run.write("run", {"created": 1.0, "limits": {"cores": 1, "gpus": 0}})
    run.write("result", {"state": "succeeded", "exit_code": 0})
    (run.results / "report").mkdir(parents=True)
    assert "is not running" in call("terminate", "here").output
    assert str(run.results) in call("download", "here").output
    assert "it has: report" in call("download", "here", "--stage", "learn", code=2).output
    assert "nothing to resume" in call("retry", "here", code=2).output
    assert "--study means nothing" in call("resume", "here", "--study", "x", code=2).output
    assert "say --yes" in call("delete", "here", code=2).output
    call("delete", "here", "--yes")
    assert not run.path.exists()


@pytest.mark.parametrize("verb", ["stop", "terminate", "retry", "status", "watch", "logs"])
def test_a_server_that_says_no(
    argo: StubArgo, profile: ClusterProfile, root: Path, verb: str
) -> None:
    recorded(argo, profile, root, failed())
    argo.misbehave = lambda _request: Response('{"message": "no"}', status=403)
    output = call(verb, RUN, code=2).output
    assert "403" in output
    assert argo.endpoint in output


def test_attempts_are_not_confused_with_what_follows() -> None:
    from nucleoflow.backends.argo.nodes import NodeTree

    tree = Tree(RUN)
    first = tree.leaf(tree.root, "a", [Attempt("Succeeded", 0, 1)], key="a")
    second = tree.leaf(tree.root, "b", [Attempt("Running", 2)], key="b", retried=False)
    first["children"].append(second["id"])  # as Argo chains what depends on a step
    leaves = {leaf.key: leaf for leaf in NodeTree(tree.workflow()).leaves()}
    assert set(leaves) == {"a", "b"}
    assert len(leaves["a"].attempts) == 1
