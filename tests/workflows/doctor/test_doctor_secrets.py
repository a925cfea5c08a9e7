"""No output of the doctor holds a credential, whatever a server says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from doctor_visit import Doctor, of  # beside this file, which is not a package
from stub_cluster import (
    ARGO_TOKEN,
    CLUSTER_TOKEN,
    HERE,
    RBAC,
    SECRET_VALUE,
    StubCluster,
)
from typer.testing import CliRunner, Result

from nucleoflow.cli.app import app
from nucleoflow.doctor.outcome import Check, Examination, examine, passed

SECRETS = (ARGO_TOKEN, CLUSTER_TOKEN, SECRET_VALUE)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments])


@pytest.fixture
def cluster_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the checks of this machine, which start every engine."""
    monkeypatch.setattr("nucleoflow.doctor.checks.OF_THIS_MACHINE", ())


@pytest.mark.usefixtures("cluster_only")
def test_no_secret_in_any_output(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_VALUE)
    # a server that quotes what it was sent, as some proxies do
    monkeypatch.setattr(
        StubCluster,
        "_status_and_content",
        lambda self, method, path, body: (500, {"message": f"bad token: {' '.join(SECRETS)}"}),
    )
    path = doctor.write_profile()
    for output in (call("--profile", path).output, call("--profile", path, "--json").output):
        assert "bad token: " in output.replace("\n", " ")
        assert not any(secret in output for secret in SECRETS)


def test_values_of_the_secret_are_not_kept(doctor: Doctor) -> None:
    text = repr(doctor.examine())
    assert "has accessKey and secretKey" in text
    assert not any(secret in text for secret in SECRETS)


def test_a_secret_that_may_not_be_read_is_no_fault(doctor: Doctor) -> None:
    doctor.stub.refused[f"{HERE}/secrets/nucleoflow-s3"] = 403
    (found,) = of(doctor.examine(), "store credentials")
    assert found.state == "passed"


@pytest.mark.usefixtures("cluster_only")
def test_the_table_fits_80_columns_and_the_exit_code_tells(doctor: Doctor) -> None:
    well = call("--profile", doctor.write_profile())
    assert well.exit_code == 0, well.output
    assert "Traceback" not in well.output
    doctor.profile["steps"] = {"md": {"cpu": "500", "memory": "900Gi"}}
    ill = call("--profile", doctor.write_profile())
    assert ill.exit_code == 1
    assert "do: change `steps.md`" in ill.output
    for output in (well.output, ill.output):
        assert max(map(len, output.splitlines())) <= 80


@pytest.mark.usefixtures("cluster_only")
def test_json_is_for_programs(doctor: Doctor) -> None:
    doctor.stub.denied.add(("delete", "workflows"))
    result = call("--profile", doctor.write_profile(), "--json")
    assert result.exit_code == 1
    content = json.loads(result.output)
    assert content["ok"] is False
    (failure,) = [f for f in content["findings"] if f["state"] == "failed"]
    assert failure["check"] == "your rights"
    assert failure["item"] == "workflows.argoproj.io"
    assert "delete" in failure["do"]


def test_without_a_profile_only_this_machine_is_checked(
    stub: StubCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    result = call()
    assert "no cluster was checked" in result.output
    assert "API server" not in result.output
    assert stub.requests == []


def test_roles_are_read_where_reviews_of_others_are_not_allowed(doctor: Doctor) -> None:
    doctor.stub.reviews_of_others = False
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "Role", "name": "executor"},
        "subjects": [{"kind": "ServiceAccount", "name": "nucleoflow-workflow"}],
    }
    other = {**binding, "subjects": [{"kind": "ServiceAccount", "name": "somebody-else"}]}
    doctor.stub.add_list(f"{RBAC}/namespaces/lab/rolebindings", [other, binding])
    rule = {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create"]}
    role = {"rules": [rule]}
    doctor.stub.objects[f"{RBAC}/namespaces/lab/roles/executor"] = role
    (found,) = of(doctor.examine(), "pods' account")
    assert found.state == "failed"
    assert "may not: patch workflowtaskresults.argoproj.io" in found.detail
    rule["verbs"] = ["*"]
    assert of(doctor.examine(), "pods' account")[0].state == "passed"
    doctor.stub.refused[f"{RBAC}/namespaces/lab/rolebindings"] = 403
    (found,) = of(doctor.examine(), "pods' account")
    assert found.state == "warned"
    assert "kubectl auth can-i" in found.advice


def test_a_check_that_breaks_does_not_end_the_others() -> None:
    def broken(subject: Examination) -> list[None]:
        raise ZeroDivisionError("key-of-somebody")

    checks = (Check("a", broken), Check("b", lambda s: [passed("fine")]))  # type: ignore[arg-type]
    first, second = examine(checks, Examination(secrets={"key-of-somebody"}))
    assert first.state == "failed"
    assert "ZeroDivisionError: ***" in first.detail
    assert "report it" in first.advice
    assert second.state == "passed"
