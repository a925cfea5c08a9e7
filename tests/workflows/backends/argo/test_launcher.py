"""The form of Argo's pages, and what runs behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nucleoflow.backends.argo.check import check_manifest
from nucleoflow.backends.argo.launch import main, run_id_of
from nucleoflow.backends.argo.launcher import workflow_template
from nucleoflow.backends.argo.strict import check_fields
from nucleoflow.profile.load import load_profile, profile_text, shipped_profiles
from nucleoflow.study.load import load_study, study_text


@pytest.fixture(params=shipped_profiles())
def template(request: pytest.FixtureRequest) -> dict[str, Any]:
    return workflow_template(load_profile(request.param))


def launch(tmp_path: Path, study: str, **options: str) -> tuple[int, Path]:
    (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
    (tmp_path / "profile.yaml").write_text(profile_text("kind")[1], encoding="utf-8")
    out = tmp_path / "manifest.json"
    given = {
        "profile": str(tmp_path / "profile.yaml"),
        "stage": "all",
        "replicas": "",
        "image-tag": "1.2.3",
        "owner": "nucleoflow-study-x7k2p",
        "owner-uid": "1f0c",
        "output": str(out),
        **options,
    }
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    return main([str(tmp_path / "study.yaml"), *words]), out


def test_the_template_is_valid(template: dict[str, Any]) -> None:
    check_fields(template)
    check_manifest(template)


def test_the_form_asks_for_what_a_run_needs(template: dict[str, Any]) -> None:
    form = {p["name"]: p for p in template["spec"]["arguments"]["parameters"]}
    assert set(form) == {"study", "stage", "replicas", "image-tag"}
    assert form["stage"]["enum"] == [
        *("all", "build", "learn", "metad", "unbiased", "nucleate", "charges", "report")
    ]
    assert "quickstart" in form["study"]["description"]
    assert form["image-tag"]["value"] == "0.1.0"


def test_its_pods_have_few_rights(template: dict[str, Any]) -> None:
    spec = template["spec"]
    assert spec["serviceAccountName"] == "nucleoflow-launcher"
    assert spec["securityContext"]["runAsNonRoot"] is True
    by_name = {t["name"]: t for t in spec["templates"]}
    render = by_name["render"]
    assert render["container"]["securityContext"]["readOnlyRootFilesystem"] is True
    assert json.loads(render["podSpecPatch"])["automountServiceAccountToken"] is False
    assert render["container"]["image"].endswith(":{{workflow.parameters.image-tag}}")
    run = by_name["run"]["resource"]
    assert run["successCondition"] == "status.phase == Succeeded"
    assert run["manifestFrom"] == {"artifact": {"name": "manifest"}}


def test_a_shipped_study_by_its_name(tmp_path: Path) -> None:
    code, out = launch(tmp_path, "quickstart\n", replicas="7")
    assert code == 0
    manifest = json.loads(out.read_text(encoding="utf-8"))
    check_fields(manifest)
    check_manifest(manifest)
    assert manifest["metadata"]["name"].startswith("quickstart-20")
    assert manifest["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "name": "nucleoflow-study-x7k2p",
            "uid": "1f0c",
        }
    ]
    assert manifest["spec"]["serviceAccountName"] == "nucleoflow-workflow"
    text = json.dumps(manifest)
    assert "untilStep(0, 7, 1)" in text
    assert "nucleoflow/cp2k:1.2.3" in text


def test_one_stage_of_a_study_given_as_text(tmp_path: Path) -> None:
    text = study_text("quickstart")[1].replace("name: quickstart", "name: mine")
    code, out = launch(tmp_path, text, stage="build")
    assert code == 0
    manifest = json.loads(out.read_text(encoding="utf-8"))
    tasks = manifest["spec"]["templates"][0]["dag"]["tasks"]
    assert [task["name"] for task in tasks] == ["build"]
    assert manifest["metadata"]["labels"]["nucleoflow.io/study"] == "mine"


@pytest.mark.parametrize(
    ("study", "options", "message"),
    [
        ("name: [", {}, "not valid YAML"),
        ("quickstart", {"stage": "metad"}, "stage 'metad' needs systems"),
        ("quickstart", {"replicas": "0"}, "replicas: found 0, allowed: 1 or more"),
    ],
)
def test_what_is_wrong_is_said_and_ends_with_2(
    tmp_path: Path, capsys: Any, study: str, options: dict[str, str], message: str
) -> None:
    code, out = launch(tmp_path, study, **options)
    assert code == 2
    assert not out.exists()
    assert message in capsys.readouterr().err


def test_a_run_is_called_after_its_study_and_time() -> None:
    study = load_study("quickstart")
    assert run_id_of(study).startswith("quickstart-20")
    assert len(run_id_of(study)) == len("quickstart-yyyymmdd-hhmmss")
