"""The store in a bucket, against a real server and against what can go wrong with one."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from s3_server import S3Server, free_ports  # beside this file, which is not a package
from werkzeug import Request, Response

from nucleops.errors import DamagedObject, StorageUnreachable, WrongInput
from nucleops.storage import s3
from nucleops.storage.s3 import S3Store

sys.path.insert(0, str(Path(__file__).parents[1] / "ops" / "storage"))

from store_contract import StoreContract

pytestmark = pytest.mark.integration


@pytest.fixture
def store(s3_environment: S3Server, request: pytest.FixtureRequest) -> S3Store:
    return s3_environment.store(f"contract/{abs(hash(request.node.name))}")


class TestS3Store(StoreContract):
    """The contract, over the wire."""


def test_more_keys_than_one_page_are_listed(store: S3Store) -> None:
    keys = [f"many/{k:04}" for k in range(1010)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put_bytes(b"", key), keys))
    assert store.list("many/") == keys


def key_of_raw(store: S3Store, key: str) -> dict[str, str]:
    return {"Bucket": store.settings.bucket, "Key": f"{store.settings.prefix}/{key}"}


def test_large_files_go_in_parts_and_come_back(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 2**20)
    source = tmp_path / "large"
    source.write_bytes(os.urandom(12 * 2**20))
    store.put_file(source, "large")
    assert store.client.head_object(**key_of_raw(store, "large"))["ETag"].strip('"')[-2:] == "-3"
    store.copy("large", "copy")
    store.get_file("copy", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("change", [b"short", b"quite another"])
def test_an_object_that_was_changed_is_noticed(
    store: S3Store, change: bytes, tmp_path: Path
) -> None:
    store.put_bytes(b"what is written", "key")
    metadata = store.client.head_object(**key_of_raw(store, "key"))["Metadata"]
    store.client.put_object(**key_of_raw(store, "key"), Body=change, Metadata=metadata)
    with pytest.raises(DamagedObject, match=r"'key' .* is not what was written"):
        store.get_file("key", tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_an_object_that_others_wrote_is_read(store: S3Store) -> None:
    store.client.put_object(**key_of_raw(store, "key"), Body=b"Argo's")
    assert store.get_bytes("key") == b"Argo's"


def every_operation(store: S3Store, file: Path) -> list[Callable[[], object]]:
    file.write_bytes(b"data")
    return [
        lambda: store.put_file(file, "key"),
        lambda: store.put_bytes(b"data", "key"),
        lambda: store.get_bytes("key"),
        lambda: store.list(""),
        lambda: store.copy("key", "other"),
        lambda: store.delete("key"),
        lambda: store.exists("key"),
    ]


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("AWS_SECRET_ACCESS_KEY", "SignatureDoesNotMatch|403"),
        ("AWS_ACCESS_KEY_ID", "InvalidAccessKeyId|403"),
    ],
)
def test_wrong_credentials_are_named_in_every_operation(
    variable: str, says: str, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "planted-wrong-value")
    for operation in every_operation(store, tmp_path / "file"):
        with pytest.raises(WrongInput, match=says) as caught:
            operation()
        assert "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in caught.value.advice
        assert "planted" not in str(caught.value)
        assert not caught.value.transient


def test_missing_credentials_are_named(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(WrongInput, match="no credentials found"):
        store.list("")


def test_a_missing_bucket_is_named_in_every_operation(
    s3_environment: S3Server, tmp_path: Path
) -> None:
    store = S3Store(s3_environment.settings(bucket="no-such-bucket"))
    for operation in every_operation(store, tmp_path / "file"):
        with pytest.raises(WrongInput, match=r"NoSuchBucket|no such object") as caught:
            operation()
        assert "no-such-bucket" in str(caught.value)


def test_a_clock_that_is_wrong_is_named(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def hours_ahead(*args: object, **options: object) -> datetime:
        return datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=2)

    monkeypatch.setattr("botocore.auth.get_current_datetime", hours_ahead)
    with pytest.raises(WrongInput, match="RequestTimeTooSkewed") as caught:
        store.list("")
    assert "correct it (NTP)" in caught.value.advice


def test_a_server_that_is_not_there_is_worth_another_try(
    s3_environment: S3Server, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    settings = replace(s3_environment.settings(attempts=2), endpoint=f"http://127.0.0.1:{port}")
    for operation in every_operation(S3Store(settings), tmp_path / "file"):
        with pytest.raises(StorageUnreachable, match="is the server up") as caught:
            operation()
        assert caught.value.transient


def test_a_server_that_fails_is_worth_another_try(
    s3_environment: S3Server, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/nucleoflow").respond_with_data("slow down", status=503)
    settings = replace(s3_environment.settings(attempts=2), endpoint=httpserver.url_for(""))
    with pytest.raises(StorageUnreachable, match="HTTP 503"):
        S3Store(settings).list("")
    assert len(httpserver.log) > 2


def test_an_answer_that_breaks_off_is_read_again(
    s3_environment: S3Server, httpserver: HTTPServer
) -> None:
    def broken(_: Request) -> Response:
        return Response(iter([b"half"]), headers={"Content-Length": "8"})

    httpserver.expect_ordered_request("/nucleoflow/key").respond_with_handler(broken)
    httpserver.expect_ordered_request("/nucleoflow/key").respond_with_data(b"all of i")
    settings = replace(s3_environment.settings(attempts=3), endpoint=httpserver.url_for(""))
    assert S3Store(settings).get_bytes("key") == b"all of i"


def test_an_upload_outlives_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server dies in the middle of an upload and comes back with the objects that it had."""
    server = S3Server(tmp_path / "server")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 2**20)
    source = tmp_path / "large"
    source.write_bytes(os.urandom(40 * 2**20))
    server.start()
    try:
        store = S3Store(server.settings(attempts=20))  # a busy machine starts it slowly
        store.put_bytes(b"before", "before")
        parts = count_parts(store)
        upload = threading.Thread(target=store.put_file, args=(source, "large"))
        upload.start()
        wait_for(lambda: len(parts) >= 2)
        server.kill()
        server.start()
        upload.join(120)
        assert not upload.is_alive()
        assert store.get_bytes("before") == b"before"
        store.get_file("large", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == source.read_bytes()
    finally:
        server.kill()


def test_a_server_that_stays_away_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = S3Server(tmp_path / "server")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 2**20)
    source = tmp_path / "large"
    source.write_bytes(os.urandom(40 * 2**20))
    server.start()
    try:
        store = S3Store(server.settings(attempts=2))
        parts = count_parts(store)
        killer = threading.Thread(target=lambda: (wait_for(lambda: len(parts) >= 2), server.kill()))
        killer.start()
        with pytest.raises(StorageUnreachable):
            store.put_file(source, "large")
        killer.join()
        server.start()
        assert server.store().list("") == []
    finally:
        server.kill()


def count_parts(store: S3Store) -> list[object]:
    """Return a list that grows with every part that a store uploads."""
    parts: list[object] = []
    store.client.meta.events.register(
        "after-call.s3.UploadPart", lambda **event: parts.append(event)
    )
    return parts


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
