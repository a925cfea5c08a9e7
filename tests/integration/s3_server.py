"""A real S3 server (SeaweedFS) on the loopback interface, with credentials that it enforces."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nucleops.storage.s3 import S3Settings, S3Store, make_client

ACCESS_KEY = "planted-access-key-AKIA7Q"
SECRET_KEY = "planted-secret-key-9bXw3"
BUCKET = "nucleoflow"
_START_S = 60.0


class S3Server:
    """One server process, its data folder and its address.

    Parameters
    ----------
    folder : Path
        Data, log and configuration; a server that is started again finds its objects there.
    more_identities : sequence of dict
        Who may do what beside the tests' own identity, as SeaweedFS has it.
    """

    def __init__(self, folder: Path, more_identities: Sequence[dict[str, Any]] = ()) -> None:
        self.folder = folder
        self.more_identities = more_identities
        self.log = folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)
        names = ("s3", "master", "volume", "filer")
        ports = free_ports(2 * len(names))
        self._ports = dict(zip(names, zip(ports[::2], ports[1::2], strict=True), strict=True))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self._ports['s3'][0]}"

    def start(self) -> None:
        """Start it and wait until it has the bucket."""
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        config = self.folder / "identities.json"
        config.write_text(json.dumps({"identities": [identity, *self.more_identities]}))
        options = [
            f"-dir={self.folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            f"-s3.config={config}",
            "-s3.autoCreateBucket=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-volume.max=32",
            "-volume.preStopSeconds=0",
            "-master.volumeSizeLimitMB=256",
            "-master.telemetry=false",
            "-master.electionTimeout=1s",
            *(f"-{name}.port={http}" for name, (http, _) in self._ports.items()),
            *(f"-{name}.port.grpc={grpc}" for name, (_, grpc) in self._ports.items()),
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(Path(sys.executable).with_name("weed")), "server", *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_for_bucket()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def settings(self, bucket: str = BUCKET, prefix: str = "", attempts: int = 10) -> S3Settings:
        """Return how the store is spoken to."""
        return S3Settings(bucket, prefix, self.endpoint, attempts=attempts)

    def environment(self) -> dict[str, str]:
        """Return what a pod's environment says about the store, credentials included."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "NUCLEOFLOW_S3_ENDPOINT": self.endpoint,
        }

    def store(self, prefix: str = "") -> S3Store:
        """Return a store in the server's bucket; the credentials come from the environment."""
        return S3Store(self.settings(prefix=prefix))

    def _wait_for_bucket(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        end = time.monotonic() + _START_S
        with ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            for name, value in self.environment().items():
                patch.setenv(name, value)
            client = make_client(self.settings(attempts=1))
            while True:
                try:
                    names = [b["Name"] for b in client.list_buckets()["Buckets"]]
                    if BUCKET not in names:
                        client.create_bucket(Bucket=BUCKET)
                    # volumes take writes a little later than the gateway answers
                    client.put_object(Bucket=BUCKET, Key=".ready", Body=b"yes")
                    client.delete_object(Bucket=BUCKET, Key=".ready")
                    return
                except (BotoCoreError, ClientError) as error:
                    assert self._process is not None
                    ended = self._process.poll()
                    if ended is not None or time.monotonic() > end:
                        self.kill()
                        raise AssertionError(
                            f"no S3 server after {_START_S:g} s (exit code {ended}): {error};"
                            f" {self.log.read_text(errors='replace')[-2000:]}"
                        ) from error
                    time.sleep(0.2)


def free_ports(number: int) -> list[int]:
    """Return distinct ports of the loopback interface on which nothing listens."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
