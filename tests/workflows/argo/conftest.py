"""A stub server, a profile that names it, and a folder of runs."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

sys.path.insert(0, str(Path(__file__).parent))

from argo_commands import TOKEN  # beside this file, which is not a package
from argo_stub import StubArgo

from nucleoflow.backends.argo.inputs import Upload
from nucleoflow.backends.argo.render import Rendered
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.study.model import Study
from nucleops.storage.folder import FolderStore


@pytest.fixture
def argo(httpserver: HTTPServer) -> StubArgo:
    return StubArgo(httpserver)


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[str]:
    """An Argo server whose certificate nobody has signed; its version is 3.7.1."""
    certificate = tmp_path / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*command, "-keyout", str(certificate), "-out", str(tmp_path / "certificate")],
        check=True, capture_output=True,
    )  # fmt: skip
    with certificate.open("a") as file:
        file.write((tmp_path / "certificate").read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(host="localhost", ssl_context=context) as server:
        server.expect_request("/api/v1/version").respond_with_json({"version": "v3.7.1"})
        yield server.url_for("").rstrip("/")


@pytest.fixture
def profile_file(argo: StubArgo, tmp_path: Path) -> Path:
    path = tmp_path / "cluster.yaml"
    path.write_text(
        f"namespace: lab\nargo: {{endpoint: '{argo.endpoint}'}}\n"
        "storage: {endpoint: 'http://127.0.0.1:1', bucket: artifacts, prefix: team/}\n"
    )
    return path


@pytest.fixture
def profile(argo: StubArgo) -> ClusterProfile:
    return ClusterProfile.model_validate(
        {
            "namespace": "lab",
            "argo": {"endpoint": argo.endpoint},
            "storage": {
                "endpoint": "http://127.0.0.1:1", "bucket": "artifacts", "prefix": "team/",
            },
        }
    )  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUCLEOFLOW_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("ARGO_TOKEN", TOKEN)
    monkeypatch.setenv("NUCLEOFLOW_PROFILE", str(tmp_path / "cluster.yaml"))
    return tmp_path / "runs"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStore:
    """A folder in the place of the bucket."""
    store = FolderStore(tmp_path / "bucket")
    monkeypatch.setattr("nucleops.storage.s3.S3Store", lambda _settings: store)
    return store


@pytest.fixture
def asked_of_render(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What the renderer is asked for; a small manifest in its place."""
    asked: list[dict] = []

    def render(
        study: Study, profile: ClusterProfile, *, run_id: str, **options: object
    ) -> Rendered:
        asked.append({"study": study, "run_id": run_id, **options})
        labels = {
            "app.kubernetes.io/part-of": "nucleoflow", "nucleoflow.io/study": study.name,
            "nucleoflow.io/run": run_id,
        }  # fmt: skip
        template = {
            "name": "run-replica",
            "inputs": {"parameters": [{"name": "dflow_key"}]},
            "script": {"env": [{
                "name": "NUCLEOFLOW_CHECKPOINTS", "value": "s3://artifacts/team/{{workflow.name}}/c",
            }]},
        }  # fmt: skip
        manifest = {
            "metadata": {"name": run_id, "labels": labels},
            "spec": {"entrypoint": "study", "templates": [{"name": "study", "dag": {}}, template]},
        }
        return Rendered(manifest, [Upload(f"{run_id}/inputs/x", data=b"big")], "lock")

    monkeypatch.setattr("nucleoflow.backends.argo.render.render", render)
    return asked
