"""Small workflows of plain scripts, for what happens around a script rather than in it."""

from __future__ import annotations

from typing import Any

from nucleoflow.backends.argo.pods import COMMAND
from nucleoflow.backends.argo.policy import retry_strategy
from nucleoflow.profile.steps import Retry

STORE_URL = "s3://nucleoflow"
SHARED = "{{workflow.name}}/{{inputs.parameters.dflow_group_key}}"


def script(name: str, source: str, endpoint: str, **fields: Any) -> dict[str, Any]:
    """Return the template of a pod that reaches the store as ours do."""
    secret = {"name": "nucleoflow-s3"}
    return {
        "name": name,
        "script": {
            "command": COMMAND,
            "source": source,
            "env": [
                {"name": "NUCLEOFLOW_S3_ENDPOINT", "value": endpoint},
                *(
                    {"name": variable, "valueFrom": {"secretKeyRef": {**secret, "key": key}}}
                    for variable, key in (
                        ("AWS_ACCESS_KEY_ID", "accessKey"),
                        ("AWS_SECRET_ACCESS_KEY", "secretKey"),
                    )
                ),
            ],
        },
        "retryStrategy": retry_strategy(Retry(limit=2, backoff_s=1)),
        "archiveLocation": {"s3": {"key": "{{workflow.name}}/{{pod.name}}"}},
        **fields,
    }


def workflow(name: str, entrypoint: str, *templates: dict[str, Any]) -> dict[str, Any]:
    """Return a workflow of templates."""
    return {
        "metadata": {"name": name},
        "spec": {"entrypoint": entrypoint, "templates": list(templates)},
    }


def fan_out(name: str, member: str, consumer: str, endpoint: str) -> dict[str, Any]:
    """Return a workflow of three members that share a folder, as dflow writes it, and a consumer.

    Parameters
    ----------
    name : str
        Of the workflow.
    member, consumer : str
        Sources. A member leaves a folder and its catalogue in ``/tmp/outputs/artifacts/result``;
        the consumer finds all in ``/tmp/inputs/artifacts/results`` and writes
        ``/tmp/outputs/parameters/seen``.
    endpoint : str
        Address of the store.
    """
    shared = {"name": "result", "path": "/tmp/outputs/artifacts/result", "archive": {"none": {}}}
    begin = (
        "import os\n"
        "os.makedirs('/tmp/outputs/artifacts/result/.dflow')\n"
        "open('/tmp/outputs/artifacts/result/.dflow/init', 'w').write('{\"path_list\": []}')\n"
    )
    templates = (
        script(
            "member-init-artifact",
            begin,
            endpoint,
            inputs={"parameters": [{"name": "dflow_group_key"}]},
            outputs={
                "artifacts": [{**shared, "s3": {"key": f"{SHARED}/result"}}],
                "parameters": [{"name": "dflow_artifact_key", "value": SHARED}],
            },
        ),
        script(
            "member",
            member,
            endpoint,
            inputs={"parameters": [{"name": "number"}, {"name": "dflow_artifact_key"}]},
            outputs={
                "artifacts": [
                    {**shared, "s3": {"key": "{{inputs.parameters.dflow_artifact_key}}/result"}}
                ]
            },
        ),
        script(
            "consumer",
            consumer,
            endpoint,
            inputs={"artifacts": [{"name": "results", "path": "/tmp/inputs/artifacts/results"}]},
            outputs={
                "parameters": [
                    {"name": "seen", "valueFrom": {"path": "/tmp/outputs/parameters/seen"}}
                ]
            },
        ),
        {"name": "all", "steps": _steps(), "outputs": {"parameters": [_seen()]}},
    )
    return workflow(name, "all", *templates)


def _steps() -> list[list[dict[str, Any]]]:
    key = "{{=steps['begin'].outputs.parameters['dflow_artifact_key']}}"
    source = "{{steps.begin.outputs.artifacts.result}}"
    return [
        [
            {
                "name": "begin",
                "template": "member-init-artifact",
                "arguments": {"parameters": [{"name": "dflow_group_key", "value": "group"}]},
            }
        ],
        [
            {
                "name": "members",
                "template": "member",
                "withParam": "{{=toJson(sprig.untilStep(0, 3, 1))}}",
                "arguments": {
                    "parameters": [
                        {"name": "number", "value": "{{item}}"},
                        {"name": "dflow_artifact_key", "value": key},
                    ]
                },
            }
        ],
        [
            {
                "name": "consume",
                "template": "consumer",
                "arguments": {"artifacts": [{"name": "results", "from": source}]},
            }
        ],
    ]


def _seen() -> dict[str, Any]:
    return {"name": "seen", "valueFrom": {"parameter": "{{steps.consume.outputs.parameters.seen}}"}}
