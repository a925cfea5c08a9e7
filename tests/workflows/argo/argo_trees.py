"""Workflows as Argo 3.6 and 3.7 write them into their status, built node by node."""

from __future__ import annotations

import base64
import gzip
import json
import time
from dataclasses import dataclass, field
from typing import Any

START = 1_764_324_000.0  # 2025-11-28T10:00:00Z

Node = dict[str, Any]


def moment(seconds: float | None) -> str | None:
    """Write a time as Kubernetes does, from seconds after the start of the workflow."""
    if seconds is None:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + seconds))


def fnv32a(text: str) -> int:
    """Return the hash that Argo makes node ids with."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) % 2**32
    return value


@dataclass
class Attempt:
    """One pod."""

    phase: str
    begin: float | None = 0.0
    end: float | None = None
    exit_code: int | None = None
    message: str = ""
    progress: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)


class Tree:
    """The nodes of a workflow whose entrypoint is a DAG of stages."""

    def __init__(self, name: str, phase: str = "Running", end: float | None = None) -> None:
        self.name = name
        self.phase = phase
        self.end = end
        self.nodes: dict[str, Node] = {}
        self.message = ""
        self.spec: dict[str, Any] = {"entrypoint": "study"}
        self.labels = {
            "app.kubernetes.io/part-of": "nucleoflow",
            "nucleoflow.io/study": name.rsplit("-", 2)[0],
            "nucleoflow.io/run": name,
        }
        self.root = self._node(name, name, "DAG", "study", phase, None, 0.0, end, root=True)

    def steps(
        self, parent: Node, step: str, phase: str, begin: float, end: float | None = None,
        *, position: int | None = None, key: str | None = None, item: str | None = None,
        artifacts: dict[str, str] | None = None, type_: str = "Steps",
    ) -> Node:  # fmt: skip
        """Add a step that holds others."""
        node = self._child(parent, step, type_, phase, begin, end, position, item, key)
        if artifacts:
            node["outputs"] = {"artifacts": _artifacts(artifacts)}
        return node

    def leaf(
        self, parent: Node, step: str, attempts: list[Attempt], *, key: str | None = None,
        position: int | None = None, item: str | None = None, retry_phase: str | None = None,
        template: str | None = None, retried: bool = True, group_key: str | None = None,
    ) -> Node:  # fmt: skip
        """Add a step that runs a script: a ``Retry`` with its attempts, or a single pod."""
        last = attempts[-1]
        inputs = {"dflow_key": key, "dflow_group_key": group_key}
        if not retried:
            node = self._child(
                parent, step, "Pod", last.phase, last.begin, last.end, position, item, key,
                template,
            )  # fmt: skip
            self._fill(node, last, inputs)
            return node
        running = last.phase in ("Pending", "Running")
        phase = retry_phase or ("Running" if running else last.phase)
        node = self._child(
            parent, step, "Retry", phase, attempts[0].begin,
            None if phase == "Running" else last.end, position, item, key, template,
        )  # fmt: skip
        if phase == "Failed":
            node["message"] = "No more retries left"
        outputs = Attempt(phase, parameters=last.parameters, artifacts=last.artifacts)
        if phase == "Succeeded":
            self._fill(node, outputs, inputs)
        for i, attempt in enumerate(attempts):
            pod = self._node(
                f"{node['name']}({i})", f"{node['displayName']}({i})", "Pod",
                node["templateName"], attempt.phase, node["boundaryID"], attempt.begin,
                attempt.end,
            )  # fmt: skip
            pod["nodeFlag"] = {"retried": True}
            self._fill(pod, attempt, inputs)
            node["children"].append(pod["id"])
        return node

    def never_run(self, parent: Node, step: str, *, omitted: bool, message: str) -> Node:
        """Add a step that a condition skipped, or that was omitted after a failure."""
        phase, type_ = ("Omitted", "Skipped") if omitted else ("Skipped", "Skipped")
        node = self._child(parent, step, type_, phase, 5.0, 5.0, None, None, None)
        node["message"] = message
        return node

    def workflow(self, *, compressed: bool = False) -> dict[str, Any]:
        """Return the workflow."""
        status: dict[str, Any] = {
            "phase": self.phase,
            "startedAt": moment(0.0),
            "finishedAt": moment(self.end),
            "progress": "1/2",
            "message": self.message,
            "conditions": [{"type": "PodRunning", "status": "True"}],
            "artifactRepositoryRef": {"default": True, "artifactRepository": {}},
            "nodes": self.nodes,
        }
        if compressed:
            packed = gzip.compress(json.dumps(self.nodes).encode())
            status["nodes"] = None
            status["compressedNodes"] = base64.b64encode(packed).decode()
        return {
            "metadata": {
                "name": self.name,
                "namespace": "lab",
                "uid": f"uid-{self.name}",
                "creationTimestamp": moment(0.0),
                "labels": self.labels,
            },
            "spec": self.spec,
            "status": status,
        }

    def _child(
        self, parent: Node, step: str, type_: str, phase: str, begin: float | None,
        end: float | None, position: int | None, item: str | None, key: str | None,
        template: str | None = None,
    ) -> Node:  # fmt: skip
        member = "" if item is None else f"({item})"
        place = "." if position is None else f"[{position}]."
        name = f"{parent['name']}{place}{step}{member}"
        holder = parent
        if position is not None:
            holder = self._group(parent, position)
        elif item is not None:
            holder = self._task_group(parent, step)
        node = self._node(
            name, f"{step}{member}", type_, template or step, phase, parent["id"], begin, end
        )
        if key is not None:
            node["inputs"] = {"parameters": [{"name": "dflow_key", "value": key}]}
        holder["children"].append(node["id"])
        return node

    def _group(self, steps: Node, position: int) -> Node:
        """Return the ``StepGroup`` of a position; later ones hang below earlier ones."""
        name = f"{steps['name']}[{position}]"
        identifier = f"{self.name}-{fnv32a(name)}"
        if identifier not in self.nodes:
            group = self._node(
                name, f"[{position}]", "StepGroup", "", steps["phase"], steps["id"], 0.0, None
            )
            steps["children"].append(group["id"])
        return self.nodes[identifier]

    def _task_group(self, dag: Node, step: str) -> Node:
        name = f"{dag['name']}.{step}"
        identifier = f"{self.name}-{fnv32a(name)}"
        if identifier not in self.nodes:
            group = self._node(name, step, "TaskGroup", step, "Running", dag["id"], 0.0, None)
            dag["children"].append(group["id"])
        return self.nodes[identifier]

    def _node(
        self, name: str, display: str, type_: str, template: str, phase: str,
        boundary: str | None, begin: float | None, end: float | None, *, root: bool = False,
    ) -> Node:  # fmt: skip
        identifier = self.name if root else f"{self.name}-{fnv32a(name)}"
        node: Node = {
            "id": identifier,
            "name": name,
            "displayName": display,
            "type": type_,
            "templateScope": f"local/{self.name}",
            "phase": phase,
            "startedAt": moment(begin),
            "finishedAt": moment(end),
            "progress": "0/1" if phase in ("Pending", "Running") else "1/1",
            "resourcesDuration": {"cpu": 1, "memory": 10},
            "children": [],
        }
        if template:
            node["templateName"] = template
        if boundary is not None:
            node["boundaryID"] = boundary
        self.nodes[identifier] = node
        return node

    @staticmethod
    def _fill(node: Node, attempt: Attempt, inputs: dict[str, str | None]) -> None:
        parameters = [{"name": k, "value": v} for k, v in inputs.items() if v is not None]
        if parameters:
            node["inputs"] = {"parameters": parameters}
        outputs: dict[str, Any] = {}
        if attempt.exit_code is not None:
            outputs["exitCode"] = str(attempt.exit_code)
        if attempt.parameters:
            outputs["parameters"] = [
                {"name": k, "value": v, "valueFrom": {"path": f"/tmp/outputs/parameters/{k}"}}
                for k, v in attempt.parameters.items()
            ]
        if attempt.artifacts:
            outputs["artifacts"] = _artifacts(attempt.artifacts)
        if outputs:
            node["outputs"] = outputs
        if attempt.message:
            node["message"] = attempt.message
        if attempt.progress:
            node["progress"] = attempt.progress


def _artifacts(keys: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "path": f"/tmp/outputs/artifacts/{name}", "s3": {"key": key}}
        for name, key in keys.items()
    ]
