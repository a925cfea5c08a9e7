"""Where a bucket is, and the client that speaks to it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nucleops.errors import WrongInput
from nucleops.storage.s3_errors import failures

_QUICK_TRIES = 3
"""Tries of a request by botocore; the pauses between them are short."""


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
        Tries of each operation while the server does not answer: ten bridge about a minute and a
        half. The pauses between them grow to 20 s and are random, so that pods that failed
        together do not come back together.
    connect_timeout_s, read_timeout_s : float
        Time-outs of one try in seconds.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    path_style: bool = True
    ca_file: str | None = None
    attempts: int = 10
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
        retries={
            "mode": "standard",
            "total_max_attempts": min(settings.attempts, _QUICK_TRIES),
        },
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
