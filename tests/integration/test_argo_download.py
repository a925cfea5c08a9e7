"""Results of a run in a cluster, fetched from a real S3 server."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from s3_server import BUCKET, S3Server

from nucleoflow.backends.argo.fetch import download
from nucleoflow.backends.argo.store import client_store
from nucleoflow.profile.model import Storage
from nucleoflow.runs.folder import RunFolder
from nucleops.errors import WrongInput

sys.path.insert(0, str(Path(__file__).parents[1] / "workflows" / "argo"))

from argo_scenes import RUN, succeeded  # of the unit tests

KEY = f"team/{RUN}"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / RUN)
    folder.path.mkdir()
    return folder


def storage_at(server: S3Server) -> Storage:
    """A profile's store, whose pods see it under another address than this machine."""
    return Storage(
        endpoint="http://store.cluster.local:8333", client_endpoint=server.endpoint, bucket=BUCKET,
        prefix="team/",
    )  # fmt: skip


def test_a_report_from_s3(s3_environment: S3Server, run: RunFolder) -> None:
    store = client_store(storage_at(s3_environment))
    page = b"<html>" * 2_000_000  # several parts
    store.put_bytes(page, f"{KEY}/report/report/report/report.html")
    store.put_bytes(b"png", f"{KEY}/report/report/report/figures/a.png")
    download(succeeded().workflow(), store, run, ["report"])
    assert run.report is not None
    assert run.report.read_bytes() == page


def test_wrong_credentials(
    s3_environment: S3Server, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(WrongInput) as caught:
        download(succeeded().workflow(), client_store(storage_at(s3_environment)), run)
    assert "wrong" not in str(caught.value)
    assert not run.results.exists()
