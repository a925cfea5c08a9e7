"""A stub cluster with a profile that names it, and a doctor to send there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

sys.path.insert(0, str(Path(__file__).parent))

from doctor_visit import Doctor  # beside this file, which is not a package
from stub_cluster import ARGO_TOKEN, StubCluster

from nucleops.storage.folder import FolderStore


@pytest.fixture
def stub(httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StubCluster:
    cluster = StubCluster(httpserver)
    kubeconfig = tmp_path / "kubeconfig"
    cluster.write_kubeconfig(kubeconfig)
    # KUBECONFIG is read when the kubernetes package is imported, so a variable would come too late
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig)
    )
    # the HTTP server writes the header Date by itself
    monkeypatch.setattr(
        "werkzeug.serving.WSGIRequestHandler.date_time_string", lambda *_: cluster.date()
    )
    monkeypatch.setenv("ARGO_TOKEN", f"Bearer {ARGO_TOKEN}")
    for variable in (
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NUCLEOFLOW_PROFILE",
    ):
        monkeypatch.delenv(variable, raising=False)
    return cluster


@pytest.fixture
def doctor(stub: StubCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    bucket = FolderStore(tmp_path / "bucket")
    monkeypatch.setattr("nucleoflow.doctor.bucket.store_of", lambda *_: bucket)
    return Doctor(stub, tmp_path)
