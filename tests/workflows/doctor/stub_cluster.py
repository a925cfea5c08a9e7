"""A stub of everything the doctor asks: Kubernetes' REST interface, Argo's, a registry.

It is healthy as it is made; a test breaks one thing and says what the doctor must find.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Json = dict[str, Any]
NAMESPACE = "lab"
HERE = f"/api/v1/namespaces/{NAMESPACE}"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
SECRET_VALUE = "c2VjcmV0LW9mLXRoZS1zdG9yZQ=="
CLUSTER_TOKEN = "token-of-the-kubeconfig"
ARGO_TOKEN = "token-of-the-argo-server"


def node(name: str, **allocatable: str) -> Json:
    """A node that is ready; memory and GPUs as Kubernetes writes them."""
    amounts = {"cpu": "16", "memory": "64Gi", "pods": "110", **allocatable}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {
            "allocatable": amounts,
            "conditions": [{"type": "Ready", "status": "True"}],
            "images": [],
        },
    }


class StubCluster:
    """Objects by their path, and rules for who may do what.

    Attributes
    ----------
    objects : dict
        Path to object; a list is served for a path that ends with a plural if it is here, or if
        objects lie below it.
    refused : dict
        Path to the HTTP status that is answered instead.
    denied : set of (str, str)
        Verb and resource that reviews do not allow.
    slow_s : float
        Pause before every answer.
    clock_ahead_s : float
        By how much the servers' clocks are ahead.
    requests : list of (method, path, body)
        What was asked.
    authorizations : list of (path, header)
        With which credentials.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.objects: dict[str, Json] = {}
        self.refused: dict[str, int] = {}
        self.denied: set[tuple[str, str]] = set()
        self.reviews_of_others = True
        self.slow_s = 0.0
        self.clock_ahead_s = 0.0
        self.requests: list[tuple[str, str, Json | None]] = []
        self.authorizations: list[tuple[str, str | None]] = []
        self.on_request: Callable[[str, str], None] = lambda method, path: None
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)
        self._fill()

    @property
    def address(self) -> str:
        """Address of the API server, and of all the other servers."""
        return self.server.url_for("").rstrip("/")

    def write_kubeconfig(self, path: Path, context: str = "stub") -> None:
        """Write a kubeconfig for it."""
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": context,
                    "clusters": [{"name": "stub", "cluster": {"server": self.address}}],
                    "users": [{"name": "me", "user": {"token": CLUSTER_TOKEN}}],
                    "contexts": [{"name": context, "context": {"cluster": "stub", "user": "me"}}],
                }
            )
        )

    def add_list(self, path: str, items: list[Json]) -> None:
        """Serve a list, and each of its items by name."""
        self.objects[path] = {"metadata": {}, "items": items}

    def _fill(self) -> None:
        self.objects["/version"] = {"gitVersion": "v1.33.1", "major": "1", "minor": "33"}
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.objects[HERE] = {"metadata": {"name": NAMESPACE, "labels": labels}, "status": {}}
        self.objects["/apis/authorization.k8s.io/v1"] = {"resources": []}
        names = ("workflows", "workflowtemplates", "workflowtaskresults", "workflowtasksets")
        self.objects["/apis/argoproj.io/v1alpha1"] = {"resources": [{"name": n} for n in names]}
        for account in ("nucleoflow-workflow", "nucleoflow-launcher"):
            self.objects[f"{HERE}/serviceaccounts/{account}"] = {"metadata": {"name": account}}
        self.objects[f"{HERE}/secrets/nucleoflow-s3"] = {
            "data": {"accessKey": SECRET_VALUE, "secretKey": SECRET_VALUE}
        }
        plain = node("cpu-0")
        card = node("gpu-0", **{"nvidia.com/gpu": "4"})
        card["metadata"]["labels"]["cloud.google.com/gke-nodepool"] = "a100"
        self.add_list("/api/v1/nodes", [plain, card])
        self.add_list(f"{HERE}/resourcequotas", [])
        self.add_list(f"{HERE}/limitranges", [])
        self.objects["/api/v1/version"] = {"version": "v3.6.10"}  # from here on Argo's
        self.objects["/api/v1/userinfo"] = {"serviceAccountName": "ada"}
        self.objects[f"/api/v1/workflows/{NAMESPACE}"] = {"items": []}
        for image, tag in (("orchestrator", "1"), ("cp2k", "1"), ("deepmd", "1-cuda"),
                           ("lammps-plumed", "1-cuda")):  # fmt: skip
            self.objects[f"/v2/nucleoflow/{image}/manifests/{tag}"] = {"schemaVersion": 2}

    def _answer(self, request: Request) -> Response:
        path = urlsplit(request.path).path
        body = request.get_json(silent=True) if request.data else None
        self.requests.append((request.method, path, body))
        self.authorizations.append((path, request.headers.get("Authorization")))
        time.sleep(self.slow_s)
        self.on_request(request.method, path)
        status, content = self._status_and_content(request.method, path, body)
        return Response(json.dumps(content), status, content_type="application/json")

    def date(self) -> str:
        """What the servers' clock says, for the header of an answer."""
        return formatdate(time.time() + self.clock_ahead_s, usegmt=True)

    def _status_and_content(self, method: str, path: str, body: Json | None) -> tuple[int, Json]:
        if path in self.refused:
            return self.refused[path], {"message": f"{path} is refused"}
        if path == "/":
            return 200, {}
        if path.endswith("accessreviews"):
            if "localsubject" in path and not self.reviews_of_others:
                return 403, {"message": "you may not ask about others"}
            spec = (body or {})["spec"]
            wanted = spec["resourceAttributes"]
            resource = "/".join(filter(None, (wanted["resource"], wanted.get("subresource"))))
            allowed = (wanted["verb"], resource) not in self.denied
            return 201, {"status": {"allowed": allowed}}
        if path.endswith("/eviction") or method == "DELETE":
            return 201, {"status": "Success"}
        if path not in self.objects:
            return 404, {"message": f"{path} not found"}
        if method == "PATCH":
            _merge(self.objects[path], body or {})
        return 200, self.objects[path]


def _merge(target: Json, patch: Json) -> None:
    """Apply a JSON merge patch (RFC 7396)."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value
