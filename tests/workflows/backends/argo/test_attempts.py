"""Keys of artifacts: each attempt has its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nucleoflow.backends.argo.attempts import scope_attempts
from nucleoflow.backends.argo.stacked import STACKED_VARIABLE, STORE_VARIABLE

URL = "s3://bucket"


def script(name: str, *artifacts: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "script": {"source": ""}, "outputs": {"artifacts": list(artifacts)}}


def call(template: str, **parameters: str) -> dict[str, Any]:
    given = [{"name": name, "value": value} for name, value in parameters.items()]
    return {"name": "step", "template": template, "arguments": {"parameters": given}}


def scoped(*templates: dict[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    made = scope_attempts({"spec": {"templates": list(templates)}}, URL, prefix)
    return {template["name"]: template for template in made["spec"]["templates"]}


PACKED = {"name": "systems", "path": "/tmp/outputs/artifacts/systems"}
WHOLE = {"name": "report", "path": "/tmp/outputs/artifacts/report", "archive": {"none": {}}}


@pytest.mark.parametrize(
    ("calls", "key"),
    [
        (
            [call("t", dflow_key="build")],
            "p/{{workflow.name}}/{{inputs.parameters.dflow_key}}/{{pod.name}}/",
        ),
        ([call("t")], "p/{{workflow.name}}/{{pod.name}}/"),
        # a key that one caller leaves out would be an empty part of the path
        ([call("t", dflow_key="a"), call("t", dflow_key="")], "p/{{workflow.name}}/{{pod.name}}/"),
    ],
)
def test_an_output_names_step_and_pod(calls: list[dict[str, Any]], key: str) -> None:
    outer = {"name": "outer", "steps": [calls]}
    made = scoped(outer, script("t", PACKED, WHOLE), prefix="p/")
    keys = [artifact["s3"]["key"] for artifact in made["t"]["outputs"]["artifacts"]]
    assert keys == [f"{key}systems.tgz", f"{key}report"]


@pytest.mark.parametrize("prefix", ["", "team/"])
def test_a_member_uploads_its_outputs_itself(prefix: str) -> None:
    shared = {
        "name": "log",
        "path": "/tmp/outputs/artifacts/log",
        "archive": {"none": {}},
        "s3": {"key": prefix + "{{inputs.parameters.dflow_artifact_key}}/log"},
    }
    made = scoped(script("member", shared, PACKED), prefix=prefix)["member"]
    assert [artifact["name"] for artifact in made["outputs"]["artifacts"]] == ["systems"]
    variables = {v["name"]: v["value"] for v in made["script"]["env"]}
    assert json.loads(variables[STACKED_VARIABLE]) == {"log": shared["s3"]["key"]}
    assert variables[STORE_VARIABLE] == URL


def test_the_shared_folder_itself_stays_where_consumers_look() -> None:
    begin = {**WHOLE, "s3": {"key": "{{workflow.name}}/{{inputs.parameters.dflow_group_key}}/log"}}
    made = scoped(script("member-init-artifact", begin))["member-init-artifact"]
    assert made["outputs"]["artifacts"] == [begin]
    assert "env" not in made["script"]


def test_what_is_passed_through_and_what_was_given_is_not_changed() -> None:
    through = {"name": "models", "from": "{{steps.train.outputs.artifacts.models}}"}
    outer = {"name": "outer", "steps": [[call("t")]], "outputs": {"artifacts": [through]}}
    manifest = {"spec": {"templates": [outer, script("t", PACKED)]}}
    before = json.dumps(manifest)
    made = scope_attempts(manifest, URL)
    assert made["spec"]["templates"][0] == outer
    assert json.dumps(manifest) == before
