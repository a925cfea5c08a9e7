"""dflow on a store of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dflow import download_artifact, jsonpickle, s3_config, upload_artifact
from dflow.common import S3Artifact

from nucleops.storage.dflow_client import DflowStorageClient
from nucleops.storage.folder import FolderStore


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DflowStorageClient:
    client = DflowStorageClient("s3://bucket", FolderStore(tmp_path / "store"))
    monkeypatch.setitem(s3_config, "storage_client", client)
    monkeypatch.setitem(s3_config, "prefix", "team/")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
    return client


def test_dflow_uploads_and_downloads(
    client: DflowStorageClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("content")
    artifact = upload_artifact(["a/file"], archive=None)
    assert artifact.key.startswith("team/")
    (path,) = download_artifact(artifact, path=str(tmp_path / "back"))
    assert Path(path).read_text() == "content"


def test_keys_are_listed_as_dflow_expects(client: DflowStorageClient) -> None:
    for key in ("a/b", "a/c/d", "a/c/e", "ab"):
        client.store.put_bytes(b"", key)
    assert client.list("a/") == ["a/b", "a/c/"]
    assert client.list("a") == ["a/", "ab"]
    assert client.list("a/", recursive=True) == ["a/b", "a/c/d", "a/c/e"]


def test_copies_and_checksums(client: DflowStorageClient) -> None:
    client.store.put_bytes(b"abc", "a")
    client.copy("a", "b")
    assert client.get_md5("b") == "900150983cd24fb0d6963f7d28e17f72"


def test_what_is_written_into_scripts_is_the_url(client: DflowStorageClient) -> None:
    text = jsonpickle.dumps(client)
    assert json.loads(text)["py/state"] == {"url": "s3://bucket"}
    assert "planted" not in jsonpickle.dumps(dict(s3_config)) + repr(vars(client))
    again = jsonpickle.loads(text)
    assert isinstance(again, DflowStorageClient)
    assert again.url == "s3://bucket"


def test_artifacts_are_written_down_without_settings_of_the_store(
    client: DflowStorageClient,
) -> None:
    assert S3Artifact(key="a").to_dict() == {"key": "team/a", "urn": "", "slice": None}
