"""A run goes on after a correction: what is reused, what is done again, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from argo_commands import MINI, call, recorded
from argo_stub import StubArgo
from argo_trees import Attempt, Tree
from hera.workflows.models import Workflow as WorkflowModel

from nucleoflow.backends.argo.check import check_manifest
from nucleoflow.backends.argo.nodes import NodeTree
from nucleoflow.backends.argo.reuse import finished_steps, memoize
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.folder import RunFolder, all_runs
from nucleoflow.study.load import load_study
from nucleops.errors import WrongInput
from nucleops.storage.folder import FolderStore

RUN = "mini-20251128-100000"
KEY = f"team/{RUN}"


def interrupted() -> Tree:
    """``build`` and ``learn`` are done, one of two replicas and a walker are; the rest failed."""
    tree = Tree(RUN, "Failed", 900)
    build = Attempt("Succeeded", 0, 30, artifacts={"systems": f"{KEY}/build/systems.tgz"})
    tree.leaf(tree.root, "build", [build], key="build")
    outputs = {"models": f"{KEY}/final/models", "learning": f"{KEY}/learning"}
    learn = tree.steps(tree.root, "learn", "Succeeded", 30, 60, key="learn", artifacts=outputs)
    tree.leaf(learn, "aimd", [Attempt("Succeeded", 30, 40)], key="learn--aimd-0", position=0)
    tree.leaf(
        learn, "run-train", [Attempt("Succeeded", 40, 50)], key="iter-000000--run-train-0000",
        position=1,
    )  # fmt: skip
    metad = tree.steps(tree.root, "metad", "Failed", 60, 900, key="metad")
    tree.leaf(
        metad, "run-metad-monomer-dimer-init-artifact", [Attempt("Succeeded", 60, 61)],
        group_key="run-metad-monomer-dimer-group", position=0,
    )  # fmt: skip
    walker = Attempt("Succeeded", 60, 90, artifacts={"log": "k", "main-logs": "m"})
    failure = Attempt("Failed", 60, 90, 2, "[wrong input] timeout too short")
    tree.leaf(
        metad, "run-metad-monomer-dimer", [walker], key="run-metad-monomer-dimer-0", position=1,
        item="0:0",
    )  # fmt: skip
    nucleate = tree.steps(tree.root, "nucleate", "Failed", 60, 900, key="nucleate")
    for i, attempt in enumerate((Attempt("Succeeded", 60, 90), failure)):
        tree.leaf(
            nucleate, "run-nucleate", [attempt], key=f"run-nucleate-{i}", position=0,
            item=f"{i}:{i}",
        )  # fmt: skip
    return tree


class Notes:
    """What would be stored in the cluster for the new run."""

    def __init__(self, failure: str = "") -> None:
        self.failure = failure
        self.stored: dict[str, dict[str, str]] = {}

    def __call__(self, _profile: ClusterProfile) -> Notes:
        return self

    def add(self, run_id: str, entries: dict[str, str]) -> None:
        if self.failure:
            raise WrongInput(self.failure)
        self.stored[run_id] = dict(entries)

    def remove(self, _run_id: str) -> int:
        return 0


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Notes:
    made = Notes()
    monkeypatch.setattr("nucleoflow.backends.argo.reuse.ConfigMaps", made)
    return made


@pytest.fixture
def run(
    argo: StubArgo, profile: ClusterProfile, root: Path, bucket: FolderStore, notes: Notes
) -> RunFolder:
    return recorded(argo, profile, root, interrupted())


def corrected(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = MINI.read_text()
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    path = tmp_path / "corrected.yaml"
    path.write_text(text)
    return path


def newest(root: Path) -> RunFolder:
    return all_runs(root)[-1]


def test_finished_stages_are_inputs_and_finished_steps_are_looked_up(
    run: RunFolder, argo: StubArgo, root: Path, notes: Notes, asked_of_render: list[dict]
) -> None:
    output = call("resume", RUN).output
    (asked,) = asked_of_render
    assert asked["stages"] == ("metad", "unbiased", "nucleate", "report")
    assert asked["given"] == {
        "systems": f"{RUN}/build/systems.tgz", "models": f"{RUN}/final/models",
        "learning": f"{RUN}/learning",
    }  # fmt: skip
    new = newest(root)
    assert new.read("run")["line"] == [RUN]
    assert set(notes.stored[new.id]) == {
        "run-metad-monomer-dimer-group-init-artifact", "run-metad-monomer-dimer-0",
        "run-nucleate-0",
    }  # fmt: skip
    assert "finished stages: build, learn; 3 finished steps of metad, unbiased" in output
    workflow = argo.live[new.id]
    assert workflow["metadata"]["labels"]["nucleoflow.io/line"] == RUN
    template = workflow["spec"]["templates"][1]
    key = f"{new.id}-{{{{inputs.parameters.dflow_key}}}}"
    assert template["memoize"]["cache"]["configMap"]["name"] == key
    # molecular dynamics that was under way goes on from the checkpoints of the first run
    assert template["script"]["env"][0]["value"] == f"s3://artifacts/team/{RUN}/c"


def test_a_line_of_runs(
    run: RunFolder, argo: StubArgo, root: Path, notes: Notes, asked_of_render: list[dict]
) -> None:
    call("resume", RUN)
    second = newest(root)
    argo.live[second.id]["status"] = {"phase": "Failed"}
    call("resume", second.id)
    third = newest(root)
    assert third.read("run")["line"] == [RUN, second.id]
    template = argo.live[third.id]["spec"]["templates"][1]
    assert template["script"]["env"][0]["value"] == f"s3://artifacts/team/{RUN}/c"
    # what the first run finished is still an input of the third
    assert asked_of_render[-1]["given"]["models"] == f"{RUN}/final/models"
    assert "is used by" in call("delete", RUN, "--yes", "--artifacts", code=2).output


def test_without_the_right_to_store_steps_their_stages_begin_anew(
    run: RunFolder, argo: StubArgo, root: Path, notes: Notes, asked_of_render: list[dict]
) -> None:
    notes.failure = "ConfigMaps in namespace lab: 403 Forbidden"
    output = call("resume", RUN).output
    assert "those stages begin anew: ConfigMaps in namespace lab: 403" in output
    assert asked_of_render[0]["given"]["models"] == f"{RUN}/final/models"
    assert newest(root).id in argo.live


def test_physics_that_changed_is_refused(
    run: RunFolder, argo: StubArgo, root: Path, tmp_path: Path, asked_of_render: list[dict]
) -> None:
    path = corrected(tmp_path, ("seed:", "seed: 9 #"))
    output = call("resume", RUN, "--study", path, code=2).output
    assert "the physics of the study changed" in output
    assert "seed: " in output
    assert "nucleoflow submit" in output
    assert asked_of_render == []
    assert len(all_runs(root)) == 1


def test_a_run_that_goes_on_or_succeeded(
    run: RunFolder, argo: StubArgo, asked_of_render: list[dict]
) -> None:
    tree = interrupted()
    tree.phase = "Running"
    argo.add(tree.workflow())
    assert "'resume' needs one that has ended" in call("resume", RUN, code=2).output
    tree.phase = "Succeeded"
    argo.add(tree.workflow())
    assert "study is the same" in call("resume", RUN, code=2).output
    assert "--cores means nothing" in call("resume", RUN, "--cores", "2", code=2).output


def test_a_run_from_elsewhere(
    argo: StubArgo, profile_file: Path, root: Path, bucket: FolderStore, notes: Notes,
    asked_of_render: list[dict], tmp_path: Path,
) -> None:  # fmt: skip
    workflow = interrupted().workflow()
    workflow["metadata"]["annotations"] = {
        "nucleoflow.io/study-digest": load_study(str(MINI)).digest
    }
    argo.add(workflow)
    options = (RUN, "--profile", profile_file)
    assert "give the study with --study" in call("resume", *options, code=2).output
    other = corrected(tmp_path, ("seed:", "seed: 9 #"))
    refused = call("resume", *options, "--study", other, code=2).output
    assert "another version of the study" in refused
    assert "submitted mini-" in call("resume", *options, "--study", MINI).output


def test_entries_are_what_argo_reads() -> None:
    entries = finished_steps(
        interrupted().workflow(), lambda node: node.key.startswith("run-metad")
    )
    entry = json.loads(entries["run-metad-monomer-dimer-0"])
    assert entry["nodeID"].startswith(RUN)
    assert entry["creationTimestamp"] == "2025-11-28T10:01:30Z"
    assert [artifact["name"] for artifact in entry["outputs"]["artifacts"]] == ["log"]
    keys = {leaf.key for leaf in NodeTree(interrupted().workflow()).leaves()}
    assert set(entries) < keys


def test_only_scripts_with_a_key_are_looked_up() -> None:
    def template(name: str, *parameters: str, **kind: Any) -> dict[str, Any]:
        inputs = {"parameters": [{"name": p} for p in parameters]}
        return {"name": name, "inputs": inputs, **kind}

    manifest = {
        "spec": {
            "templates": [
                template("steps", "dflow_key", steps=[]),
                template("member", "dflow_key", "dflow_group_key", script={}),
                template("group", "dflow_group_key", script={}),
                template("check", script={}),
            ]
        }
    }
    memoize(manifest, "new-1")
    keys = {t["name"]: t.get("memoize", {}).get("key") for t in manifest["spec"]["templates"]}
    assert keys == {
        "steps": None,
        "member": "new-1-{{inputs.parameters.dflow_key}}",
        "group": "new-1-{{inputs.parameters.dflow_group_key}}-init-artifact",
        "check": None,
    }


def test_the_manifest_of_a_resumed_run_is_a_workflow(
    run: RunFolder, argo: StubArgo, root: Path, notes: Notes
) -> None:
    call("resume", RUN)
    new = newest(root)
    workflow = argo.live[new.id]
    del workflow["status"]
    check_manifest(workflow)
    WorkflowModel.model_validate(workflow)
    scripts = [t for t in workflow["spec"]["templates"] if "script" in t]
    assert {t["name"] for t in scripts if "memoize" not in t} <= {
        t["name"] for t in scripts if "check-" in t["name"]
    }
    text = json.dumps(workflow)
    assert f"s3://artifacts/team/{RUN}/checkpoints" in text
    assert "{{workflow.name}}/checkpoints" not in text
    assert "build-systems" not in {t["name"] for t in scripts}
