"""The chart's roles give what the doctor asks for, and pods get nothing else."""

from __future__ import annotations

import pytest
from chart_rendering import find, of_kind, rendered  # beside this file, which is not a package

from nucleoflow.doctor.permissions import OF_EXECUTOR, OF_LAUNCHER, OURS, Need
from nucleoflow.doctor.roles import rules_allow


def rules_of(account: str) -> list[dict[str, list[str]]]:
    """Rules of the roles that are bound to a service account of the chart."""
    objects = rendered("everything")
    return [
        rule
        for binding in of_kind(objects, "RoleBinding")
        if any(s["kind"] == "ServiceAccount" and s["name"] == account for s in binding["subjects"])
        for rule in find(objects, "Role", binding["roleRef"]["name"])["rules"]
    ]


@pytest.mark.parametrize(
    ("account", "needs"),
    [
        ("nucleoflow-user", OURS),
        ("nucleoflow-workflow", OF_EXECUTOR),
        ("nucleoflow-launcher", OF_LAUNCHER),
    ],
)
def test_accounts_may_do_what_the_doctor_asks_for(account: str, needs: tuple[Need, ...]) -> None:
    rules = rules_of(account)
    missing = [
        f"{verb} {need.name}"
        for need in needs
        for verb in need.verbs
        if not rules_allow(rules, need.group, need.resource, verb)
    ]
    assert missing == []


def test_pods_of_runs_may_do_nothing_else() -> None:
    (need,) = OF_EXECUTOR
    (rule,) = rules_of("nucleoflow-workflow")
    assert rule == {
        "apiGroups": [need.group],
        "resources": [need.resource],
        "verbs": list(need.verbs),
    }
