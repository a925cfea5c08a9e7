"""Run small workflows against the shared S3 server."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from s3_server import ACCESS_KEY, SECRET_KEY, S3Server

from emulated.controller import Controller
from emulated.nodes import Node, Outcome
from emulated.pods import Kubelet
from emulated.sandbox import Pod

SECRETS = {"nucleoflow-s3": {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}}
"""The Secret of the chart's name, as the pods' manifests refer to it."""


class Bench:
    """Runs workflows of one test.

    Parameters
    ----------
    server : S3Server
        Its address and credentials are in the environment.
    folder : Path
        Where pods live.
    name : str
        Of the test's workflow, and so the prefix of its keys.
    """

    def __init__(self, server: S3Server, folder: Path, name: str) -> None:
        self.server = server
        self.folder = folder
        self.name = name

    @property
    def endpoint(self) -> str:
        """Address of the store."""
        return self.server.endpoint

    def run(
        self, manifest: dict[str, Any], interfere: Callable[[Pod], None] | None = None
    ) -> tuple[Outcome, list[Node]]:
        """Run a workflow; returns its outcome and its nodes in the order in which they ended."""
        kubelet = Kubelet(self.folder, self.server.store(), SECRETS, interfere=interfere)
        return Controller(manifest, kubelet).run(), kubelet.nodes


def codes(nodes: list[Node]) -> list[int | None]:
    """Return how pods ended."""
    return [node.outcome.exit_code for node in nodes]


def first_attempt(
    ready: Callable[[Pod], bool], action: Callable[[Pod], None]
) -> Callable[[Pod], None]:
    """Do something to the first attempt at a step as soon as it is ready for it."""

    def interfere(pod: Pod) -> None:
        end = time.monotonic() + 60
        while pod.attempt == 0 and time.monotonic() < end:
            if ready(pod):
                action(pod)
                return
            time.sleep(0.02)

    return interfere
