"""Who may do what in the namespace: we ourselves, and the service accounts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from nucleoflow.doctor.cluster import ApiRefused, Cluster, Json
from nucleoflow.doctor.outcome import Check, Examination, Finding, failed, passed, warned
from nucleoflow.doctor.roles import granted_rules, rules_allow

ARGO = "argoproj.io"
LAUNCHER = "nucleoflow-launcher"
"""The chart's service account that makes workflows from the form of Argo's web pages."""


@dataclass(frozen=True)
class Need:
    """Verbs on one kind of resource.

    Attributes
    ----------
    group : str
        API group; empty for the core one.
    resource : str
        Plural name, with a subresource after a slash.
    verbs : tuple of str
        What is done with it.
    purpose : str
        What for.
    optional : bool
        Whether a study runs without it.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    purpose: str
    optional: bool = False

    @property
    def name(self) -> str:
        """Resource and group as ``kubectl`` writes them."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


OURS = (
    Need(
        ARGO,
        "workflows",
        ("get", "list", "watch", "create", "update", "patch", "delete"),
        "submit, status, watch, stop, retry, resume, delete",
    ),
    Need(ARGO, "workflowtemplates", ("get", "list"), "the form of Argo's web pages"),
    Need("", "pods", ("get", "list", "watch", "delete"), "logs, retry"),
    Need("", "pods/log", ("get",), "logs"),
    Need("", "events", ("list", "watch"), "why a pod waits"),
    Need(
        "",
        "configmaps",
        ("get", "list", "create", "delete"),
        "resume with single steps kept, not whole stages only",
        optional=True,
    ),
)
"""What the person who submits needs; Argo's server acts with the caller's own rights."""

OF_EXECUTOR = (Need(ARGO, "workflowtaskresults", ("create", "patch"), "results of a step"),)
"""What the pods of a workflow need; nothing else."""

OF_LAUNCHER = (
    Need(ARGO, "workflowtaskresults", ("create", "patch"), "results of a step"),
    Need(ARGO, "workflows", ("get", "create", "watch"), "workflows from the form"),
)
"""What the pods of the form's workflow need."""


def ours(subject: Examination) -> Iterable[Finding]:
    """Whether we may do all that the commands do."""
    cluster, loaded = subject.of_cluster()
    variable = loaded.argo.token_variable
    holder = _holder_of_token(cluster, variable)
    if holder is None:
        yield passed("asked for your kubeconfig's user", item="who")
    else:
        yield passed(f"asked for the holder of ${variable}", item="who")
        cluster = holder
    for need in OURS:
        denied = [
            verb
            for verb in need.verbs
            if not _allowed(
                cluster,
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                {
                    "kind": "SelfSubjectAccessReview",
                    "spec": {"resourceAttributes": _attributes(need, verb, loaded.namespace)},
                },
            )
        ]
        if denied:
            complain = warned if need.optional else failed
            yield complain(
                f"not allowed: {', '.join(denied)} (for {need.purpose})",
                f"ask an administrator to bind you to a role with {'/'.join(denied)} on"
                f" {need.name} in namespace '{loaded.namespace}'",
                item=need.name,
            )
        else:
            yield passed(", ".join(need.verbs), item=need.name)


def of_service_account(subject: Examination) -> Iterable[Finding]:
    """Whether the pods' service account exists and may report results."""
    _, loaded = subject.of_cluster()
    yield from _account(subject, loaded.service_account, OF_EXECUTOR, required=True)


def of_launcher(subject: Examination) -> Iterable[Finding]:
    """Whether the service account of the form's workflow may make workflows."""
    yield from _account(subject, LAUNCHER, OF_LAUNCHER, required=False)


def _holder_of_token(cluster: Cluster, variable: str) -> Cluster | None:
    """Return the cluster as the Argo token's holder sees it: Argo acts with that one's rights.

    None if there is no token, or if it is one of a single sign-on that the API server does not
    know.
    """
    words = os.environ.get(variable, "").split()
    if not words:
        return None
    holder = cluster.as_bearer(words[-1])
    try:
        holder.get("/apis/authorization.k8s.io/v1")
    except ApiRefused:
        return None
    return holder


def _account(
    subject: Examination, name: str, needs: tuple[Need, ...], *, required: bool
) -> Iterable[Finding]:
    cluster, loaded = subject.of_cluster()
    complain = failed if required else warned
    try:
        there = cluster.exists(f"/api/v1/namespaces/{loaded.namespace}/serviceaccounts/{name}")
    except ApiRefused as refusal:
        if refusal.status != 403:
            raise
        yield warned(f"'{name}' may not be looked at (403)", _look_yourself(loaded.namespace, name))
        return
    if not there:
        where = "correct `service_account` of the profile" if required else "do without the form"
        yield complain(
            f"there is no service account '{name}'",
            f"install the chart, which makes it, or {where}",
        )
        return
    unknown = False
    denied = []
    for need in needs:
        for verb in need.verbs:
            allowed = _account_may(cluster, loaded.namespace, name, need, verb)
            unknown |= allowed is None
            if allowed is False:
                denied.append(f"{verb} {need.name}")
    if denied:
        yield complain(
            f"'{name}' may not: {', '.join(denied)}",
            "upgrade the chart, or bind it to a role with these verbs",
        )
    elif unknown:
        yield warned(
            f"what '{name}' may do cannot be seen with your rights",
            _look_yourself(loaded.namespace, name),
        )
    else:
        yield passed(f"'{name}' may {_all_of(needs)}")


def _account_may(
    cluster: Cluster, namespace: str, account: str, need: Need, verb: str
) -> bool | None:
    """Whether a service account may; None where we may neither ask nor read the roles."""
    review = {
        "kind": "LocalSubjectAccessReview",
        "metadata": {"namespace": namespace},
        "spec": {
            "user": f"system:serviceaccount:{namespace}:{account}",
            "groups": [
                "system:serviceaccounts",
                f"system:serviceaccounts:{namespace}",
                "system:authenticated",
            ],
            "resourceAttributes": _attributes(need, verb, namespace),
        },
    }
    path = f"/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews"
    try:
        return _allowed(cluster, path, review)
    except ApiRefused as refusal:
        if refusal.status != 403:
            raise
    try:
        rules = granted_rules(cluster, namespace, account)
    except ApiRefused as refusal:
        if refusal.status != 403:
            raise
        return None
    return rules_allow(rules, need.group, need.resource, verb)


def _allowed(cluster: Cluster, path: str, review: Json) -> bool:
    answer = cluster.ask("POST", path, {"apiVersion": "authorization.k8s.io/v1", **review})
    return bool((answer.get("status") or {}).get("allowed"))


def _attributes(need: Need, verb: str, namespace: str) -> Json:
    resource, _, subresource = need.resource.partition("/")
    attributes = {"namespace": namespace, "verb": verb, "group": need.group, "resource": resource}
    return {**attributes, "subresource": subresource} if subresource else attributes


def _all_of(needs: tuple[Need, ...]) -> str:
    return "; ".join(f"{', '.join(need.verbs)} {need.resource}" for need in needs)


def _look_yourself(namespace: str, account: str) -> str:
    return (
        f"an administrator can tell: kubectl auth can-i --list -n {namespace}"
        f" --as=system:serviceaccount:{namespace}:{account}"
    )


CHECKS = (
    Check("your rights", ours, ("namespace", "Argo resources")),
    Check("pods' account", of_service_account, ("namespace", "Argo resources")),
    Check("form's account", of_launcher, ("namespace", "Argo resources")),
)
