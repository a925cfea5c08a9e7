"""Studies become manifests that Argo accepts, the same bytes every time."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from nucleoflow.backends.argo.check import check_manifest
from nucleoflow.backends.argo.inputs import LARGEST_INLINE
from nucleoflow.backends.argo.render import render
from nucleoflow.backends.argo.strict import check_fields
from nucleoflow.profile.load import load_profile
from nucleoflow.study.load import load_study
from nucleops.errors import WrongInput

RUN = "quickstart-20261128-101500"


def templates_of(manifest: dict[str, Any]) -> dict[str, Any]:
    return {template["name"]: template for template in manifest["spec"]["templates"]}


def test_every_stage_of_every_study_is_valid(manifest: dict[str, Any]) -> None:
    check_fields(manifest)
    check_manifest(manifest)
    assert "status" not in manifest
    assert manifest["apiVersion"] == "argoproj.io/v1alpha1"


def test_the_same_study_gives_the_same_bytes() -> None:
    study, profile = load_study("quickstart"), load_profile("kind")
    first = json.dumps(render(study, profile, run_id=RUN).manifest)
    random.seed(5)
    assert json.dumps(render(study, profile, run_id=RUN).manifest) == first


def test_rendering_leaves_dflow_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    import dflow
    from dflow.python import PythonOPTemplate, upload_packages

    from nucleops.build import BuildSystems

    upload_packages.append("/some/package")
    monkeypatch.setitem(dflow.config, "token", "mine")
    before = (dict(dflow.config), dict(dflow.s3_config), list(upload_packages))
    render(load_study("quickstart"), load_profile("kind"), run_id=RUN)
    assert (dict(dflow.config), dict(dflow.s3_config), list(upload_packages)) == before
    assert "/some/package" in PythonOPTemplate(BuildSystems).python_packages
    upload_packages.remove("/some/package")


def test_a_whole_study_uploads_nothing_and_holds_its_values() -> None:
    study = load_study("quickstart")
    rendered = render(study, load_profile("kind"), run_id=RUN)
    assert rendered.uploads == []
    assert rendered.mutex == "nucleoflow-quickstart"
    tasks = templates_of(rendered.manifest)["study"]["dag"]["tasks"]
    report = next(task for task in tasks if task["name"] == "report")
    values = {a["name"]: a.get("raw") for a in report["arguments"]["artifacts"]}
    assert json.loads(values["dflow_bigpar_study"]["data"]) == study.model_dump(mode="json")


def test_braces_in_a_title_are_no_placeholder() -> None:
    study = load_study("quickstart").model_copy(update={"title": "Ag {{workflow.name}} {{x}}"})
    manifest = render(study, load_profile("kind"), run_id=RUN, stages=["report"]).manifest
    (task,) = templates_of(manifest)["study"]["dag"]["tasks"]
    data = next(a for a in task["arguments"]["artifacts"] if "study" in a["name"])["raw"]["data"]
    assert "{{" not in data
    assert json.loads(data)["title"] == study.title


def test_a_value_too_large_for_a_pods_environment_is_uploaded() -> None:
    study = load_study("quickstart").model_copy(update={"title": "x" * LARGEST_INLINE})
    rendered = render(study, load_profile("gpu-spot"), run_id=RUN, stages=["report"])
    (upload,) = rendered.uploads
    assert upload.data is not None
    assert json.loads(upload.data)["title"] == study.title
    assert upload.key.startswith(f"{RUN}/inputs/dflow_bigpar_study-")
    assert json.dumps({"key": f"studies/{upload.key}"}) in json.dumps(rendered.manifest)


def test_results_of_a_local_run_are_uploaded_under_names_of_their_own(tmp_path: Path) -> None:
    results = tmp_path / "secret-home" / "results"
    for name in ("systems/systems/dimer.data", "models/m0/frozen.pb", "models/m1/frozen.pb"):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text(name, encoding="utf-8")
    rendered = render(
        load_study("quickstart"),
        load_profile("kind"),
        run_id=RUN,
        stages=["unbiased"],
        results=results,
        from_run="quickstart-20260101-000000",
    )
    uploads = {upload.key: upload for upload in rendered.uploads}
    given = f"{RUN}/given"
    assert set(uploads) == {
        f"{given}/systems-0/.dflow/catalogue",
        f"{given}/systems-0/systems/systems/dimer.data",
        f"{given}/models-0/.dflow/catalogue",
        f"{given}/models-0/models/m0/frozen.pb",
        f"{given}/models-0/models/m1/frozen.pb",
    }
    catalogue = uploads[f"{given}/models-0/.dflow/catalogue"].data
    assert catalogue is not None
    assert [item["dflow_list_item"] for item in json.loads(catalogue)["path_list"]] == [
        "models/m0/frozen.pb",
        "models/m1/frozen.pb",
    ]
    assert "secret-home" not in json.dumps(rendered.manifest) + catalogue.decode()


def test_a_stage_without_what_it_needs_is_refused() -> None:
    with pytest.raises(WrongInput, match="stage 'metad' needs systems"):
        render(load_study("quickstart"), load_profile("kind"), run_id=RUN, stages=["metad"])


def test_names_read_well(rendered: Any) -> None:
    manifest = rendered("quickstart", "kind", "whole")
    names = set(templates_of(manifest))
    assert {"study", "learn", "build-systems", "run-replica", "write-report"} <= names
    assert not [name for name in names if "rnd" in name]
    assert manifest["spec"]["entrypoint"] == "study"
    assert [task["name"] for task in templates_of(manifest)["study"]["dag"]["tasks"]] == [
        *("build", "learn", "metad", "unbiased", "nucleate", "charges", "report")
    ]


def test_results_that_people_look_at_are_not_archived(rendered: Any) -> None:
    shown = {"learning", "metad", "unbiased", "nucleate", "charges", "report"}
    for template in rendered("quickstart", "kind", "whole")["spec"]["templates"]:
        for artifact in (template.get("outputs") or {}).get("artifacts") or ():
            if "script" in template and artifact["name"] in shown:
                assert artifact["archive"] == {"none": {}}
                shown.discard(artifact["name"])
    assert not shown


def test_outputs_of_fan_outs_are_left_to_the_pod_under_any_prefix(manifest: dict[str, Any]) -> None:
    for template in manifest["spec"]["templates"]:
        if "script" not in template:
            continue
        for artifact in (template.get("outputs") or {}).get("artifacts") or ():
            assert "dflow_artifact_key" not in artifact["s3"]["key"], template["name"]
        stacked = {v["name"]: v for v in template["script"]["env"]}.get("NUCLEOFLOW_STACKED")
        repeated = template["name"].removesuffix("-2") in _REPEATED
        assert (stacked is not None) == repeated, template["name"]


_REPEATED = (
    *("run-aimd", "run-train", "run-explore", "run-label"),
    *("run-metadynamics", "run-replica", "run-charges"),
)


def test_every_pod_has_progress_metrics_and_a_stage(manifest: dict[str, Any]) -> None:
    for template in manifest["spec"]["templates"]:
        if "script" not in template:
            continue
        metadata = template["metadata"]
        assert metadata["annotations"]["workflows.argoproj.io/progress"] == "0/1"
        assert metadata["labels"]["nucleoflow.io/stage"]
        names = [metric["name"] for metric in template["metrics"]["prometheus"]]
        assert "nucleoflow_steps_total" in names
        assert ("nucleoflow_md_ns_per_day" in names) == (
            metadata["labels"]["nucleoflow.io/kind"] == "md"
        )
