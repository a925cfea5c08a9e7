"""What `helm test` runs: one object to the store and back, and Argo's objects at the API server."""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def check_store(url: str) -> str:
    """Write, read, list and delete an object with the pods' own client."""
    from nucleops.storage.objects import open_store

    store = open_store(url)
    key, data = f".selftest/{uuid.uuid4().hex}", os.urandom(1024)
    store.put_bytes(data, key)
    try:
        if store.get_bytes(key) != data:
            raise RuntimeError(f"{key}: other bytes came back than were written")
        if store.list(".selftest/").count(key) != 1:
            raise RuntimeError(f"{key}: written, and not in the list")
    finally:
        store.delete(key)
    return f"store: {url} takes, lists and gives back objects"


def check_argo(server: str, namespace: str, account: Path = ACCOUNT) -> str:
    """Ask the API server for the workflows of the namespace."""
    request = urllib.request.Request(
        f"{server}/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows?limit=1",
        headers={"Authorization": f"Bearer {(account / 'token').read_text()}"},
    )
    context = None
    if server.startswith("https"):
        context = ssl.create_default_context(cafile=str(account / "ca.crt"))
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            kind = json.load(answer)["kind"]
    except urllib.error.HTTPError as error:
        means = {
            403: "the launcher's role is missing: rbac.create",
            404: "Argo's CRDs are missing: argo-workflows.enabled, or install Argo",
        }
        raise RuntimeError(
            f"API server: {error.code}; {means.get(error.code, 'see its log')}"
        ) from None
    if kind != "WorkflowList":
        raise RuntimeError(f"API server: found {kind}, expected WorkflowList")
    return f"Argo: workflows of {namespace} can be read"


def main() -> int:
    """Run both checks, and say which failed."""
    checks = (
        lambda: check_store(os.environ["STORE"].rstrip("/")),
        lambda: check_argo("https://kubernetes.default.svc", os.environ["NAMESPACE"]),
    )
    failed = 0
    for check in checks:
        try:
            print("ok:", check())
        except Exception as error:
            failed += 1
            print("FAILED:", error, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
