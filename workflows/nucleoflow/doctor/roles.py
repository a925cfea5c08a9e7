"""What roles give a service account, read from the role bindings.

Used where asking the API server about somebody else (LocalSubjectAccessReview) is not allowed but
reading the namespace's roles is, as it is for many project administrators.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nucleoflow.doctor.cluster import ApiRefused, Cluster, Json

_RBAC = "/apis/rbac.authorization.k8s.io/v1"


def granted_rules(cluster: Cluster, namespace: str, account: str) -> list[Json]:
    """Return the rules that the role bindings of a namespace give a service account.

    Cluster role bindings are not read: they are hardly ever visible to somebody who may not make
    access reviews, and nothing of ours uses them.

    Raises
    ------
    ApiRefused
        The bindings or a role may not be read.
    """
    rules: list[Json] = []
    for binding in cluster.items(f"{_RBAC}/namespaces/{namespace}/rolebindings"):
        if not _names(binding.get("subjects") or [], namespace, account):
            continue
        role = binding["roleRef"]
        where = "" if role["kind"] == "ClusterRole" else f"/namespaces/{namespace}"
        plural = "clusterroles" if role["kind"] == "ClusterRole" else "roles"
        try:
            rules += cluster.get(f"{_RBAC}{where}/{plural}/{role['name']}").get("rules") or []
        except ApiRefused as refusal:
            if refusal.status != 404:  # a binding to a role that is gone gives nothing
                raise
    return rules


def rules_allow(rules: Sequence[Json], group: str, resource: str, verb: str) -> bool:
    """Whether one of some RBAC rules allows a verb on all objects of a resource."""
    return any(
        not rule.get("resourceNames")
        and _matches(rule.get("apiGroups"), group)
        and _matches(rule.get("resources"), resource)
        and _matches(rule.get("verbs"), verb)
        for rule in rules
    )


def _names(subjects: Iterable[Json], namespace: str, account: str) -> bool:
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{namespace}"}
    return any(
        (
            subject["kind"] == "ServiceAccount"
            and subject["name"] == account
            and subject.get("namespace", namespace) == namespace
        )
        or (subject["kind"] == "Group" and subject["name"] in groups)
        for subject in subjects
    )


def _matches(allowed: Sequence[str] | None, wanted: str) -> bool:
    return bool(allowed) and ("*" in (allowed or ()) or wanted in (allowed or ()))
