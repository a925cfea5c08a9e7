"""Profile, kubeconfig, API server, namespace and Argo's resource definitions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from nucleoflow.doctor.cluster import ApiRefused, ApiUnreachable, connect
from nucleoflow.doctor.outcome import Check, Examination, Finding, failed, passed, warned
from nucleops.credentials import SECRET_VARIABLES

OLDEST_KUBERNETES = (1, 29)
"""Oldest minor version that our manifests are validated for."""
ARGO_RESOURCES = ("workflows", "workflowtemplates", "workflowtaskresults", "workflowtasksets")
"""What the custom resources of Argo must include; the first two are ours to make, the others are
how the executor and the controller talk to each other."""

_LABEL = "pod-security.kubernetes.io/enforce"


def profile(subject: Examination) -> Iterable[Finding]:
    """Whether the profile is valid."""
    from nucleoflow.profile.load import load_profile

    loaded = load_profile(subject.reference)
    subject.profile = loaded
    for variable in (loaded.argo.token_variable, *SECRET_VARIABLES):
        # "Bearer" is no secret; the word after it is
        subject.secrets |= {w for w in os.environ.get(variable, "").split() if len(w) > 7}
    yield passed(f"namespace '{loaded.namespace}', bucket '{loaded.storage.bucket}'")


def kubeconfig(subject: Examination) -> Iterable[Finding]:
    """Whether there is a kubeconfig with the context that the profile names."""
    context = subject.of_profile().kube_context
    subject.cluster = connect(None, context, subject.timeout_s)
    subject.secrets |= subject.cluster.secrets()
    yield passed(f"{context or 'current context'}: {subject.cluster.address}")


def api_server(subject: Examination) -> Iterable[Finding]:
    """Whether the API server answers us, and is recent enough."""
    cluster, _ = subject.of_cluster()
    try:
        answer = cluster.get("/version")
    except ApiUnreachable as error:
        yield failed(
            error.message,
            "check VPN and kubeconfig: `kubectl version` must answer"
            if "SSL" not in error.message
            else "the kubeconfig's certificate authority is not this server's: fetch it anew",
        )
        return
    except ApiRefused as refusal:
        yield failed(
            refusal.message,
            "log in to the cluster again: the kubeconfig's credentials are not accepted"
            if refusal.status in (401, 403)
            else "the address in the kubeconfig is not that of an API server",
        )
        return
    if cluster.clock_ahead_s is not None:
        subject.clocks["API server"] = cluster.clock_ahead_s
    version = str(answer.get("gitVersion", "unknown"))
    parts = re.match(r"v?(\d+)\.(\d+)", version)
    if parts is None:
        yield failed(
            f"{cluster.address} does not say its version",
            "the address in the kubeconfig is not that of an API server",
        )
    elif (int(parts[1]), int(parts[2])) < OLDEST_KUBERNETES:
        oldest = ".".join(map(str, OLDEST_KUBERNETES))
        yield warned(
            f"Kubernetes {version} is older than {oldest}",
            f"upgrade the cluster: manifests are validated for {oldest} and later",
        )
    else:
        yield passed(f"Kubernetes {version}")


def namespace(subject: Examination) -> Iterable[Finding]:
    """Whether the namespace exists, and which Pod Security level it enforces."""
    cluster, loaded = subject.of_cluster()
    name = loaded.namespace
    try:
        found = cluster.get(f"/api/v1/namespaces/{name}")
    except ApiRefused as refusal:
        if refusal.status == 404:
            yield failed(
                f"there is no namespace '{name}'",
                f"helm install nucleoflow helm/nucleoflow -n {name} --create-namespace,"
                " or correct `namespace` of the profile",
            )
        elif refusal.status == 403:
            yield warned(
                f"'{name}' may not be looked at (403)",
                "ask for `get` on namespaces to have its Pod Security level checked",
            )
        else:
            raise
        return
    if (found.get("status") or {}).get("phase") == "Terminating":
        yield failed(f"'{name}' is being deleted", "wait until it is gone, then install again")
        return
    level = (found["metadata"].get("labels") or {}).get(_LABEL)
    if level == "restricted":
        yield passed(f"'{name}', Pod Security 'restricted' enforced")
    else:
        yield warned(
            f"'{name}' enforces Pod Security '{level or 'privileged'}'",
            f"kubectl label namespace {name} {_LABEL}=restricted (all our pods meet it)",
        )


def argo_resources(subject: Examination) -> Iterable[Finding]:
    """Whether Argo's custom resource definitions are installed."""
    cluster, _ = subject.of_cluster()
    install = "install Argo Workflows 3.6 or later with its full definitions (the chart does)"
    try:
        listed = cluster.get("/apis/argoproj.io/v1alpha1").get("resources") or []
    except ApiRefused as refusal:
        if refusal.status != 404:
            raise
        yield failed("Argo's custom resources are not installed", install)
        return
    missing = sorted(set(ARGO_RESOURCES) - {resource["name"] for resource in listed})
    if missing:
        yield failed(f"not installed: {', '.join(missing)}", install)
    else:
        yield passed(", ".join(ARGO_RESOURCES))


CHECKS = (
    Check("profile", profile),
    Check("kubeconfig", kubeconfig, ("profile",)),
    Check("API server", api_server, ("kubeconfig",)),
    Check("namespace", namespace, ("API server",)),
    Check("Argo resources", argo_resources, ("API server",)),
)
