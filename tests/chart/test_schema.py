"""A wrong value is refused with its path, before anything reaches a cluster."""

from __future__ import annotations

import json
from typing import Any

import helm_python
import pytest
from chart_rendering import CHART, VALUES_FILES, chart_folder, render, values_of

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "key that is not there": ({"netwerkPolicies": {}}, ""),
    "key inside a section": ({"monitoring": {"serviceMonitor": True}}, "/monitoring"),
    "name that Kubernetes refuses": ({"name": "Nucleoflow"}, "/name"),
    "name that is too long": ({"name": "n" * 31}, "/name"),
    "name of a label": ({"labels": {"team name": "a"}}, "/labels"),
    "label that Kubernetes refuses": ({"labels": {"team": "a b"}}, "/labels/team"),
    "Pod Security level": ({"namespace": {"podSecurity": "strict"}}, "/namespace/podSecurity"),
    "tag with a space": ({"images": {"tag": "0.1 .0"}}, "/images/tag"),
    "variant": ({"images": {"variant": "rocm"}}, "/images/variant"),
    "image that there is not": ({"images": {"override": {"vasp": "x:1"}}}, "/images/override"),
    "pull policy": ({"images": {"pullPolicy": "Sometimes"}}, "/images/pullPolicy"),
    "endpoint without scheme": ({"objectStore": {"endpoint": "s3:9000"}}, "/objectStore/endpoint"),
    "credential in an endpoint": (
        {"objectStore": {"endpoint": "https://key:secret@s3.example.org"}},
        "/objectStore/endpoint",
    ),
    "credential as a value": ({"objectStore": {"secretKey": "abc"}}, "/objectStore"),
    "bucket": ({"objectStore": {"bucket": "My_Bucket"}}, "/objectStore/bucket"),
    "prefix without a slash": ({"objectStore": {"prefix": "team"}}, "/objectStore/prefix"),
    "switch that is a word": ({"rbac": {"create": "yes"}}, "/rbac/create"),
    "groups that are a word": ({"rbac": {"userGroups": "all"}}, "/rbac/userGroups"),
    "kind of step": ({"profile": {"steps": {"dft": {}}}}, "/profile/steps"),
    "memory with a wrong unit": (
        {"profile": {"steps": {"md": {"memory": "16 GB"}}}},
        "/profile/steps/md/memory",
    ),
    "retries below zero": (
        {"profile": {"steps": {"md": {"retry": {"limit": -1}}}}},
        "/profile/steps/md/retry/limit",
    ),
    "parallelism of a run": ({"profile": {"run": {"parallelism": 0}}}, "/profile/run/parallelism"),
    "Argo's address": ({"profile": {"argo": {"endpoint": "argo"}}}, "/profile/argo/endpoint"),
    "priority": ({"priorityClasses": {"values": {"low": "low"}}}, "/priorityClasses/values/low"),
    "preemption": (
        {"priorityClasses": {"preemptionPolicy": "Always"}},
        "/priorityClasses/preemptionPolicy",
    ),
    "quota": ({"quota": {"hard": {"pods": "many"}}}, "/quota/hard/pods"),
    "address range": (
        {"networkPolicies": {"apiServer": {"cidrs": ["everywhere"]}}},
        "/networkPolicies/apiServer/cidrs/0",
    ),
    "port": (
        {"networkPolicies": {"apiServer": {"ports": [70000]}}},
        "/networkPolicies/apiServer/ports/0",
    ),
    "who scrapes": ({"monitoring": {"scrape": "yes"}}, "/monitoring/scrape"),
    "interval": ({"monitoring": {"interval": "30"}}, "/monitoring/interval"),
    "share": (
        {"monitoring": {"rules": {"storeFreeShare": 15}}},
        "/monitoring/rules/storeFreeShare",
    ),
    "S3 server without authentication": (
        {"seaweedfs": {"allInOne": {"s3": {"enableAuth": False}}}},
        "/seaweedfs/allInOne/s3/enableAuth",
    ),
    "dependency's switch": ({"argo-workflows": {"enabled": "no"}}, "/argo-workflows/enabled"),
}

CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no store": ({"seaweedfs": {"enabled": False}}, "objectStore.endpoint"),
    "two stores": ({"objectStore": {"endpoint": "https://s3.example.org"}}, "objectStore.endpoint"),
    "store without credential": (
        {
            "seaweedfs": {"enabled": False},
            "objectStore": {"endpoint": "https://s3.example.org"},
        },
        "objectStore.credentialsSecret",
    ),
    "credential and identity": (
        {
            "seaweedfs": {"enabled": False},
            "objectStore": {
                "endpoint": "https://s3.example.org",
                "credentialsSecret": "mine",
                "workloadIdentity": True,
            },
        },
        "objectStore.credentialsSecret",
    ),
    "identity for SeaweedFS": (
        {"objectStore": {"workloadIdentity": True}},
        "objectStore.workloadIdentity",
    ),
    "own credential for SeaweedFS": (
        {"objectStore": {"credentialsSecret": "mine"}},
        "objectStore.credentialsSecret",
    ),
    "authority for pods only": (
        {"objectStore": {"caConfigMap": "ca"}},
        "objectStore.caSecret",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_value_is_refused_with_its_path(case: str) -> None:
    values, path = WRONG[case]
    with pytest.raises(helm_python.HelmValuesError, match=f"at '{path}'"):
        render(values)


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradiction_is_refused_with_its_path(case: str) -> None:
    values, path = CONTRADICTIONS[case]
    with pytest.raises(helm_python.HelmError, match=f"{path}: "):
        render(values)


@pytest.mark.parametrize("name", VALUES_FILES)
def test_values_files_are_valid(name: str) -> None:
    with helm_python.Chart.load(chart_folder()) as chart:
        chart.validate_schema(chart.merge_values(values_of(name)))


def test_schema_knows_every_value_and_no_other() -> None:
    schema = json.loads(CHART.joinpath("values.schema.json").read_text())
    values = values_of("values.yaml")
    dependencies = {"argo-workflows", "seaweedfs", "global"}
    assert set(schema["properties"]) == set(values)
    for name in set(values) - dependencies:
        assert _differences(schema["properties"][name], values[name], name, schema) == []


def _differences(schema: Any, value: Any, path: str, whole: Any) -> list[str]:
    if "$ref" in schema or "properties" not in schema:
        return []
    if schema.get("additionalProperties") is not False:
        return [f"{path}: takes any key"]
    # `override` has a default without any of its keys
    missing = sorted(set(value) ^ set(schema["properties"])) if value else []
    found = [f"{path}.{name}: in only one of schema and values" for name in missing]
    for name, part in schema["properties"].items():
        found += _differences(part, (value or {}).get(name), f"{path}.{name}", whole)
    return found
