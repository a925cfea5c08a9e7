"""Objects that the profile names: Secret, ConfigMap, classes of priority, runtime and storage."""

from __future__ import annotations

from collections.abc import Iterable

from nucleoflow.doctor.cluster import ApiRefused, Cluster
from nucleoflow.doctor.outcome import Check, Examination, Finding, failed, passed, warned
from nucleoflow.profile.kinds import STEP_KINDS
from nucleoflow.profile.model import ClusterProfile

SECRET_KEYS = ("accessKey", "secretKey")
AUTHORITY_KEY = "ca.crt"


def credentials(subject: Examination) -> Iterable[Finding]:
    """Whether the Secret of the store's credentials has its keys."""
    cluster, loaded = subject.of_cluster()
    name = loaded.storage.credentials_secret
    if name is None:
        account = loaded.service_account
        yield passed(f"none: workload identity of '{account}'")
        return
    make = (
        f"kubectl create secret generic {name} -n {loaded.namespace}"
        " --from-literal=accessKey=... --from-literal=secretKey=..."
    )
    try:
        present = _filled_keys(cluster, loaded.namespace, name)
    except ApiRefused as refusal:
        if refusal.status == 404:
            yield failed(f"there is no Secret '{name}'", make)
        elif refusal.status == 403:
            # not to be able to read credentials is what most users should have
            yield passed(f"'{name}' may not be read, which is as it should be; the pods will tell")
        else:
            raise
        return
    missing = [key for key in SECRET_KEYS if key not in present]
    if missing:
        yield failed(f"Secret '{name}' has no {' and no '.join(missing)}", f"make it anew: {make}")
    else:
        yield passed(f"Secret '{name}' has {' and '.join(SECRET_KEYS)}")


def _filled_keys(cluster: Cluster, namespace: str, name: str) -> frozenset[str]:
    """Return which keys of a Secret have a value; the values go no further than this function."""
    data = cluster.get(f"/api/v1/namespaces/{namespace}/secrets/{name}").get("data") or {}
    return frozenset(key for key, value in data.items() if value)


def other_secrets(subject: Examination) -> Iterable[Finding]:
    """Whether pull secrets and the store's certificate authority are there."""
    cluster, loaded = subject.of_cluster()
    base = f"/api/v1/namespaces/{loaded.namespace}"
    anything = False
    for name in loaded.images.pull_secrets:
        anything = True
        make = f"kubectl create secret docker-registry {name} -n {loaded.namespace} ..."
        yield from _there(cluster, f"{base}/secrets/{name}", f"pull secret '{name}'", make)
    authority = loaded.storage.ca_config_map
    if authority is not None:
        anything = True
        make = (
            f"kubectl create configmap {authority} -n {loaded.namespace}"
            f" --from-file={AUTHORITY_KEY}=FILE"
        )
        found = list(
            _there(cluster, f"{base}/configmaps/{authority}", f"ConfigMap '{authority}'", make)
        )
        if found[0].state == "passed":
            content = cluster.get(f"{base}/configmaps/{authority}")
            if not (content.get("data") or {}).get(AUTHORITY_KEY):
                found = [failed(f"ConfigMap '{authority}' has no {AUTHORITY_KEY}", make)]
        yield from found
    if not anything:
        yield passed("no pull secret and no certificate authority named")


def priority_classes(subject: Examination) -> Iterable[Finding]:
    """Whether the priority classes exist."""
    cluster, loaded = subject.of_cluster()
    named = {kind: loaded.step(kind).priority_class for kind in STEP_KINDS}
    yield from _classes(
        cluster,
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        "priority class",
        sorted({name for name in named.values() if name}),
        "install the chart, which makes nucleoflow-low, -normal and -high, or correct"
        " `priority_class` of: {users}",
        {name: [k for k in STEP_KINDS if named[k] == name] for name in named.values() if name},
    )


def runtime_classes(subject: Examination) -> Iterable[Finding]:
    """Whether the runtime classes of GPU steps exist."""
    cluster, loaded = subject.of_cluster()
    users: dict[str, list[str]] = {}
    for kind in STEP_KINDS:
        gpu = loaded.step(kind).gpu
        if gpu is not None and gpu.runtime_class:
            users.setdefault(gpu.runtime_class, []).append(kind)
    yield from _classes(
        cluster,
        "/apis/node.k8s.io/v1/runtimeclasses",
        "runtime class",
        sorted(users),
        "install the NVIDIA device plugin or GPU operator, or leave out `gpu.runtime_class` of:"
        " {users}",
        users,
    )


def storage_classes(subject: Examination) -> Iterable[Finding]:
    """Whether the storage classes of scratch volumes exist."""
    cluster, loaded = subject.of_cluster()
    users = _users_of_storage(loaded)
    yield from _classes(
        cluster,
        "/apis/storage.k8s.io/v1/storageclasses",
        "storage class",
        sorted(users),
        "`kubectl get storageclass` lists those there are; correct `scratch.storage_class` of:"
        " {users}",
        users,
    )


def _users_of_storage(loaded: ClusterProfile) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for kind in STEP_KINDS:
        name = loaded.step(kind).scratch.storage_class
        if name:
            users.setdefault(name, []).append(kind)
    return users


def _classes(
    cluster: Cluster,
    path: str,
    what: str,
    names: list[str],
    advice: str,
    users: dict[str, list[str]],
) -> Iterable[Finding]:
    if not names:
        yield passed(f"no {what} named")
    for name in names:
        do = advice.format(users=", ".join(users[name]))
        yield from _there(cluster, f"{path}/{name}", f"{what} '{name}'", do)


def _there(cluster: Cluster, path: str, what: str, advice: str) -> Iterable[Finding]:
    try:
        there = cluster.exists(path)
    except ApiRefused as refusal:
        if refusal.status != 403:
            raise
        yield warned(f"{what} may not be looked at (403)", "ask an administrator whether it exists")
        return
    yield passed(what) if there else failed(f"there is no {what}", advice)


CHECKS = (
    Check("store credentials", credentials, ("namespace",)),
    Check("other secrets", other_secrets, ("namespace",)),
    Check("priority classes", priority_classes, ("API server",)),
    Check("runtime classes", runtime_classes, ("API server",)),
    Check("storage classes", storage_classes, ("API server",)),
)
