"""What a workflow leaves behind: its nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from emulated.artifacts import Artifact

SUCCEEDED, FAILED, ERROR, SKIPPED = "Succeeded", "Failed", "Error", "Skipped"


@dataclass
class Outcome:
    """How a node ended, and what it gives to others.

    Attributes
    ----------
    phase : str
        Argo's word.
    parameters, artifacts : dict
        Outputs by name.
    exit_code : int or None
        Of a pod; None if it has none.
    message : str
        Why it failed.
    """

    phase: str = SUCCEEDED
    parameters: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    exit_code: int | None = None
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether it ended in a way that stops what depends on it."""
        return self.phase in (FAILED, ERROR)

    def in_scope(self) -> dict[str, Any]:
        """Return what expressions and placeholders see of it."""
        return {
            "status": self.phase,
            "exitCode": "-1" if self.exit_code is None else str(self.exit_code),
            "outputs": {"parameters": self.parameters, "artifacts": self.artifacts},
        }


@dataclass
class Node:
    """One attempt at a leaf of a workflow.

    Attributes
    ----------
    step : str
        dflow's key, or the name of the template.
    template, pod : str
        Names of the template and of the pod.
    attempt : int
        From 0.
    outcome : Outcome
        How it ended.
    log, progress : str
        What the pod printed, and the last content of its progress file.
    manifest : dict
        The template as it was run, every placeholder replaced.
    """

    step: str
    template: str
    pod: str
    attempt: int
    outcome: Outcome
    log: str
    progress: str
    manifest: dict[str, Any] = field(repr=False)


def aggregate(outcomes: list[Outcome]) -> dict[str, str]:
    """Return the parameters of a repeated step as Argo gives them: JSON lists."""
    lists: dict[str, list[Any]] = {}
    for outcome in outcomes:
        for name, value in outcome.parameters.items():
            try:
                lists.setdefault(name, []).append(json.loads(value))
            except ValueError:
                lists.setdefault(name, []).append(value)
    return {name: json.dumps(values) for name, values in lists.items()}
