"""Which pods fit: nodes, quotas, limit ranges."""

from __future__ import annotations

import pytest
from doctor_visit import Doctor, of  # beside this file, which is not a package
from faults import (
    Case,
    cordon,
    down,
    limit_range,
    nodes,
    put,
    quota,
    refuse,
    small_disk,
    steps,
    taint,
    without_gpu,
)
from stub_cluster import HERE

FAILURES: dict[str, Case] = {
    "no GPU": Case(
        nodes(without_gpu), "nodes", "nvidia.com/gpu: 1 wanted, 0 allocatable", "steps.train"
    ),
    "taint": Case(
        nodes(taint), "nodes", "taint nvidia.com/gpu not tolerated (2 of 2 nodes)", "add a node"
    ),
    "cordoned": Case(nodes(cordon), "nodes", "cordoned (2 of 2 nodes)", "add a node"),
    "nodes down": Case(nodes(down), "nodes", "not ready", "add a node"),
    "selector": Case(
        steps("label", node_selector={"disk": "ssd"}),
        "nodes",
        "selector disk=ssd not met",
        "steps.label",
    ),
    "too much memory": Case(
        steps("label", memory="128Gi"),
        "nodes",
        "memory: 128 GiB wanted, 64 GiB allocatable",
        "steps.label",
    ),
    "too many cores": Case(
        steps("label", cpu="64"), "nodes", "cpu: 64 wanted, 16 allocatable", "steps.label"
    ),
    "no nodes": Case(put("/api/v1/nodes", {"items": []}), "nodes", "no nodes", "add nodes"),
    "quota too small": Case(
        quota({"requests.memory": "4Gi"}),
        "quotas",
        "requests.memory 4 GiB, one pod needs",
        "raise the quota",
    ),
    "quota of limits": Case(
        quota({"limits.cpu": "100"}), "quotas", "pods without a limit are refused", "cpu_limit"
    ),
    "limit range: too little": Case(
        limit_range(min={"cpu": "500m"}), "quotas", "at least 0.5", "steps.light"
    ),
    "limit range: too much": Case(
        limit_range(max={"memory": "2Gi"}),
        "quotas",
        "allows memory up to 2 GiB",
        "limit range raised",
    ),
    "limit range: default": Case(
        limit_range(default={"cpu": "500m"}), "quotas", "limit of cpu 0.5 below", "cpu_limit"
    ),
}

WARNINGS: dict[str, Case] = {
    "small disks": Case(
        nodes(small_disk), "nodes", "scratch may fill 20 GiB, the nodes' disks", "steps.md.scratch"
    ),
    "nodes hidden": Case(refuse("/api/v1/nodes", 403), "nodes", "403", "list"),
    "quotas hidden": Case(refuse(f"{HERE}/resourcequotas", 403), "quotas", "403", "resourcequotas"),
    "quota full": Case(
        quota({"requests.cpu": "8"}, {"requests.cpu": "7500m"}), "quotas", "0.5 left now", "wait"
    ),
    "quota of pods": Case(
        quota({"pods": "20"}), "quotas", "allows 20 pods, a run up to 256", "run.parallelism"
    ),
    "memory grows": Case(
        steps("label", memory="32Gi", retry={"memory_growth": 2.0}),
        "nodes",
        "at its last retry none",
        "memory_growth",
    ),
}


@pytest.mark.parametrize("broken", FAILURES)
def test_one_broken_thing_is_found_and_only_that(doctor: Doctor, broken: str) -> None:
    FAILURES[broken].assert_fails(doctor)


@pytest.mark.parametrize("broken", WARNINGS)
def test_what_is_not_ideal_or_not_visible_is_a_warning(doctor: Doctor, broken: str) -> None:
    WARNINGS[broken].assert_warns(doctor)


def test_an_autoscaler_may_add_what_is_missing(doctor: Doctor) -> None:
    for one in doctor.stub.objects["/api/v1/nodes"]["items"]:
        without_gpu(one)
    doctor.stub.objects["/apis/karpenter.sh/v1"] = {"resources": []}
    findings = of(doctor.examine(), "nodes", "train")
    assert [f.state for f in findings] == ["warned"]
    assert "autoscaler" in findings[0].advice


def test_a_toleration_lets_pods_on_tainted_nodes(doctor: Doctor) -> None:
    for one in doctor.stub.objects["/api/v1/nodes"]["items"]:
        taint(one)
    doctor.profile["steps"] = {"md": {"tolerations": [{"key": "nvidia.com/gpu"}]}}
    findings = doctor.examine()
    assert of(findings, "nodes", "md")[0].state == "passed"
    assert of(findings, "nodes", "train")[0].state == "failed"


def test_a_quota_of_another_priority_class_does_not_count(doctor: Doctor) -> None:
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": ["nucleoflow-low"]}
    quota({"pods": "0"}, scopeSelector={"matchExpressions": [scope]})(doctor.stub, {})
    assert [f.state for f in of(doctor.examine(), "quotas")] == ["passed"]
    stub_class = "/apis/scheduling.k8s.io/v1/priorityclasses/nucleoflow-low"
    doctor.stub.objects[stub_class] = {}
    doctor.profile["steps"] = {"md": {"priority_class": "nucleoflow-low"}}
    assert "pods 0" in of(doctor.examine(), "quotas", "md")[0].detail
