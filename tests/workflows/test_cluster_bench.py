"""The bench of the tests on a cluster, on the stub cluster and with a kubectl that only listens."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))
sys.path.insert(0, str(Path(__file__).parent / "doctor"))

from cluster_bench import Bench  # in tests/cluster, whose own tests need a cluster
from disturbances import workflow_path
from stub_cluster import HERE, NAMESPACE, StubCluster

from nucleoflow.profile.model import ClusterProfile

KUBECTL = f"""#!{sys.executable}
import http.server, sys
port = int(sys.argv[-1].split(":")[0])
http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def stub(httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StubCluster:
    stub = StubCluster(httpserver)
    kubeconfig = tmp_path / "kubeconfig"
    stub.write_kubeconfig(kubeconfig)
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig)
    )
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(KUBECTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    profile = {
        "namespace": NAMESPACE,
        "storage": {"endpoint": "http://nucleoflow-s3:8333", "credentials_secret": "nucleoflow-s3"},
        "steps": {"md": {"gpu": None, "cpu": "500m"}},
    }
    stub.objects[f"{HERE}/configmaps/nucleoflow-profile"] = {
        "data": {"profile.yaml": json.dumps(profile)}
    }
    stub.objects[f"{HERE}/serviceaccounts/nucleoflow-user/token"] = {"status": {"token": "t0ken"}}
    stub.objects[f"{HERE}/services/nucleoflow-s3"] = {}
    keys = {"accessKey": b"access", "secretKey": b"secret"}
    stub.objects[f"{HERE}/secrets/nucleoflow-s3"] = {
        "data": {key: base64.b64encode(value).decode() for key, value in keys.items()}
    }
    return stub


@pytest.fixture
def bench(stub: StubCluster, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, NAMESPACE)
    yield made
    made.close()


def test_the_profile_is_the_charts_with_ends_of_port_forwards(bench: Bench) -> None:
    profile = ClusterProfile.model_validate(json.loads(bench.profile_file.read_text()))
    argo, store = bench.forwards
    assert profile.argo.endpoint == argo.address
    assert profile.storage.client_endpoint == store.address
    assert profile.storage.endpoint == "http://nucleoflow-s3:8333"
    assert profile.step("md").gpu is None
    assert profile.step("md").retry.backoff_s == 5
    assert bench.environment["ARGO_TOKEN"] == "Bearer t0ken"
    assert bench.environment["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert "secret" not in bench.profile_file.read_text().replace("credentials_secret", "")


def test_a_profile_for_one_test_changes_what_it_says(bench: Bench) -> None:
    short = bench.write_profile("short", train={"deadline_s": 5, "retry": {"limit": 1}})
    profile = ClusterProfile.model_validate(json.loads(short.read_text()))
    assert profile.step("train").deadline_s == 5
    assert profile.step("train").retry.limit == 1
    assert profile.step("md").deadline_s is None


def test_a_store_of_ones_own_needs_no_port_forward(stub: StubCluster, tmp_path: Path) -> None:
    del stub.objects[f"{HERE}/services/nucleoflow-s3"]
    made = Bench(tmp_path, NAMESPACE)
    made.close()
    assert len(made.forwards) == 1
    assert "client_endpoint" not in made.profile["storage"]


def test_a_port_forward_that_ends_is_started_again(bench: Bench) -> None:
    from disturbances import wait_for

    (forward, _) = bench.forwards
    first = forward._process
    assert first is not None
    first.kill()
    wait_for("new process", lambda: forward._process not in (None, first), 20, 0.1)
    wait_for("answer", forward._answers, 20, 0.1)


def test_commands_run_as_a_user_runs_them(bench: Bench) -> None:
    assert "quickstart" in bench.well("studies")
    with pytest.raises(AssertionError, match="validate nothing"):
        bench.well("validate", "nothing")


def test_the_end_of_a_run_is_waited_for(bench: Bench, stub: StubCluster) -> None:
    path = workflow_path(NAMESPACE, "quickstart-20260101-000000")
    stub.objects[path] = {"status": {"phase": "Failed"}}
    assert bench.end_of("quickstart-20260101-000000", 5) == "Failed"
