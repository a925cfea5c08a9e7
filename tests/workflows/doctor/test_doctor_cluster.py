"""API server, rights and the objects that a profile names; one broken thing at a time."""

from __future__ import annotations

import pytest
from doctor_visit import Doctor, of  # beside this file, which is not a package
from faults import (
    Case,
    deny,
    put,
    refuse,
    remove,
    say,
    steps,
)
from stub_cluster import ARGO_TOKEN, CLUSTER_TOKEN, HERE

FAILURES: dict[str, Case] = {
    "not an API server": Case(
        put("/version", {"hello": "world"}), "API server", "does not say its version", "kubeconfig"
    ),
    "API server: credentials": Case(refuse("/version", 401), "API server", "HTTP 401", "log in"),
    "API server: proxy": Case(
        refuse("/version", 404), "API server", "HTTP 404", "not that of an API server"
    ),
    "no namespace": Case(remove(HERE), "namespace", "no namespace 'lab'", "--create-namespace"),
    "namespace ends": Case(
        put(HERE, {"metadata": {}, "status": {"phase": "Terminating"}}),
        "namespace",
        "being deleted",
        "wait",
    ),
    "no CRDs": Case(
        remove("/apis/argoproj.io/v1alpha1"),
        "Argo resources",
        "not installed",
        "install Argo Workflows",
    ),
    "a CRD missing": Case(
        put("/apis/argoproj.io/v1alpha1", {"resources": [{"name": "workflows"}]}),
        "Argo resources",
        "workflowtaskresults",
        "install Argo",
    ),
    "may not create workflows": Case(
        deny("create", "workflows"),
        "your rights",
        "create",
        "create on workflows.argoproj.io in namespace 'lab'",
    ),
    "may not read logs": Case(deny("get", "pods/log"), "your rights", "get (for logs)", "pods/log"),
    "no service account": Case(
        remove(f"{HERE}/serviceaccounts/nucleoflow-workflow"),
        "pods' account",
        "no service account",
        "install the chart",
    ),
    "account may not report": Case(
        deny("patch", "workflowtaskresults"),
        "pods' account",
        "patch workflowtaskresults",
        "bind it",
    ),
    "no Secret": Case(
        remove(f"{HERE}/secrets/nucleoflow-s3"),
        "store credentials",
        "no Secret",
        "kubectl create secret generic nucleoflow-s3",
    ),
    "Secret without a key": Case(
        put(f"{HERE}/secrets/nucleoflow-s3", {"data": {"accessKey": "eA=="}}),
        "store credentials",
        "no secretKey",
        "make it anew",
    ),
    "Secret with an empty key": Case(
        put(f"{HERE}/secrets/nucleoflow-s3", {"data": {"accessKey": "eA==", "secretKey": ""}}),
        "store credentials",
        "no secretKey",
        "make it anew",
    ),
    "no pull secret": Case(
        say("images", {"pull_secrets": ["mine"]}),
        "other secrets",
        "pull secret 'mine'",
        "docker-registry mine",
    ),
    "no authority": Case(
        say("storage", {"ca_config_map": "ca"}),
        "other secrets",
        "ConfigMap 'ca'",
        "--from-file=ca.crt",
    ),
    "no priority class": Case(
        steps("md", priority_class="nope"), "priority classes", "'nope'", "md"
    ),
    "no runtime class": Case(
        steps("md", gpu={"runtime_class": "nvidia"}), "runtime classes", "'nvidia'", "device plugin"
    ),
    "no storage class": Case(
        steps("md", scratch={"storage_class": "fast"}),
        "storage classes",
        "'fast'",
        "kubectl get storageclass",
    ),
}

