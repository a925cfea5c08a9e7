"""The store in a folder."""

from __future__ import annotations

import errno
import io
import pickle
import sys
from pathlib import Path

import pytest

from nucleops.errors import StorageUnreachable, WrongInput
from nucleops.storage.folder import FolderStore, written_whole
from nucleops.storage.objects import ObjectStore, open_store
from nucleops.storage.s3 import S3Store

sys.path.insert(0, str(Path(__file__).parent))

from store_contract import StoreContract  # beside this file, which is not a package


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


class TestFolderStore(StoreContract):
    """The contract, with files."""


def test_a_writer_that_dies_leaves_the_object_as_it_was(store: FolderStore) -> None:
    store.put_bytes(b"whole", "key")

    def die_halfway() -> None:
        with written_whole(store.root / "key") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die_halfway()
    assert store.get_bytes("key") == b"whole"
    assert store.list("") == ["key"]


def test_a_full_disk_is_worth_another_try(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("nucleops.storage.folder.shutil.copyfileobj", full)
    monkeypatch.setattr(Path, "open", lambda *_: io.BytesIO(b"data"))
    with pytest.raises(StorageUnreachable, match="No space left on device"):
        store.put_file(Path("any"), "key")
    assert store.list("") == []


def test_a_key_below_an_object_is_refused(store: FolderStore) -> None:
    store.put_bytes(b"", "a")
    with pytest.raises(WrongInput, match="a/b"):
        store.put_bytes(b"", "a/b")


@pytest.mark.parametrize("url", ["file://{}", "{}"])
def test_a_url_or_a_path_opens_a_folder(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    opened = open_store(url.format(folder))
    assert isinstance(opened, ObjectStore)
    opened.put_bytes(b"data", "key")
    assert (folder / "key").read_bytes() == b"data"


def test_an_s3_url_takes_the_server_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUCLEOFLOW_S3_ENDPOINT", "http://s3.example.org:9000")
    monkeypatch.setenv("NUCLEOFLOW_S3_PATH_STYLE", "false")
    opened = open_store("s3://bucket/some/prefix/")
    assert isinstance(opened, S3Store)
    s = opened.settings
    assert (s.bucket, s.prefix) == ("bucket", "some/prefix")
    assert s.endpoint == "http://s3.example.org:9000"
    assert not s.path_style


@pytest.mark.parametrize(
    "url", ["", "gs://bucket", "s3://", "s3://key:secret@bucket/prefix", "https://bucket"]
)
def test_other_urls_are_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(WrongInput, match="s3://bucket/prefix") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("NUCLEOFLOW_S3_ENDPOINT", "http://user:secret@host", "without credentials"),
        ("NUCLEOFLOW_S3_ENDPOINT", "localhost:9000", "http"),
        ("NUCLEOFLOW_S3_PATH_STYLE", "yes", "true, false"),
        ("NUCLEOFLOW_S3_CA_FILE", "/no/such/ca.crt", "no file"),
    ],
)
def test_a_wrong_setting_in_the_environment_is_named(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongInput, match=f"{name}.*{allowed}") as caught:
        open_store("s3://bucket")
    assert "secret" not in str(caught.value)


def test_a_pickled_s3_store_holds_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "planted-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
    opened = open_store("s3://bucket")
    assert isinstance(opened, S3Store)
    assert opened.client is opened.client
    assert b"planted" not in pickle.dumps(opened)
