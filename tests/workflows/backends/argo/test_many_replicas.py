"""Thousands of replicas: the workflow stays small, and its status grows with them, not faster."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
from typing import Any

from nucleoflow.backends.argo.files import manifest_text
from nucleoflow.backends.argo.render import render
from nucleoflow.profile.load import load_profile
from nucleoflow.study.load import load_study
from nucleoflow.study.variants import with_replicas

RUN = "ag6-20261128-101500"


@functools.cache
def nucleation(replicas: int) -> dict[str, Any]:
    study = with_replicas(load_study("ag6"), replicas)
    profile = load_profile("gpu-spot")
    given = {"models": "old/models.tgz"}
    return render(study, profile, run_id=RUN, stages=["nucleate"], given=given).manifest


def test_ten_thousand_replicas_make_no_larger_workflow() -> None:
    small, large = (len(manifest_text(nucleation(n))) for n in (10, 10_000))
    assert large < 100_000
    assert large - small < 100


def test_a_whole_study_is_no_larger_either() -> None:
    study, profile = load_study("quickstart"), load_profile("kind")
    sizes = [
        len(json.dumps(render(with_replicas(study, n), profile, run_id=RUN).manifest))
        for n in (3, 10_000)
    ]
    assert sizes[1] - sizes[0] < 100
    assert sizes[1] < 300_000  # etcd takes 1.5 MB


def resolved(node: Any, values: dict[str, str]) -> Any:
    text = json.dumps(node)
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return json.loads(text)


def status_of(manifest: dict[str, Any], replicas: int) -> dict[str, Any]:
    """Return the nodes of a fan-out as Argo's controller keeps them, of pods and of retries."""
    templates = {t["name"]: t for t in manifest["spec"]["templates"]}
    steps = [s for group in templates["nucleate"]["steps"] for s in group]
    run = next(step for step in steps if step["name"] == "run-nucleate")
    template = templates[run["template"]]
    nodes: dict[str, Any] = {}
    for number in range(replicas):
        display = f"run-nucleate({number}:{number})"
        retry_id, pod_id = (
            f"{RUN}-{int(hashlib.sha256(f'{display}{end}'.encode()).hexdigest(), 16) % 2**32}"
            for end in ("", "(0)")
        )
        values = {"item": str(number), "workflow.name": RUN}
        inputs = resolved(run["arguments"], values)
        outputs = {
            "parameters": [
                {"name": "ns_per_day", "value": f"{20 + number % 97 / 10}"},
                {"name": "dflow_success_tag", "value": "1"},
            ],
            "artifacts": [
                resolved(artifact, values | {"pod.name": pod_id})
                for artifact in template["outputs"].get("artifacts", [])
            ]
            + [
                {
                    "name": "main-logs",
                    "s3": {"key": f"{RUN}/{RUN}-run-replica-{pod_id[-10:]}/main.log"},
                }
            ],
            "exitCode": "0",
        }
        common = {
            "name": f"{RUN}.nucleate[1].{display}",
            "templateName": template["name"],
            "templateScope": f"local/{RUN}",
            "phase": "Succeeded",
            "boundaryID": f"{RUN}-1234567890",
            "startedAt": f"2026-11-28T{number % 24:02d}:{number % 60:02d}:{number % 59:02d}Z",
            "finishedAt": f"2026-11-29T{number % 23:02d}:{number % 58:02d}:{number % 57:02d}Z",
            "progress": "350000/350000",
            "resourcesDuration": {"cpu": 86400 + number, "memory": 86400 * 80 + number},
            "inputs": inputs,
            "outputs": outputs,
        }
        nodes[retry_id] = {"id": retry_id, "type": "Retry", "children": [pod_id], **common}
        nodes[pod_id] = {
            "id": pod_id,
            "type": "Pod",
            "hostNodeName": f"node-{number % 500}",
            **common,
        }
    return nodes


def test_status_grows_with_the_replicas_and_not_faster() -> None:
    sizes = {n: len(json.dumps(status_of(nucleation(n), n))) for n in (250, 500, 1000)}
    assert sizes[500] / sizes[250] < 2.01
    assert sizes[1000] / sizes[500] < 2.01
    assert sizes[1000] / 1000 < 4_000


def test_status_of_a_thousand_replicas_fits_into_an_object() -> None:
    # Argo compresses nodes where they are too many, and stores them in its database where they
    # are still too large for an object of 1 MiB
    text = json.dumps(status_of(nucleation(1000), 1000)).encode()
    stored = base64.b64encode(gzip.compress(text))
    assert len(stored) < 2**20 / 5


def test_values_of_the_study_are_not_repeated_in_the_status() -> None:
    node = next(iter(status_of(nucleation(1), 1).values()))
    assert "metal" not in json.dumps(node["inputs"])
    assert not [a for a in node["inputs"]["artifacts"] if "raw" in a]
