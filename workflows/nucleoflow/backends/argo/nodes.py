"""The node tree in a workflow's status, as a tree of steps.

Argo writes a flat map of nodes. ``boundaryID`` names the ``Steps`` or ``DAG`` that holds a node;
``StepGroup`` and ``TaskGroup`` stand for one position or one fan-out in it, and ``Retry`` for all
attempts at one step, which are its children.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

HOLDERS = ("Steps", "DAG")
LEAVES = ("Pod", "Container", "HTTP", "Plugin", "Suspend")
_NOT_RUN = ("Skipped", "Omitted")
_ITEM = re.compile(r"\(\d+(?::.*)?\)$", re.DOTALL)
_POSITION = re.compile(r"\[(\d+)\]")
_LONGEST_POD_PREFIX = 253 - 10 - 1
"""As Argo cuts the names of pods: a Kubernetes name less a hash and its hyphen."""


@dataclass(frozen=True)
class Node:
    """One node.

    Attributes
    ----------
    raw : dict
        As Argo writes it.
    attempts : tuple of Node
        Of a ``Retry``: the attempts, the first first. Of a leaf that is not retried: itself.
    """

    raw: dict[str, Any]
    attempts: tuple[Node, ...] = field(default=(), repr=False)

    @property
    def id(self) -> str:
        """Its id, ``<workflow>-<hash>``."""
        return str(self.raw.get("id", ""))

    @property
    def type(self) -> str:
        """Argo's type."""
        return str(self.raw.get("type", ""))

    @property
    def phase(self) -> str:
        """Argo's phase; empty for a node that has none yet."""
        return str(self.raw.get("phase") or "")

    @property
    def message(self) -> str:
        """What Argo says about it."""
        return " ".join(str(self.raw.get("message") or "").split())

    @property
    def boundary(self) -> str:
        """Id of the node that holds it."""
        return str(self.raw.get("boundaryID") or "")

    @property
    def step(self) -> str:
        """Name of its step in the template, without the number of a fan-out's member."""
        return _ITEM.sub("", str(self.raw.get("displayName") or self.raw.get("name") or self.id))

    @property
    def key(self) -> str:
        """The step's key as dflow gives it; without one, the display name."""
        parameters = _parameters(self.raw.get("inputs"))
        if parameters.get("dflow_key"):
            return parameters["dflow_key"]
        if parameters.get("dflow_group_key") and self.step.endswith("-init-artifact"):
            return f"{parameters['dflow_group_key']}-init-artifact"
        return str(self.raw.get("displayName") or self.id)

    @property
    def started(self) -> float | None:
        """Seconds since the epoch."""
        return seconds(self.raw.get("startedAt"))

    @property
    def ended(self) -> float | None:
        """Seconds since the epoch."""
        return seconds(self.raw.get("finishedAt"))

    @property
    def progress(self) -> tuple[int, int] | None:
        """Done and total, if the step says; Argo's own ``0/1`` and ``1/1`` say nothing."""
        found = re.fullmatch(r"(\d+)/(\d+)", str(self.raw.get("progress") or ""))
        if found is None or int(found[2]) <= 1:
            return None
        return int(found[1]), int(found[2])

    @property
    def exit_code(self) -> int | None:
        """Exit code of the main container, if it ended by itself."""
        code = str((self.raw.get("outputs") or {}).get("exitCode", ""))
        return int(code) if code.lstrip("-").isdigit() else None

    @property
    def outputs(self) -> dict[str, str]:
        """Output parameters."""
        return _parameters(self.raw.get("outputs"))

    @property
    def artifacts(self) -> list[dict[str, Any]]:
        """Output artifacts, as Argo writes them."""
        return list((self.raw.get("outputs") or {}).get("artifacts") or [])

    @property
    def pod(self) -> str:
        """Name of its pod."""
        return pod_name(self.raw)


class NodeTree:
    """The steps of a workflow.

    Parameters
    ----------
    workflow : dict
        With its nodes, see :mod:`.hydrate`.
    """

    def __init__(self, workflow: dict[str, Any]) -> None:
        self.name = str(workflow.get("metadata", {}).get("name", ""))
        raw = (workflow.get("status") or {}).get("nodes") or {}
        self.nodes = {identifier: Node(content) for identifier, content in raw.items()}
        self.root = self.nodes.get(self.name)
        self._attempts = {
            retry.id: tuple(
                self.nodes[child]
                for child in retry.raw.get("children") or ()
                if child in self.nodes and _is_attempt(self.nodes[child], retry)
            )
            for retry in self.nodes.values()
            if retry.type == "Retry"
        }
        self._are_attempts = {node.id for group in self._attempts.values() for node in group}

    def leaves(self) -> Iterator[Node]:
        """Yield the steps that run a script, all attempts at one as one, as they were begun.

        Steps that a condition skipped, or whose predecessor failed, are not there.
        """
        for node in sorted(self.nodes.values(), key=lambda n: (n.started or math.inf, n.key)):
            if node.id in self._are_attempts or node.phase in _NOT_RUN:
                continue
            if node.type == "Retry":
                attempts = self._attempts[node.id]
                if all(attempt.type in LEAVES for attempt in attempts):
                    yield Node(node.raw, attempts)
            elif node.type in LEAVES:
                yield Node(node.raw, (node,))

    def holders(self) -> Iterator[Node]:
        """Yield the nodes that hold others, the workflow's own left out."""
        for node in self.nodes.values():
            if node.type in HOLDERS and node.id != self.name and node.phase not in _NOT_RUN:
                yield node

    def above(self, node: Node) -> list[Node]:
        """Return the nodes that hold a node, outermost first, the workflow's own left out."""
        found: list[Node] = []
        seen = {node.id}
        while node.boundary in self.nodes and node.boundary not in seen:
            node = self.nodes[node.boundary]
            seen.add(node.id)
            if node.id != self.name:
                found.insert(0, node)
        return found

    def position(self, node: Node) -> int | None:
        """Return the place of a node in the ``Steps`` that holds it; None in a ``DAG``."""
        holder = self.nodes.get(node.boundary)
        if holder is None or holder.type != "Steps":
            return None
        rest = str(node.raw.get("name", "")).removeprefix(str(holder.raw.get("name", "")))
        found = _POSITION.match(rest)
        return int(found[1]) if found else None


def _is_attempt(node: Node, retry: Node) -> bool:
    """Whether a child of a ``Retry`` is an attempt, and not the step that comes next."""
    name = str(retry.raw.get("name", ""))
    return re.fullmatch(re.escape(name) + r"\(\d+\)", str(node.raw.get("name", ""))) is not None


def pod_name(node: dict[str, Any]) -> str:
    """Return the name of a node's pod, as Argo 3.4 and later make it.

    ``<workflow>-<template>-<hash>`` where the node's id is ``<workflow>-<hash>``; the first two
    are cut so that the whole is a name that Kubernetes allows.
    """
    workflow, _, number = str(node.get("id", "")).rpartition("-")
    template = node.get("templateName") or (node.get("templateRef") or {}).get("template") or ""
    if not workflow or not template:
        return str(node.get("id", ""))
    return f"{f'{workflow}-{template}'[:_LONGEST_POD_PREFIX]}-{number}"


def seconds(moment: Any) -> float | None:
    """Read a time as Kubernetes writes it; None for none."""
    if not moment:
        return None
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return None


def _parameters(part: Any) -> dict[str, str]:
    entries = (part or {}).get("parameters") or []
    return {str(e.get("name", "")): str(e["value"]) for e in entries if e.get("value") is not None}
