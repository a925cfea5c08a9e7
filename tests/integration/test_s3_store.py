"""The store in a bucket, against a real server and against what can go wrong with one."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "ops" / "storage"))

from s3_server import S3Server  # beside this file, which is not a package
from store_contract import StoreContract

from nucleops.storage.s3 import S3Store

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
