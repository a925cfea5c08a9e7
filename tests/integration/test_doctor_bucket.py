"""The doctor's round trip on a real S3 server, with right and wrong credentials."""

from __future__ import annotations

import pytest
from s3_server import BUCKET, S3Server  # beside this file, which is not a package

from nucleoflow.doctor.bucket import store_of, try_store
from nucleoflow.doctor.outcome import Finding
from nucleoflow.profile.model import Storage


def round_trip(endpoint: str, bucket: str = BUCKET) -> Finding:
    storage = Storage(endpoint=endpoint, bucket=bucket, prefix="of-the-doctor/")
    (found,) = try_store(store_of(storage, 5.0), f"bucket '{bucket}'", "doctor/")
    return found


def test_a_bucket_that_works(s3_environment: S3Server) -> None:
    found = round_trip(s3_environment.endpoint)
    assert found.state == "passed", found
    assert s3_environment.store("of-the-doctor").list("") == []  # nothing is left behind


def test_credentials_that_are_not_accepted(
    s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-of-this-server")
    found = round_trip(s3_environment.endpoint)
    assert found.state == "failed"
    assert "could not be written" in found.detail
    assert "AWS_SECRET_ACCESS_KEY" in found.advice
    assert "not-the-secret-of-this-server" not in found.detail + found.advice


def test_a_bucket_that_is_not_there(s3_environment: S3Server) -> None:
    found = round_trip(s3_environment.endpoint, "another-bucket")
    assert found.state == "failed"
    assert found.advice


def test_no_server() -> None:
    found = round_trip("http://127.0.0.1:1")
    assert found.state == "failed"
    assert found.advice
