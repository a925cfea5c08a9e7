"""``nucleoflow submit``: what is recorded, sent and refused."""

from __future__ import annotations

import json
from pathlib import Path

from argo_commands import MINI, TOKEN, call, recorded
from argo_scenes import RUN, succeeded
from argo_stub import StubArgo
from argo_trees import Tree
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
