"""What steps say about others: artifacts they take, items they run over, when they run."""

from __future__ import annotations

import json
import re
from typing import Any

from emulated.artifacts import Artifact
from emulated.expressions import evaluate
from emulated.nodes import ERROR, FAILED, SKIPPED, SUCCEEDED, Outcome
from emulated.placeholders import look_up, resolve, resolve_text

Scope = dict[str, Any]
_TASK_STATUS = re.compile(r"([A-Za-z0-9_-]+)\.(Succeeded|Failed|Errored|Skipped|Daemoned)")


def in_manifest(artifact: dict[str, Any]) -> Artifact | None:
    """Return the artifact that a manifest itself holds or names; None if it does neither."""
    if artifact.get("raw"):
        return {"data": artifact["raw"]["data"]}
    if artifact.get("s3"):
        return {"key": artifact["s3"]["key"]}
    return None


def found_artifact(artifact: dict[str, Any], scope: Scope) -> Artifact | None:
    """Return the artifact that an argument or an output refers to."""
    try:
        if "fromExpression" in artifact:
            found: Artifact = evaluate(artifact["fromExpression"], scope)
        elif "from" in artifact:
            found = look_up(artifact["from"].removeprefix("{{").removesuffix("}}"), scope)
        else:
            return in_manifest(artifact)
    except KeyError:
        return None
    if artifact.get("subPath"):
        return {"key": f"{found['key']}/{resolve_text(artifact['subPath'], scope)}"}
    return found


def items_of(step: dict[str, Any], scope: Scope) -> list[Any] | None:
    """Return what a step is repeated over; None if it is not."""
    if step.get("withParam"):
        items: list[Any] = json.loads(resolve_text(step["withParam"], scope))
        return items
    if step.get("withSequence"):
        sequence = resolve(step["withSequence"], scope)
        start = int(sequence.get("start", 0))
        end = start + int(sequence["count"]) if "count" in sequence else int(sequence["end"]) + 1
        return [(sequence.get("format") or "%d") % number for number in range(start, end)]
    return None


def holds(condition: str) -> bool:
    """Evaluate a ``when``, in which words without quotes are texts."""
    left, comparison, right = re.split(r"\s*(==|!=)\s*", condition.strip(), maxsplit=1)
    same = left.strip("'\"") == right.strip("'\"")
    return same if comparison == "==" else not same


def is_ready(task: dict[str, Any], ended: dict[str, Outcome]) -> bool:
    """Whether a task's ``depends`` holds."""
    words = {"Succeeded": SUCCEEDED, "Failed": FAILED, "Errored": ERROR, "Skipped": SKIPPED}
    depends = task.get("depends") or "true"

    def ended_so(match: re.Match[str]) -> str:
        outcome = ended.get(match[1])
        return str(outcome is not None and outcome.phase == words[match[2]]).lower()

    return bool(evaluate(_TASK_STATUS.sub(ended_so, depends), {}))


def goes_on(step: dict[str, Any], outcome: Outcome) -> bool:
    """Whether what follows a failed step runs all the same."""
    allowed = step.get("continueOn") or {}
    return bool(allowed.get("error" if outcome.phase == ERROR else "failed"))
