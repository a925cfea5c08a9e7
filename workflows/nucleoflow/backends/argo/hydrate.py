"""Nodes of a workflow that Argo stored in another way than plainly: its status was too large."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from typing import Any

from nucleoflow.backends.argo.errors import UnusableAnswer


def hydrated(workflow: dict[str, Any]) -> dict[str, Any]:
    """Return a workflow with its nodes, unpacked where Argo stored them compressed.

    Raises
    ------
    UnusableAnswer
        The compressed nodes are damaged, or the nodes are in a database that the server did
        not read.
    """
    status = workflow.get("status") or {}
    packed = status.get("compressedNodes")
    if packed:
        try:
            nodes = json.loads(gzip.decompress(base64.b64decode(packed, validate=True)))
        except (binascii.Error, OSError, EOFError, zlib.error, ValueError) as error:
            name = workflow.get("metadata", {}).get("name", "")
            raise UnusableAnswer(
                f"workflow {name}: its compressed nodes are damaged ({error})", advice="try again"
            ) from None
        return {**workflow, "status": {**status, "compressedNodes": "", "nodes": nodes}}
    if status.get("offloadNodeStatusVersion") and not status.get("nodes"):
        name = workflow.get("metadata", {}).get("name", "")
        raise UnusableAnswer(
            f"workflow {name}: its nodes are in Argo's database, and the server did not read them",
            advice="the Argo server has to have the same 'persistence' as the controller",
        )
    return workflow
