"""Roles allow what is needed, and nothing by a wildcard."""

from __future__ import annotations

import pytest
from chart_rendering import VALUES_FILES, find, of_kind, ours, rendered

CASES = (*VALUES_FILES, "everything")


@pytest.mark.parametrize("name", CASES)
def test_roles_have_no_wildcard_and_read_one_secret_at_most(name: str) -> None:
    roles = of_kind(ours(rendered(name)), "Role", "ClusterRole")
    assert roles
    for role in roles:
        for rule in role["rules"]:
            words = {*rule["verbs"], *rule["resources"], *rule["apiGroups"]}
            assert "*" not in words
            assert not words & {"escalate", "bind", "impersonate"}
            if "secrets" in rule["resources"]:
                assert role["metadata"]["name"] == "nucleoflow-user"
                assert (rule["verbs"], rule["resources"]) == (["get"], ["secrets"])
                assert rule["resourceNames"] in (["nucleoflow-s3"], ["gcs-hmac"])
            assert not {"pods/exec", "pods/ephemeralcontainers"} & set(rule["resources"])


def test_pods_of_runs_may_report_their_results_and_nothing_else() -> None:
    role = find(rendered("values.yaml"), "Role", "nucleoflow-workflow")
    assert role["rules"] == [
        {
            "apiGroups": ["argoproj.io"],
            "resources": ["workflowtaskresults"],
            "verbs": ["create", "patch"],
        }
    ]


def test_cluster_wide_nobody_may_write() -> None:
    (role,) = of_kind(ours(rendered("everything")), "ClusterRole")
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} <= {"get", "list"}


def test_every_binding_binds_a_role_and_accounts_that_there_are() -> None:
    objects = ours(rendered("everything"))
    there = {(o["kind"], o["metadata"]["name"]) for o in objects}
    bindings = of_kind(objects, "RoleBinding", "ClusterRoleBinding")
    assert len(bindings) == 4
    for binding in bindings:
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in there
        for subject in binding["subjects"]:
            if subject["kind"] == "ServiceAccount":
                assert ("ServiceAccount", subject["name"]) in there


def test_groups_and_users_get_the_users_role() -> None:
    binding = find(rendered("everything"), "RoleBinding", "nucleoflow-user")
    assert [(s["kind"], s["name"]) for s in binding["subjects"]] == [
        ("Group", "scientists"),
        ("User", "someone@example.org"),
        ("ServiceAccount", "nucleoflow-user"),
    ]
