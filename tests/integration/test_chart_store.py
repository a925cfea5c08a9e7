"""The chart's S3 identities and scripts against the real server that it installs (SeaweedFS)."""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import helm_python
import pytest
import yaml
from botocore.exceptions import ClientError, EndpointConnectionError
from pytest_httpserver import HTTPServer

from nucleops.errors import WrongInput
from nucleops.storage.objects import open_store
from nucleops.storage.s3_client import S3Settings, make_client

sys.path.insert(0, str(Path(__file__).parent))
from s3_server import S3Server

CHART = Path(__file__).parents[2] / "helm" / "nucleoflow"
BUCKET = "laboratory"
Secrets = dict[str, dict[str, str]]


def _script(name: str) -> ModuleType:
    path = CHART / "files" / f"{name}.py"
    specification = importlib.util.spec_from_file_location(f"chart_{name}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def secrets() -> Secrets:
    """The Secrets that the chart makes, by their names, decoded."""
    values = {"objectStore": {"bucket": BUCKET}}
    with helm_python.Chart.load(CHART) as chart:
        texts = chart.render(values, name="nucleoflow", namespace="nucleoflow")
    documents = yaml.safe_load_all(texts["nucleoflow/templates/object-store-secrets.yaml"])
    return {
        secret["metadata"]["name"]: {
            key: base64.b64decode(value).decode() for key, value in secret["data"].items()
        }
        for secret in documents
    }


@pytest.fixture(scope="module")
def server(secrets: Secrets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server that knows the identities of the chart's Secret."""
    identities = json.loads(secrets["nucleoflow-s3-server"]["seaweedfs_s3_config"])["identities"]
    running = S3Server(tmp_path_factory.mktemp("chart-store"), more_identities=identities)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def as_administrator(server: S3Server, secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the Job that makes the bucket."""
    secret = secrets["nucleoflow-s3-server"]
    _sign(monkeypatch, server, secret["adminAccessKey"], secret["adminSecretKey"])


@pytest.fixture
def as_pod(server: S3Server, secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of pods of runs, with the bucket there."""
    admin, pods = secrets["nucleoflow-s3-server"], secrets["nucleoflow-s3"]
    _sign(monkeypatch, server, admin["adminAccessKey"], admin["adminSecretKey"])
    assert _script("bucket").main(BUCKET) == 0
    _sign(monkeypatch, server, pods["accessKey"], pods["secretKey"])


def _sign(patch: pytest.MonkeyPatch, server: S3Server, access_key: str, secret_key: str) -> None:
    patch.setenv("NUCLEOFLOW_S3_ENDPOINT", server.endpoint)
    patch.setenv("AWS_ACCESS_KEY_ID", access_key)
    patch.setenv("AWS_SECRET_ACCESS_KEY", secret_key)


@pytest.mark.usefixtures("as_administrator")
def test_the_bucket_is_made_once(capsys: pytest.CaptureFixture[str]) -> None:
    script = _script("bucket")
    assert script.main("another") == 0
    assert "made" in capsys.readouterr().out
    assert script.main("another") == 0
    assert "is there" in capsys.readouterr().out


@pytest.mark.usefixtures("as_pod")
def test_pods_do_everything_in_their_bucket(tmp_path: Path) -> None:
    store = open_store(f"s3://{BUCKET}/studies")
    path = tmp_path / "large"
    path.write_bytes(b"0123456789abcdef" * 2**21 + b"the end")
    store.put_file(path, "a/large")
    store.copy("a/large", "b/large")
    store.get_file("b/large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == path.read_bytes()
    assert store.list("") == ["a/large", "b/large"]
    for key in store.list(""):
        store.delete(key)
    assert store.list("") == []


@pytest.mark.usefixtures("as_pod")
def test_pods_reach_no_other_bucket(capsys: pytest.CaptureFixture[str]) -> None:
    for action in (lambda s: s.put_bytes(b"x", "x"), lambda s: s.list("")):
        with pytest.raises(WrongInput):
            action(open_store("s3://nucleoflow"))
    assert _script("bucket").main("of-my-own") == 1
    assert "refused (403)" in capsys.readouterr().err


@pytest.mark.usefixtures("as_pod")
def test_pods_do_not_delete_their_bucket() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        make_client(S3Settings.from_environment(BUCKET)).delete_bucket(Bucket=BUCKET)


def test_a_wrong_credential_is_said_at_once(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _sign(monkeypatch, server, "nobody", "guessed")
    assert _script("bucket").main(BUCKET) == 1
    said = capsys.readouterr().err
    assert "Check the Secret" in said
    assert "guessed" not in said


def test_a_server_that_does_not_answer_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NUCLEOFLOW_S3_ENDPOINT", "http://127.0.0.1:9")
    script = _script("bucket")
    pauses: list[float] = []
    clock = iter((0.0, 1.0, script.WAIT_S + 1))
    stopped = SimpleNamespace(sleep=pauses.append, monotonic=lambda: next(clock))
    monkeypatch.setattr(script, "time", stopped)
    tried: list[str] = []

    def refuse(client: Any, bucket: str) -> int:
        tried.append(bucket)
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    monkeypatch.setattr(script, "_made", refuse)
    assert script.main(BUCKET) == 1
    assert tried == [BUCKET, BUCKET]
    assert len(pauses) == 1
    assert "no answer" in capsys.readouterr().err


@pytest.mark.usefixtures("as_pod")
def test_helm_test_finds_a_working_store() -> None:
    assert _script("selftest").check_store(f"s3://{BUCKET}") == (
        f"store: s3://{BUCKET} takes, lists and gives back objects"
    )
    assert open_store(f"s3://{BUCKET}").list(".selftest/") == []


def test_helm_test_asks_for_the_workflows(httpserver: HTTPServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of-the-launcher")
    httpserver.expect_request(
        "/apis/argoproj.io/v1alpha1/namespaces/lab/workflows",
        headers={"Authorization": "Bearer of-the-launcher"},
    ).respond_with_json({"kind": "WorkflowList", "items": []})
    check = _script("selftest").check_argo
    assert check(httpserver.url_for(""), "lab", tmp_path) == "Argo: workflows of lab can be read"


@pytest.mark.parametrize(
    ("status", "said"), [(403, "rbac.create"), (404, "CRDs are missing"), (500, "see its log")]
)
def test_helm_test_says_what_is_missing(
    status: int, said: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("x")
    httpserver.expect_request(
        "/apis/argoproj.io/v1alpha1/namespaces/lab/workflows"
    ).respond_with_json({}, status=status)
    with pytest.raises(RuntimeError, match=said):
        _script("selftest").check_argo(httpserver.url_for(""), "lab", tmp_path)


def test_helm_test_runs_both_checks_and_fails_if_one_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = _script("selftest")
    monkeypatch.setenv("STORE", "s3://x/")
    monkeypatch.setenv("NAMESPACE", "lab")
    monkeypatch.setattr(script, "check_store", lambda url: f"store {url}")

    def fails(server: str, namespace: str) -> str:
        raise RuntimeError(f"no CRDs at {server}")

    monkeypatch.setattr(script, "check_argo", fails)
    assert script.main() == 1
    said = capsys.readouterr()
    assert said.out == "ok: store s3://x\n"
    assert said.err == "FAILED: no CRDs at https://kubernetes.default.svc\n"
