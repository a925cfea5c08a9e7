"""``nucleoflow watch``: until the end, without an answer for a while, and at little cost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from argo_commands import call, recorded
from argo_scenes import RUN, failed, midway
from argo_stub import StubArgo
from werkzeug import Response

from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.folder import RunFolder


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