WARNINGS: dict[str, Case] = {
    "resume": Case(deny("create", "configmaps"), "your rights", "create (for resume", "configmaps"),
    "old Kubernetes": Case(
        put("/version", {"gitVersion": "v1.24.3"}), "API server", "older than 1.29", "upgrade"
    ),
    "Pod Security": Case(
        put(HERE, {"metadata": {"labels": {}}}),
        "namespace",
        "'privileged'",
        "kubectl label namespace lab",
    ),
    "no form": Case(
        remove(f"{HERE}/serviceaccounts/nucleoflow-launcher"),
        "form's account",
        "no service account",
        "do without the form",
    ),
    "namespace hidden": Case(refuse(HERE, 403), "namespace", "403", "get"),
    "account hidden": Case(
        refuse(f"{HERE}/serviceaccounts/nucleoflow-workflow", 403),
        "pods' account",
        "403",
        "kubectl auth can-i",
    ),
}


def test_nothing_fails_on_a_healthy_cluster(doctor: Doctor) -> None:
    findings = doctor.examine()
    assert [f for f in findings if f.state not in ("passed", "warned")] == []
    # what is not as it should be here: Argo's images and its store have no TLS, but are local
    assert [f.detail for f in findings if f.state == "warned"] == []
    assert "4 nvidia.com/gpu in a100" in of(findings, "nodes", "GPUs")[0].detail
    assert "fits 1 of 2 nodes" in of(findings, "nodes", "train")[0].detail
    assert "fits 2 of 2 nodes" in of(findings, "nodes", "label")[0].detail
    assert "accepted as ada" in of(findings, "Argo token")[0].detail


@pytest.mark.parametrize("broken", FAILURES)
def test_one_broken_thing_is_found_and_only_that(doctor: Doctor, broken: str) -> None:
    FAILURES[broken].assert_fails(doctor)


@pytest.mark.parametrize("broken", WARNINGS)
def test_what_is_not_ideal_or_not_visible_is_a_warning(doctor: Doctor, broken: str) -> None:
    WARNINGS[broken].assert_warns(doctor)


def test_what_needs_a_failed_check_is_skipped(doctor: Doctor) -> None:
    doctor.stub.refused["/version"] = 500
    findings = doctor.examine()
    states = {f.check: f.state for f in findings}
    assert states["API server"] == "failed"
    assert states["namespace"] == states["nodes"] == states["images"] == "skipped"
    assert states["your rights"] == "skipped"  # two steps away
    assert states["Argo server"] == states["bucket"] == "passed"
    assert "needs 'API server'" in of(findings, "nodes")[0].detail


def test_an_invalid_profile_leaves_nothing_to_check(doctor: Doctor) -> None:
    doctor.profile["namespace"] = "Not A Name"
    findings = doctor.examine()
    assert findings[0].state == "failed"
    assert "namespace" in findings[0].detail
    assert {f.state for f in findings[1:]} == {"skipped"}
    assert doctor.stub.requests == []


def test_rights_are_those_of_the_argo_token(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked_as() -> set[str | None]:
        doctor.stub.authorizations.clear()
        findings = doctor.examine()
        whose = of(findings, "your rights", "who")[0].detail
        assert ("ARGO_TOKEN" in whose) != ("kubeconfig" in whose)
        return {who for path, who in doctor.stub.authorizations if "selfsubject" in path}

    assert asked_as() == {f"Bearer {ARGO_TOKEN}"}
    # a token of a single sign-on means nothing to the API server
    doctor.stub.refused["/apis/authorization.k8s.io/v1"] = 401
    assert asked_as() == {f"Bearer {CLUSTER_TOKEN}"}
    del doctor.stub.refused["/apis/authorization.k8s.io/v1"]
    monkeypatch.delenv("ARGO_TOKEN")
    assert asked_as() == {f"Bearer {CLUSTER_TOKEN}"}


def test_a_context_that_is_not_there(doctor: Doctor) -> None:
    doctor.profile["kube_context"] = "elsewhere"
    (found,) = of(doctor.examine(), "kubeconfig")
    assert found.state == "failed"
    assert "elsewhere" in found.detail
    assert "get-contexts" in found.advice
