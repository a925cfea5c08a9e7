"""A store in a bucket of an S3 server."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from nucleops.errors import DamagedObject, StorageUnreachable, WrongInput
from nucleops.storage.folder import written_whole
from nucleops.storage.objects import checked_key
from nucleops.storage.s3_client import S3Settings, make_client
from nucleops.storage.s3_errors import failures

__all__ = ["S3Settings", "S3Store", "make_client"]

DIGEST = "sha256"
"""Name of the metadata that holds an object's SHA-256, base64: S3's own checksums are not kept
by every server, and those of multipart uploads cover the parts only."""
PART_BYTES = 32 * 2**20
_CHUNK = 2**20
_LONGEST_PAUSE_S = 20.0

T = TypeVar("T")


class S3Store:
    """Objects of a bucket, below a prefix.

    Uploads of more than 32 MiB go in parts. Reading checks the length and, for objects that this
    class wrote, the SHA-256. Credentials are those of boto3's chain:
    ``AWS_*`` variables, workload identity, shared files.

    Parameters
    ----------
    settings : S3Settings
        Where the bucket is.
    """

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings
        self._client_of: tuple[int, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # the client holds the credentials
        return {"settings": self.settings, "_client_of": None}

    @property
    def client(self) -> Any:
        """boto3's client, made at first use in each process: connections do not survive a fork."""
        if self._client_of is None or self._client_of[0] != os.getpid():
            self._client_of = os.getpid(), make_client(self.settings)
        return self._client_of[1]

    def put_file(self, path: Path, key: str) -> None:
        """Store a file under a key."""
        from boto3.s3.transfer import TransferConfig

        if not path.is_file():
            raise WrongInput(f"there is no file {path} to store as '{key}'")
        transfer = TransferConfig(
            multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=4
        )
        full = self._full(key)

        def upload() -> None:
            with path.open("rb") as source:
                digest = _encoded(hashlib.file_digest(source, "sha256").digest())
                source.seek(0)
                # upload_file hides the class of a failure in a text
                self.client.upload_fileobj(
                    source,
                    self.settings.bucket,
                    full,
                    ExtraArgs={"Metadata": {DIGEST: digest}},
                    Config=transfer,
                )

        self._patiently(f"write '{key}'", upload)

    def get_file(self, key: str, path: Path) -> None:
        """Write an object to a file."""

        def download() -> None:
            with written_whole(path) as target:
                self._read(key, target)

        self._patiently(f"read '{key}'", download)

    def put_bytes(self, data: bytes, key: str) -> None:
        """Store bytes under a key."""
        request = {
            "Bucket": self.settings.bucket,
            "Key": self._full(key),
            "Body": data,
            "Metadata": {DIGEST: _encoded(hashlib.sha256(data).digest())},
        }
        self._patiently(f"write '{key}'", lambda: self.client.put_object(**request))

    def get_bytes(self, key: str) -> bytes:
        """Return an object."""

        def download() -> bytes:
            target = io.BytesIO()
            self._read(key, target)
            return target.getvalue()

        return self._patiently(f"read '{key}'", download)

    def list(self, prefix: str) -> list[str]:
        """Return all keys that begin with ``prefix``."""
        start = f"{self.settings.prefix}/" if self.settings.prefix else ""

        def find() -> list[str]:
            pages = self.client.get_paginator("list_objects_v2")
            found = pages.paginate(Bucket=self.settings.bucket, Prefix=start + prefix)
            return [entry["Key"] for page in found for entry in page.get("Contents", [])]

        keys = [key.removeprefix(start) for key in self._patiently(f"list '{prefix}'", find)]
        return sorted(key for key in keys if key and not key.endswith("/"))

    def copy(self, source_key: str, key: str) -> None:
        """Copy an object on the server."""
        source = {"Bucket": self.settings.bucket, "Key": self._full(source_key)}
        full = self._full(key)

        def duplicate() -> None:
            # a copy in parts would leave the metadata behind
            metadata = self.client.head_object(**source).get("Metadata", {})
            extra = {"Metadata": metadata, "MetadataDirective": "REPLACE"}
            self.client.copy(source, self.settings.bucket, full, ExtraArgs=extra)

        self._patiently(f"copy '{source_key}' to '{key}'", duplicate)

    def delete(self, key: str) -> None:
        """Remove an object."""
        place = {"Bucket": self.settings.bucket, "Key": self._full(key)}
        self._patiently(f"delete '{key}'", lambda: self.client.delete_object(**place))

    def exists(self, key: str) -> bool:
        """Whether there is an object under a key."""
        # a HEAD does not tell a missing bucket from a missing key
        request = {"Bucket": self.settings.bucket, "Prefix": self._full(key), "MaxKeys": 1}
        found = self._patiently(f"look for '{key}'", lambda: self.client.list_objects_v2(**request))
        return any(entry["Key"] == request["Prefix"] for entry in found.get("Contents", []))

    def _full(self, key: str) -> str:
        checked_key(key)
        return f"{self.settings.prefix}/{key}" if self.settings.prefix else key

    def _patiently(self, what: str, operation: Callable[[], T]) -> T:
        """Do something, again while the server does not answer.

        botocore tries again too, but gives up within seconds, and over all requests of a client
        after a few dozen tries: not enough for a server that is restarted.
        """
        s = self.settings
        for tried in range(1, s.attempts + 1):
            try:
                with failures(what, f"bucket '{s.bucket}' of {s.endpoint or 'AWS'}"):
                    return operation()
            except StorageUnreachable:
                if tried == s.attempts:
                    raise
            time.sleep(random.uniform(0.5, 1.0) * min(2.0 ** (tried - 1), _LONGEST_PAUSE_S))
        raise ValueError(f"attempts: found {s.attempts}, allowed: 1 or more")

    def _read(self, key: str, target: IO[bytes]) -> None:
        """Write an object to an open file, and check that it is whole."""
        answer = self.client.get_object(Bucket=self.settings.bucket, Key=self._full(key))
        digest, n_bytes = hashlib.sha256(), 0
        for chunk in answer["Body"].iter_chunks(_CHUNK):
            target.write(chunk)
            digest.update(chunk)
            n_bytes += len(chunk)
        if n_bytes != answer["ContentLength"]:
            raise StorageUnreachable(
                f"'{key}' broke off after {n_bytes} of {answer['ContentLength']} bytes"
            )
        written = answer.get("Metadata", {}).get(DIGEST)
        if written is not None and written != _encoded(digest.digest()):
            raise DamagedObject(
                f"'{key}' of bucket '{self.settings.bucket}' is not what was written:"
                f" {n_bytes} bytes with another SHA-256",
                advice="delete it and run the step that made it again",
            )


def _encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")
