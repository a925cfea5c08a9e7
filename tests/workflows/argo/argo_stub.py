"""A stub of the Argo server: the verbs that we use, on workflows in memory."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Workflow = dict[str, Any]
NAMESPACE = "lab"
_LIVE = re.compile(rf"/api/v1/workflows/{NAMESPACE}(?:/([^/]+))?(?:/([^/]+))?$")
_ARCHIVED = re.compile(r"/api/v1/archived-workflows(?:/([^/]+))?(?:/([^/]+))?$")


class StubArgo:
    """What the server holds, what it was asked, and how it misbehaves.

    Attributes
    ----------
    live, archive : dict
        Name of a workflow to the workflow.
    logs : dict
        Name of a pod to its lines.
    asked : list of tuple
        Verb, path and body of every request.
    tokens : list of str
        The ``Authorization`` header of every request.
    misbehave : callable or None
        Called with each request before it is answered; what it returns is the answer.
    lint_error : str
        What the server finds wrong with every manifest.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.live: dict[str, Workflow] = {}
        self.archive: dict[str, Workflow] = {}
        self.logs: dict[str, list[str]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.tokens: list[str] = []
        self.misbehave: Callable[[Request], Response | None] | None = None
        self.lint_error = ""
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    @property
    def endpoint(self) -> str:
        return self.server.url_for("").rstrip("/")

    def add(self, workflow: Workflow, *, archived: bool = False) -> None:
        """Put a workflow into the cluster, or into the archive only."""
        (self.archive if archived else self.live)[workflow["metadata"]["name"]] = workflow

    def verbs(self, *words: str) -> list[str]:
        """Return verb and path of the requests that change something, or of some verbs."""
        return [
            f"{verb} {path}"
            for verb, path, _ in self.asked
            if verb in (words or ("POST", "PUT", "DELETE"))
        ]

    def _answer(self, request: Request) -> Response:
        text = request.get_data(as_text=True)
        self.asked.append((request.method, request.path, json.loads(text) if text else None))
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.misbehave is not None and (answer := self.misbehave(request)) is not None:
            return answer
        if request.path == "/api/v1/version":
            return _json({"version": "v3.6.2"})
        if found := _ARCHIVED.match(request.path):
            return self._archived(request, found[1], found[2])
        if found := _LIVE.match(request.path):
            return self._workflows(request, found[1], found[2])
        return _error(404, "Not Found")

    def _workflows(self, request: Request, name: str | None, verb: str | None) -> Response:
        if name is None or name == "lint":
            return self._collection(request, name)
        if name not in self.live:
            return _error(404, f'workflows.argoproj.io "{name}" not found')
        workflow = self.live[name]
        if verb == "log":
            return self._log(request)
        if verb in ("stop", "terminate"):
            workflow["spec"]["shutdown"] = verb.capitalize()
            return _json(workflow)
        if verb == "retry":
            if workflow["status"]["phase"] not in ("Failed", "Error"):
                return _error(400, "workflow must be Failed/Error to retry")
            workflow["status"]["phase"] = "Running"
            workflow["status"]["finishedAt"] = None
            return _json(workflow)
        if request.method == "DELETE":
            del self.live[name]
            return _json({})
        return _json(workflow)

    def _collection(self, request: Request, name: str | None) -> Response:
        if request.method == "GET":
            return _json(_listed(request, self.live))
        manifest = json.loads(request.get_data(as_text=True))["workflow"]
        if self.lint_error:
            return _error(400, self.lint_error)
        if name == "lint":
            return _json(manifest)
        if manifest["metadata"]["name"] in self.live:
            return _error(
                409, f'workflows.argoproj.io "{manifest["metadata"]["name"]}" already exists'
            )
        created = copy.deepcopy(manifest)
        created["metadata"]["uid"] = "uid-new"
        created["metadata"]["creationTimestamp"] = time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime()
        )
        created.setdefault("status", {})
        self.add(created)
        return _json(created)

    def _archived(self, request: Request, uid: str | None, verb: str | None) -> Response:
        if uid is None:
            return _json(_listed(request, self.archive))
        name = next((n for n, w in self.archive.items() if w["metadata"]["uid"] == uid), None)
        if name is None:
            return _error(404, "not found")
        if request.method == "DELETE":
            del self.archive[name]
            return _json({})
        if verb == "retry":
            self.add(self.archive.pop(name))
            self.live[name]["status"]["phase"] = "Running"
            return _json(self.live[name])
        return _json(self.archive[name])

    def _log(self, request: Request) -> Response:
        asked = request.args.get("podName")
        lines = [
            json.dumps({"result": {"content": line, "podName": pod}})
            for pod, content in self.logs.items()
            for line in content
            if asked in (None, pod)
        ]
        return Response("".join(f"{line}\n" for line in lines), content_type="application/json")


def _listed(request: Request, workflows: dict[str, Workflow]) -> dict[str, Any]:
    wanted = dict(
        part.split("=", 1)
        for part in request.args.get("listOptions.labelSelector", "").split(",")
        if part
    )
    fields = dict(
        part.split("=", 1)
        for part in request.args.get("listOptions.fieldSelector", "").split(",")
        if part
    )
    items = []
    for workflow in workflows.values():
        labels = workflow["metadata"].get("labels", {})
        if any(labels.get(key) != value for key, value in wanted.items()):
            continue
        if (
            fields.get("metadata.name", workflow["metadata"]["name"])
            != workflow["metadata"]["name"]
        ):
            continue
        bare = {k: v for k, v in workflow.get("status", {}).items() if k != "nodes"}
        items.append({**workflow, "status": bare})
    first = int(request.args.get("listOptions.continue") or 0)
    limit = int(request.args.get("listOptions.limit") or 1000)
    more = str(first + limit) if first + limit < len(items) else ""
    # like the server, null rather than an empty list
    return {"metadata": {"continue": more}, "items": items[first : first + limit] or None}


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status=status, content_type="application/json")


def _error(status: int, message: str) -> Response:
    return _json({"code": 5, "message": message}, status)
