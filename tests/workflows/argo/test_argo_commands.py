"""Commands about runs in a cluster, as a user types them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from argo_commands import MINI, TOKEN, call, recorded
from argo_scenes import RUN, failed, midway, succeeded
from argo_stub import StubArgo
from argo_trees import Attempt, Tree, fnv32a
from werkzeug import Request, Response

from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.folder import RunFolder, all_runs
from nucleops.storage.folder import FolderStore


def test_submit_records_uploads_and_creates(
    argo: StubArgo, profile_file: Path, root: Path, bucket: FolderStore, asked_of_render: list[dict]
) -> None:
    output = call("submit", MINI, "--stage", "build").output
    (run,) = all_runs(root)
    assert f"submitted {run.id}" in output
    assert f"{argo.endpoint}/workflows/lab/{run.id}" in output
    assert asked_of_render[0]["stages"] == ("build",)
    assert argo.verbs("POST") == ["POST /api/v1/workflows/lab/lint", "POST /api/v1/workflows/lab"]
    assert bucket.get_bytes(f"team/{run.id}/inputs/x") == b"big"
    meta = run.read("run")
    assert (meta["backend"], meta["study"], meta["stages"]) == ("argo", "mini", ["build"])
    assert run.study.read_text() == MINI.read_text()
    assert TOKEN not in (run.path / "run.json").read_text()
    assert "pending" in call("status").output
    assert "pending" in call("list").output


def test_submit_says_which_run_is_in_the_way(
    argo: StubArgo, profile_file: Path, root: Path, asked_of_render: list[dict]
) -> None:
    live = Tree("mini-20260101-000000")
    argo.add(live.workflow())
    output = call("submit", MINI, code=2).output
    assert "run mini-20260101-000000 of study 'mini' is running in namespace lab" in output
    assert "nucleoflow stop mini-20260101-000000" in output
    assert not all_runs(root)
    assert argo.verbs() == []


def test_what_the_server_finds_wrong_is_shown_and_nothing_stays(
    argo: StubArgo, profile_file: Path, root: Path, bucket: FolderStore, asked_of_render: list[dict]
) -> None:
    argo.lint_error = "templates.study.tasks.x template name 'y' undefined"
    output = call("submit", MINI, code=2).output
    assert "template name 'y' undefined" in output
    assert argo.verbs("POST") == ["POST /api/v1/workflows/lab/lint"]
    assert not list(root.iterdir())
    assert bucket.list("") == []


def test_submit_without_an_answer(
    argo: StubArgo, profile_file: Path, root: Path, bucket: FolderStore, asked_of_render: list[dict]
) -> None:
    def lost(request: Request) -> Response | None:
        if request.method == "POST" and request.path.endswith("/lab"):
            if created:
                argo.add(json.loads(request.get_data(as_text=True))["workflow"])
            return Response("", status=504)
        return None

    created = False
    argo.misbehave = lost
    call("submit", MINI, code=1)
    assert not list(root.iterdir())
    created = True
    assert "submitted mini-" in call("submit", MINI).output


def test_submit_starts_from_an_earlier_run(
    argo: StubArgo, profile: ClusterProfile, profile_file: Path, root: Path, bucket: FolderStore,
    asked_of_render: list[dict],
) -> None:  # fmt: skip
    recorded(argo, profile, root, succeeded())
    call("submit", MINI, "--stage", "nucleate", "--from", RUN)
    assert asked_of_render[0]["given"] == {
        "systems": f"{RUN}/build/systems.tgz", "models": f"{RUN}/final/models",
    }  # fmt: skip
    assert asked_of_render[0]["from_run"] == RUN
    local = RunFolder(root / "local-1")
    (local.results / "models").mkdir(parents=True)
    (local.results / "models" / "a.pb").write_text("")
    local.write("run", {"created": 0.0})
    argo.live = {}
    call("submit", MINI, "--stage", "nucleate", "--from", "local-1", "--name", "other")
    assert asked_of_render[1]["results"] == local.results
    assert asked_of_render[1]["run_id"].startswith("other-")
    refused = call("submit", MINI, "--stage", "metad", "--from", "local-1", code=2).output
    assert "needs systems" in refused


def test_submit_renders_for_real(
    argo: StubArgo, profile_file: Path, root: Path, bucket: FolderStore
) -> None:
    call("submit", MINI, "--stage", "build")
    (workflow,) = argo.live.values()
    assert workflow["metadata"]["labels"]["nucleoflow.io/study"] == "mini"
    assert any("script" in template for template in workflow["spec"]["templates"])
    assert TOKEN not in json.dumps(workflow)


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


def test_watch_until_the_end(
    argo: StubArgo, profile: ClusterProfile, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(argo, profile, root, midway())
    looks = iter([midway(), failed(), failed()])
    monkeypatch.setattr(
        "nucleoflow.cli.follow.time.sleep",
        lambda _seconds: argo.add(next(looks).workflow()),
    )
    text = call("watch", "--plain", code=1).output
    assert re.search(r"run started, 10 steps finished before", text)
    assert "nucleate run-nucleate-2 started (attempt 2)" in text
    assert "nucleate run-nucleate-3 attempt-failed: [preempted] exit code 143" in text
    assert "run failed" in text
    assert f"log: nucleoflow logs {RUN} run-metad-open-1" in text


def test_watching_survives_a_server_that_is_away_for_a_while(
    argo: StubArgo, profile: ClusterProfile, root: Path
) -> None:
    from nucleoflow.backends.argo.client import ArgoClient
    from nucleoflow.backends.argo.errors import ArgoUnreachable
    from nucleoflow.backends.argo.http import Connection
    from nucleoflow.backends.argo.runs import ArgoRun

    recorded(argo, profile, root, midway())
    client = ArgoClient(profile, Connection(profile.argo, backoff_s=0.0))
    watcher = ArgoRun(RunFolder(root / RUN), profile, client=client).watch()
    tasks = watcher.look().tasks
    argo.misbehave = lambda _request: Response("", status=503)
    later = watcher.look()
    assert later.tasks == tasks
    assert later.note.startswith("no answer for")
    watcher.patience_s = 0.0
    with pytest.raises(ArgoUnreachable):
        watcher.look()


def test_watching_costs_little_while_nothing_changes(
    argo: StubArgo, profile: ClusterProfile, root: Path
) -> None:
    from nucleoflow.backends.argo.runs import ArgoRun

    recorded(argo, profile, root, midway())
    argo.live[RUN]["metadata"]["resourceVersion"] = "7"
    watcher = ArgoRun(RunFolder(root / RUN), profile).watch()
    tasks = watcher.look().tasks
    argo.asked.clear()
    assert watcher.look().tasks == tasks
    assert len(argo.asked) == 1
    workflow = failed().workflow()
    workflow["metadata"]["resourceVersion"] = "8"
    argo.add(workflow)
    assert watcher.look().state == "failed"
    assert watcher.news[-1]["event"] == "run-ended"


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


def test_leaving_a_run_that_is_watched(
    argo: StubArgo, profile: ClusterProfile, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    recorded(argo, profile, root, midway())
    monkeypatch.setattr("nucleoflow.cli.follow.time.sleep", interrupt)
    output = call("watch", RUN, "--plain", code=130).output
    assert f"the run goes on; watch it again with: nucleoflow watch {RUN}" in output
    assert argo.verbs() == []


def test_watching_a_local_run(root: Path) -> None:
    run = RunFolder(root / "here-1")
    run.path.mkdir(parents=True)
    run.write("run", {"created": 1.0, "limits": {"cores": 1, "gpus": 0}})
    run.write("result", {"state": "interrupted", "exit_code": 130})
    assert "continue with: nucleoflow resume here-1" in call("watch", "--plain", code=130).output
