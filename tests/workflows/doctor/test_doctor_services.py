"""Argo server, object store, registry and clocks."""

from __future__ import annotations

import pytest
from doctor_visit import Doctor, of  # beside this file, which is not a package
from faults import (
    Case,
    put,
    refuse,
    say,
)
from stub_cluster import NAMESPACE, node

ARGO_WORKFLOWS = f"/api/v1/workflows/{NAMESPACE}"

FAILURES: dict[str, Case] = {
    "Argo too old": Case(
        put("/api/v1/version", {"version": "v3.5.15"}), "Argo version", "v3.5.15", "upgrade"
    ),
    "Argo token refused": Case(
        refuse(ARGO_WORKFLOWS, 401), "Argo token", "not accepted (401)", "kubectl create token"
    ),
    "Argo namespace refused": Case(
        refuse(ARGO_WORKFLOWS, 403), "Argo token", "may not be listed", "service account"
    ),
    "Argo broken": Case(
        refuse("/api/v1/version", 503),
        "Argo server",
        "HTTP 503",
        "logs deployment/nucleoflow-argo-server",
    ),
    "store down": Case(refuse("/", 500), "object store", "HTTP 500", "log of the store"),
    "no such image": Case(say("images", {"tag": "2"}), "images", "does not have it", "push it"),
    "image on no node": Case(
        say("images", {"pull_policy": "Never"}), "images", "pull_policy is Never", "kind load"
    ),
    "clock": Case(
        lambda stub, profile: setattr(stub, "clock_ahead_s", 3600.0),
        "clocks",
        "s ahead of this machine",
        "timedatectl",
    ),
}

WARNINGS: dict[str, Case] = {
    "unknown Argo": Case(
        put("/api/v1/version", {"version": "untagged"}), "Argo version", "untagged", "3.6"
    ),
    "private image": Case(
        refuse("/v2/nucleoflow/cp2k/manifests/1", 401),
        "images",
        "wants credentials",
        "pull_secrets",
    ),
    "registry broken": Case(
        refuse("/v2/nucleoflow/cp2k/manifests/1", 502), "images", "could not check", "ErrImagePull"
    ),
    "clock a little": Case(
        lambda stub, profile: setattr(stub, "clock_ahead_s", 60.0), "clocks", "ahead", "timedatectl"
    ),
}


@pytest.mark.parametrize("broken", FAILURES)
def test_one_broken_thing_is_found_and_only_that(doctor: Doctor, broken: str) -> None:
    FAILURES[broken].assert_fails(doctor)


@pytest.mark.parametrize("broken", WARNINGS)
def test_what_is_not_ideal_or_not_visible_is_a_warning(doctor: Doctor, broken: str) -> None:
    WARNINGS[broken].assert_warns(doctor)


def test_a_silent_server_is_given_up_in_time(doctor: Doctor) -> None:
    doctor.stub.slow_s = 1.0
    findings = doctor.examine(timeout_s=0.1)
    for check in ("API server", "Argo server", "object store"):
        (found,) = of(findings, check)
        assert found.state == "failed"
        assert found.advice
    assert "no answer in time" in of(findings, "API server")[0].detail


def test_servers_that_are_not_there(doctor: Doctor) -> None:
    nowhere = "http://127.0.0.1:1"
    doctor.profile["argo"] = {"endpoint": nowhere}
    doctor.profile["storage"] = {"endpoint": nowhere}
    findings = doctor.examine()
    assert "port-forward" in of(findings, "Argo server")[0].advice
    assert "port-forward" in of(findings, "object store")[0].advice
    assert of(findings, "bucket")[0].state == "skipped"


def test_an_argo_server_that_lets_everybody_in(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARGO_TOKEN")
    doctor.stub.objects["/api/v1/userinfo"] = {}
    (found,) = of(doctor.examine(), "Argo token")
    assert found.state == "warned"
    assert "--auth-mode=client" in found.advice


def test_a_server_that_wants_a_token_and_gets_none(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARGO_TOKEN")
    doctor.stub.refused[ARGO_WORKFLOWS] = 401
    (found,) = of(doctor.examine(), "Argo token")
    assert found.state == "failed"
    assert "$ARGO_TOKEN is not set" in found.detail
    assert "kubectl create token nucleoflow-user" in found.advice


def test_images_that_only_nodes_know_and_nodes_that_may_not_be_listed(doctor: Doctor) -> None:
    doctor.profile["images"]["pull_policy"] = "Never"
    doctor.stub.refused["/api/v1/nodes"] = 403
    assert {f.state for f in of(doctor.examine(), "images")} == {"warned"}


def test_an_image_on_the_nodes_needs_no_registry(doctor: Doctor) -> None:
    doctor.profile["images"]["override"] = {"cp2k": "127.0.0.1:1/team/cp2k:7"}
    (found,) = of(doctor.examine(), "images", "cp2k")
    assert found.state == "warned"
    held = node("cpu-1")
    held["status"]["images"] = [
        {"names": ["127.0.0.1:1/team/cp2k:7"]},
        {"names": ["<none>@<none>"]},
    ]
    doctor.stub.objects["/api/v1/nodes"]["items"].append(held)
    (found,) = of(doctor.examine(), "images", "cp2k")
    assert found.state == "passed"
    assert "on 1 of 3 nodes" in found.detail
