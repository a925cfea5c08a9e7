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

from argo_stub import StubArgo  # beside this file, which is not a package

from nucleoflow.profile.model import ClusterProfile

TOKEN = "planted-secret-token"


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
