"""A store in a bucket of an S3 server."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from nucleops.errors import DamagedObject, StorageUnreachable, WrongInput
from nucleops.storage.folder import written_whole
from nucleops.storage.objects import checked_key
from nucleops.storage.s3_errors import failures

DIGEST = "sha256"
"""Name of the metadata that holds an object's SHA-256, base64: S3's own checksums are not kept
by every server, and those of multipart uploads cover the parts only."""
PART_BYTES = 32 * 2**20
_CHUNK = 2**20
_LONGEST_PAUSE_S = 20.0


@dataclass(frozen=True)
class S3Settings:
    """Where a bucket is and how it is spoken to; no credentials.

    Attributes
    ----------
    bucket, prefix : str
        Bucket, and what stands before every key (no slash at its ends).
    endpoint : str or None
        Address of the server; None means AWS.
    region : str
        Region that requests are signed for.
    path_style : bool
        Bucket in the path of an address rather than in the name of the host.
    ca_file : str or None
        Certificate authority of the server; None means the system's.
    attempts : int
        Tries of each request. The pauses between them grow to 20 s and are random, so that pods
        that failed together do not come back together.
    connect_timeout_s, read_timeout_s : float
        Time-outs of one try in seconds.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    path_style: bool = True
    ca_file: str | None = None
    attempts: int = 8
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0

    @classmethod
    def from_environment(cls, bucket: str, prefix: str = "") -> S3Settings:
        """Take the settings of the server from ``NUCLEOFLOW_S3_*``.

        Parameters
        ----------
        bucket, prefix : str
            Not from the environment.

        Raises
        ------
        WrongInput
            ``NUCLEOFLOW_S3_ENDPOINT`` is not a plain http or https address, or another
            variable has a value that is not allowed.
        """
        endpoint = os.environ.get("NUCLEOFLOW_S3_ENDPOINT") or None
        if endpoint is not None:
            parts = urlsplit(endpoint)
            if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
                raise WrongInput(
                    "NUCLEOFLOW_S3_ENDPOINT: allowed is http(s)://host:port, without credentials"
                )
        style = os.environ.get("NUCLEOFLOW_S3_PATH_STYLE", "true").lower()
        if style not in ("true", "false"):
            raise WrongInput(f"NUCLEOFLOW_S3_PATH_STYLE: found {style!r}, allowed: true, false")
        ca_file = os.environ.get("NUCLEOFLOW_S3_CA_FILE") or None
        if ca_file is not None and not Path(ca_file).is_file():
            raise WrongInput(f"NUCLEOFLOW_S3_CA_FILE: there is no file {ca_file}")
        return cls(
            bucket=bucket,
            prefix=prefix,
            endpoint=endpoint,
            region=os.environ.get("NUCLEOFLOW_S3_REGION") or "us-east-1",
            path_style=style == "true",
            ca_file=ca_file,
        )


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
        with self._failures(f"write '{key}'"), path.open("rb") as source:
            extra = {"Metadata": {DIGEST: _encoded(hashlib.file_digest(source, "sha256").digest())}}
            source.seek(0)
            self.client.upload_fileobj(
                source, self.settings.bucket, self._full(key), ExtraArgs=extra, Config=transfer
            )

    def get_file(self, key: str, path: Path) -> None:
        """Write an object to a file."""
        for tried in range(self.settings.attempts):
            try:
                with written_whole(path) as target:
                    return self._read(key, target)
            except StorageUnreachable:
                if tried + 1 == self.settings.attempts:
                    raise
            time.sleep(random.uniform(0, min(2**tried, _LONGEST_PAUSE_S)))
        raise AssertionError("unreachable")

    def put_bytes(self, data: bytes, key: str) -> None:
        """Store bytes under a key."""
        with self._failures(f"write '{key}'"):
            self.client.put_object(
                Bucket=self.settings.bucket,
                Key=self._full(key),
                Body=data,
                Metadata={DIGEST: _encoded(hashlib.sha256(data).digest())},
            )

    def get_bytes(self, key: str) -> bytes:
        """Return an object."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "object"
            self.get_file(key, path)
            return path.read_bytes()

    def list(self, prefix: str) -> list[str]:
        """Return all keys that begin with ``prefix``."""
        start = f"{self.settings.prefix}/" if self.settings.prefix else ""
        pages = self.client.get_paginator("list_objects_v2")
        keys = []
        with self._failures(f"list '{prefix}'"):
            for page in pages.paginate(Bucket=self.settings.bucket, Prefix=start + prefix):
                keys += [entry["Key"].removeprefix(start) for entry in page.get("Contents", [])]
        return sorted(key for key in keys if key and not key.endswith("/"))

    def copy(self, source_key: str, key: str) -> None:
        """Copy an object on the server."""
        bucket = self.settings.bucket
        source = {"Bucket": bucket, "Key": self._full(source_key)}
        with self._failures(f"copy '{source_key}' to '{key}'"):
            # a copy in parts would leave the metadata behind
            metadata = self.client.head_object(**source).get("Metadata", {})
            extra = {"Metadata": metadata, "MetadataDirective": "REPLACE"}
            self.client.copy(source, bucket, self._full(key), ExtraArgs=extra)

    def delete(self, key: str) -> None:
        """Remove an object."""
        with self._failures(f"delete '{key}'"):
            self.client.delete_object(Bucket=self.settings.bucket, Key=self._full(key))

    def exists(self, key: str) -> bool:
        """Whether there is an object under a key."""
        # a HEAD does not tell a missing bucket from a missing key
        full = self._full(key)
        with self._failures(f"look for '{key}'"):
            found = self.client.list_objects_v2(Bucket=self.settings.bucket, Prefix=full, MaxKeys=1)
        return any(entry["Key"] == full for entry in found.get("Contents", []))

    def _full(self, key: str) -> str:
        checked_key(key)
        return f"{self.settings.prefix}/{key}" if self.settings.prefix else key

    def _failures(self, operation: str) -> contextlib.AbstractContextManager[None]:
        s = self.settings
        return failures(operation, f"bucket '{s.bucket}' of {s.endpoint or 'AWS'}")

    def _read(self, key: str, target: IO[bytes]) -> None:
        """Write an object to an open file, and check that it is whole."""
        with self._failures(f"read '{key}'"):
            answer = self.client.get_object(Bucket=self.settings.bucket, Key=self._full(key))
            digest, n_bytes = hashlib.sha256(), 0
            for chunk in _chunks(answer["Body"]):
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


def _chunks(body: Any) -> Iterator[bytes]:
    yield from body.iter_chunks(_CHUNK)


def _encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")


def make_client(settings: S3Settings) -> Any:
    """Make boto3's client with the time-outs, retries and addressing of the settings.

    Raises
    ------
    WrongInput
        A setting cannot be used.
    """
    import boto3
    from botocore.config import Config

    # newer S3 checksums travel in ways that other servers refuse (Google's, older Ceph)
    checksums = "when_supported" if settings.endpoint is None else "when_required"
    options = Config(
        region_name=settings.region,
        connect_timeout=settings.connect_timeout_s,
        read_timeout=settings.read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": settings.attempts},
        s3={"addressing_style": "path" if settings.path_style else "virtual"},
        max_pool_connections=8,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
    )
    with failures("set up the S3 client", settings.endpoint or "AWS"):
        session = boto3.session.Session()
        return session.client(
            "s3", endpoint_url=settings.endpoint, config=options, verify=settings.ca_file
        )
