"""The verbs of an Argo server that we use, on plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from nucleoflow.backends.argo.errors import NoSuchWorkflow, UnusableAnswer
from nucleoflow.backends.argo.http import Connection
from nucleoflow.backends.argo.hydrate import hydrated
from nucleoflow.profile.model import ClusterProfile

Workflow = dict[str, Any]
"""A workflow as Kubernetes writes it: metadata, spec, status."""

STUDY_LABEL = "nucleoflow.io/study"
PART_OF = "app.kubernetes.io/part-of=nucleoflow"
_PAGE = 200
_SUMMARY = ",".join(
    f"items.{field}"
    for field in (
        "metadata.name", "metadata.uid", "metadata.labels", "metadata.creationTimestamp",
        "spec.shutdown", "status.phase", "status.message", "status.progress",
        "status.startedAt", "status.finishedAt",
    )
) + ",metadata.continue"  # fmt: skip
"""What a list needs of each workflow; with its nodes, a long run is tens of megabytes."""


class ArgoClient:
    """Workflows of one namespace.

    Parameters
    ----------
    profile : ClusterProfile
        Names the server and the namespace. The token is read from the environment for every
        request and kept nowhere.
    connection : Connection or None
        How to reach the server; None makes one from the profile.

    Notes
    -----
    Every method raises what :meth:`.Connection.json` raises.
    """

    def __init__(self, profile: ClusterProfile, connection: Connection | None = None) -> None:
        self.namespace = profile.namespace
        self._connection = connection or Connection(profile.argo)
        self._ui = (profile.argo.ui or profile.argo.endpoint).rstrip("/")

    def address(self, name: str) -> str:
        """Return the page of a workflow in Argo's user interface."""
        return f"{self._ui}/workflows/{self.namespace}/{quote(name, safe='')}"

    def lint(self, manifest: Workflow) -> None:
        """Have the server check a manifest without creating anything.

        Raises
        ------
        ArgoRefused
            The server finds it not valid; its message says why.
        """
        self._connection.json("POST", f"{self._path()}/lint", body={"workflow": manifest})

    def create(self, manifest: Workflow) -> Workflow:
        """Create a workflow; returns it as the server stored it."""
        return self._connection.json("POST", self._path(), body={"workflow": manifest})

    def get(self, name: str) -> Workflow:
        """Return a workflow with its nodes, from the cluster or else from the archive.

        Raises
        ------
        NoSuchWorkflow
            Neither has it.
        """
        try:
            found = self._connection.json("GET", self._path(name))
        except NoSuchWorkflow:
            found = self._archived(name)
        return hydrated(found)

    def revision(self, name: str) -> str | None:
        """Return what changes whenever a workflow does; None if the cluster has it no more.

        With its nodes, the workflow of a long run is tens of megabytes; this is some bytes.
        """
        query = {"fields": "metadata.name,metadata.resourceVersion"}
        try:
            found = self._connection.json("GET", self._path(name), query=query)
        except NoSuchWorkflow:
            return None
        return str((found.get("metadata") or {}).get("resourceVersion") or "")

    def live(self, name: str) -> bool:
        """Whether the cluster itself still has a workflow, rather than only the archive."""
        return self.revision(name) is not None

    def workflows(self, labels: Sequence[str] = (PART_OF,)) -> list[Workflow]:
        """Return our workflows without their nodes, oldest first, archived ones included."""
        selector = {"listOptions.labelSelector": ",".join(labels)}
        found = {w["metadata"]["name"]: w for w in self._archive(selector)}
        for workflow in self._pages(self._path(), {**selector, "fields": _SUMMARY}):
            found[workflow["metadata"]["name"]] = workflow
        return sorted(
            found.values(),
            key=lambda w: (w["metadata"].get("creationTimestamp") or "", w["metadata"]["name"]),
        )

    def stop(self, name: str) -> None:
        """End a workflow: steps are told to end and given their grace, exit handlers run."""
        self._connection.json("PUT", self._path(name, "stop"), body=self._named(name))

    def terminate(self, name: str) -> None:
        """End a workflow without running its exit handlers."""
        self._connection.json("PUT", self._path(name, "terminate"), body=self._named(name))

    def retry(self, name: str) -> None:
        """Have the failed nodes of a finished workflow run again, archived ones included."""
        if self.live(name):
            self._connection.json("PUT", self._path(name, "retry"), body=self._named(name))
            return
        uid = str(self._archived(name)["metadata"]["uid"])
        body = {"uid": uid, **self._named(name)}
        self._connection.json("PUT", f"api/v1/archived-workflows/{quote(uid)}/retry", body=body)

    def delete(self, name: str) -> bool:
        """Remove a workflow from the cluster and from the archive; returns whether it was there."""
        found = False
        try:
            self._connection.json("DELETE", self._path(name))
            found = True
        except NoSuchWorkflow:
            pass
        try:
            uid = str(self._archived(name)["metadata"]["uid"])
            self._connection.json("DELETE", f"api/v1/archived-workflows/{quote(uid)}")
        except NoSuchWorkflow:
            return found
        return True

    def logs(self, name: str, pod: str | None, *, follow: bool) -> Iterator[tuple[str, str]]:
        """Yield (pod, line) of the main containers' logs.

        Parameters
        ----------
        name : str
            The workflow.
        pod : str or None
            One pod; None means all.
        follow : bool
            Go on until the pods end.

        Raises
        ------
        NoSuchWorkflow
            The workflow is gone from the cluster, and its pods with it.
        """
        query = {"logOptions.container": "main", "logOptions.follow": str(follow).lower()}
        if pod is not None:
            query["podName"] = pod
        for line in self._connection.lines(self._path(name, "log"), query=query, patient=follow):
            entry = _log_entry(line, self._connection.what("GET", self._path(name, "log")))
            if entry is not None:
                yield entry

    def version(self) -> str:
        """Return the server's version, as ``v3.6.2``."""
        return str(self._connection.json("GET", "api/v1/version").get("version", ""))

    def _archived(self, name: str) -> Workflow:
        path = "api/v1/archived-workflows"
        query = {
            "listOptions.fieldSelector": f"metadata.namespace={self.namespace},metadata.name={name}"
        }
        for found in self._connection.json("GET", path, query=query).get("items") or []:
            if found.get("metadata", {}).get("name") == name:
                uid = str(found["metadata"]["uid"])
                return self._connection.json("GET", f"{path}/{quote(uid)}")
        raise NoSuchWorkflow(
            f"namespace {self.namespace} has no workflow {name}, and the archive has none",
            advice="'nucleoflow list --profile FILE' shows what there is",
        )

    def _archive(self, selector: Mapping[str, str]) -> list[Workflow]:
        fields = {"listOptions.fieldSelector": f"metadata.namespace={self.namespace}"}
        try:
            return self._pages("api/v1/archived-workflows", {**selector, **fields})
        except NoSuchWorkflow:  # a server without an archive
            return []

    def _pages(self, path: str, query: Mapping[str, Any]) -> list[Workflow]:
        items: list[Workflow] = []
        position = ""
        while True:
            page = {"listOptions.limit": _PAGE, "listOptions.continue": position}
            content = self._connection.json("GET", path, query={**query, **page})
            items += content.get("items") or []
            position = (content.get("metadata") or {}).get("continue") or ""
            if not position:
                return items

    def _path(self, name: str | None = None, verb: str | None = None) -> str:
        parts = ["api/v1/workflows", quote(self.namespace, safe="")]
        parts += [quote(part, safe="") for part in (name, verb) if part is not None]
        return "/".join(parts)

    def _named(self, name: str) -> dict[str, str]:
        return {"name": name, "namespace": self.namespace}


def _log_entry(line: bytes, what: str) -> tuple[str, str] | None:
    if not line.strip():
        return None
    # behind a gateway, the stream comes as server-sent events
    text = line.removeprefix(b"data:").strip()
    try:
        content = json.loads(text)
    except ValueError:
        raise UnusableAnswer(
            f"{what}: a line of the log is not JSON: {text[:80]!r}",
            advice="argo.endpoint has to be the address of the Argo server itself",
        ) from None
    if "error" in content:
        message = content["error"].get("message", content["error"])
        raise UnusableAnswer(f"{what}: the server ended the log: {message}")
    result = content.get("result", content)
    return str(result.get("podName", "")), str(result.get("content", ""))
