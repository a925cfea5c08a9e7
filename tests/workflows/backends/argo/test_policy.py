"""Every template retries what is worth it, and nothing else."""

from __future__ import annotations

import ast
from typing import Any

import pytest

import nucleops.errors
from nucleoflow.backends.argo.policy import (
    FAILURE_CLASSES,
    expression,
    growing_memory,
    retry_strategy,
)
from nucleoflow.profile.load import load_profile
from nucleoflow.profile.steps import Retry


def retried(condition: str, exit_code: int, status: str) -> bool:
    """Evaluate a condition of expr-lang's subset that Python shares, for one failure."""
    text = condition.replace("!(", "not (").replace("&&", "and").replace("||", "or")
    text = text.replace("asInt(lastRetry.exitCode)", str(exit_code))
    text = text.replace("lastRetry.status", repr(status))
    tree = ast.parse(text, mode="eval")
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Call)]
    return bool(eval(compile(tree, "expression", "eval"), {"__builtins__": {}}))


@pytest.mark.parametrize(
    ("exit_code", "status", "again"),
    [
        (1, "Failed", True),
        (137, "Failed", True),
        (143, "Failed", True),
        (-1, "Failed", True),
        (-1, "Error", True),
        (0, "Error", True),
        (2, "Failed", False),
        (2, "Error", False),
        (70, "Failed", False),
        (70, "Error", False),
        (126, "Failed", False),
        (127, "Failed", False),
        (139, "Failed", False),
        (0, "Failed", False),
    ],
)
def test_every_template_retries_by_the_table(
    whole: tuple[str, Any], exit_code: int, status: str, again: bool
) -> None:
    profile = load_profile(whole[0])
    count = 0
    for template in whole[1]["spec"]["templates"]:
        if "script" in template:
            kind = template["metadata"]["labels"]["nucleoflow.io/kind"]
            strategy = template["retryStrategy"]
            assert strategy["limit"] == str(profile.step(kind).retry.limit)
            assert strategy["affinity"] == {"nodeAntiAffinity": {}}
            assert retried(strategy["expression"], exit_code, status) is again, template["name"]
            count += 1
        else:
            assert "retryStrategy" not in template, template["name"]
    assert count > 20


def test_the_table_is_that_of_the_failures() -> None:
    by_code = {c.exit_code: c.retried for c in FAILURE_CLASSES}
    assert by_code[1] is nucleops.errors.TransientFailure.transient
    assert by_code[2] is nucleops.errors.FatalFailure.transient
    for failure in FAILURE_CLASSES:
        if failure.exit_code is not None:
            assert retried(expression(), failure.exit_code, "Failed") is failure.retried


def test_no_pause_is_longer_than_allowed() -> None:
    for retry in (
        Retry(),
        Retry(limit=50, backoff_s=10, factor=2, max_backoff_s=300),
        Retry(limit=3, backoff_s=60, factor=10, max_backoff_s=600),
        Retry(limit=1, backoff_s=600, factor=2, max_backoff_s=60),
    ):
        strategy = retry_strategy(retry)
        assert strategy is not None
        factor = int(strategy["backoff"]["factor"])
        assert "maxDuration" not in strategy["backoff"]
        longest = retry.backoff_s * factor ** (retry.limit - 1)
        assert longest <= max(retry.max_backoff_s, retry.backoff_s)
    assert retry_strategy(Retry(limit=0)) is None


def test_memory_grows_where_the_profile_says_so() -> None:
    assert growing_memory(8192, Retry()) is None
    grown = growing_memory(8192, Retry(memory_growth=1.5))
    assert grown == "{{=int(8192 * 1.5 ** int(retries))}}Mi"
    body = grown.removeprefix("{{=").removesuffix("}}Mi")
    sizes = [eval(body, {"retries": str(n), "int": int}) for n in range(3)]
    assert sizes == [8192, 12288, 18432]
