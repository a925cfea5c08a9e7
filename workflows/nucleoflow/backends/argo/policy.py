"""Which failures are tried again: one table, and what Argo is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nucleoflow.profile.steps import Retry


@dataclass(frozen=True)
class FailureClass:
    """One way in which a pod ends.

    Attributes
    ----------
    name : str
        What happened.
    exit_code : int or None
        Exit code of the container; None where the container is not what failed.
    retried : bool
        Whether another try can help.
    """

    name: str
    exit_code: int | None
    retried: bool


FAILURE_CLASSES = (
    FailureClass("finished", 0, False),
    # nucleops.errors: Preempted, OutOfMemory, TimeLimit, StorageUnreachable
    FailureClass("transient failure", 1, True),
    # nucleops.errors: FatalFailure and its subclasses
    FailureClass("fatal failure", 2, False),
    FailureClass("program bug", 70, False),
    FailureClass("killed: out of memory, evicted, or past its deadline", 137, True),
    FailureClass("ended by SIGTERM: preempted or drained", 143, True),
    # Argo's own number where a pod left no exit code
    FailureClass("pod deleted or node lost", -1, True),
    FailureClass("artifact not loaded or saved, pod not started", None, True),
)
"""Exit codes that are not in the table are not retried."""

RETRIED = tuple(c.exit_code for c in FAILURE_CLASSES if c.retried and c.exit_code is not None)
NEVER = tuple(
    c.exit_code for c in FAILURE_CLASSES if not c.retried and c.exit_code not in (0, None)
)


def expression() -> str:
    """Return the table as an expression of Argo's (expr-lang).

    Argo's ``Error`` stands for failures around the container (init, artifacts, pod, node); the exit
    code is then that of a container that may have ended well.
    """
    code = "asInt(lastRetry.exitCode)"
    return (
        f"!({code} in {list(NEVER)}) && (lastRetry.status == 'Error' || {code} in {list(RETRIED)})"
    )


def retry_strategy(retry: Retry) -> dict[str, Any] | None:
    """Return the ``retryStrategy`` of a template; None where nothing is retried.

    Retries go to another node where there is one. ``maxDuration`` is not set: Argo counts it from
    the first attempt's start, so that it would end retries of long runs.
    """
    if retry.limit == 0:
        return None
    return {
        "limit": str(retry.limit),
        "retryPolicy": "Always",
        "expression": expression(),
        "backoff": {"duration": f"{retry.backoff_s}s", "factor": str(_factor(retry))},
        "affinity": {"nodeAntiAffinity": {}},
    }


def _factor(retry: Retry) -> int:
    """Return the largest factor with which no pause is longer than allowed.

    Argo has a limit of the pause (``cap``) from 3.7 on only.
    """
    return max(
        (
            factor
            for factor in range(1, retry.factor + 1)
            if retry.backoff_s * factor ** (retry.limit - 1) <= retry.max_backoff_s
        ),
        default=1,
    )


def growing_memory(mebibytes: int, retry: Retry) -> str | None:
    """Return Argo's expression for a memory that grows with every retry; None if it stays."""
    if retry.memory_growth == 1.0 or retry.limit == 0:
        return None
    return f"{{{{=int({mebibytes} * {retry.memory_growth:g} ** int(retries))}}}}Mi"
