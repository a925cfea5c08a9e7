"""Pods: what they get of the cluster, and what they may do there.

Every pod satisfies Pod Security's level "restricted". The token of the service account is mounted
into Argo's own containers only; the container with the operator has none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from nucleoflow.backends.argo.policy import growing_memory, retry_strategy
from nucleoflow.backends.argo.storage import (
    CA_FILE,
    archive_location,
    ca_volumes,
    checkpoint_environment,
    environment,
)
from nucleoflow.profile.kinds import StepKind
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.profile.quantity import mebibytes, times, whole_cores
from nucleoflow.profile.steps import Scratch, StepResources, Toleration
from nucleops.engines.limits import GRACE_VARIABLE

USER = 1000
"""User and group of the images."""
COMMAND = ["python3", "-P", "-m", "nucleoflow.backends.argo.pod"]
"""-P keeps the working folder, full of files of any name, out of the import path."""
SCRATCH = "/tmp"
"""Where dflow and Argo put inputs and outputs; the operator works there as well, so that results
are moved and not copied from one volume to another."""
HOME = "/work"
_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
_EXECUTOR_INIT, _EXECUTOR = "init", "wait"
"""Argo's containers of every pod of a script."""

CONTAINER_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
POD_SECURITY: dict[str, Any] = {
    "fsGroup": USER,
    "fsGroupChangePolicy": "OnRootMismatch",
    "runAsGroup": USER,
    "runAsNonRoot": True,
    "runAsUser": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
EXECUTOR_SECURITY = {k: v for k, v in CONTAINER_SECURITY.items() if k != "readOnlyRootFilesystem"}


@dataclass(frozen=True)
class Place:
    """Which step of a study a template is for.

    Attributes
    ----------
    kind : str
        Its kind of step.
    stage : str
        Its stage.
    operator : str
        Class of the operator.
    runs : int
        Runs that it holds side by side, each with the resources of one.
    """

    kind: StepKind
    stage: str
    operator: str
    runs: int = 1


def furnish(template: dict[str, Any], place: Place, profile: ClusterProfile) -> None:
    """Give a script template its image, resources, limits and rights; changed in place."""
    step = profile.step(place.kind)
    script = template["script"]
    script.update(
        image=profile.images.of_kind(place.kind),
        imagePullPolicy=profile.images.pull_policy,
        command=list(COMMAND),
        workingDir=SCRATCH,
        env=_environment(place, profile),
        resources=_resources(step, place.runs),
        securityContext=CONTAINER_SECURITY,
    )
    _, ca_mounts = ca_volumes(profile)
    script["volumeMounts"] = [
        {"name": "scratch", "mountPath": SCRATCH},
        {"name": "home", "mountPath": HOME},
        *ca_mounts,
    ]
    template["volumes"] = [
        {"name": "scratch", **_scratch(step.scratch)},
    ]
    template["archiveLocation"] = archive_location(profile.storage)
    template["retryStrategy"] = retry_strategy(step.retry)
    template["activeDeadlineSeconds"] = step.deadline_s
    template["nodeSelector"] = dict(step.node_selector)
    template["tolerations"] = [_toleration(t) for t in step.tolerations]
    template["priorityClassName"] = step.priority_class
    template["podSpecPatch"] = json.dumps(_patch(step, place.runs), sort_keys=True)
    labels = {"nucleoflow.io/kind": place.kind, "nucleoflow.io/stage": place.stage}
    template["metadata"]["labels"] = labels


def volumes_of_all(profile: ClusterProfile) -> list[dict[str, Any]]:
    """Return the volumes that every pod of a workflow has."""
    return [{"name": "home", "emptyDir": {"sizeLimit": "1Gi"}}, *ca_volumes(profile)[0]]


def _environment(place: Place, profile: ClusterProfile) -> list[dict[str, Any]]:
    step = profile.step(place.kind)
    variables = [
        {"name": "HOME", "value": HOME},
        {"name": "TMPDIR", "value": SCRATCH},
        {"name": "OMP_NUM_THREADS", "value": str(whole_cores(step.cpu))},
        *environment(profile.storage),
    ]
    # who receives the results removes them: the analysis, and the collection of labels
    if place.kind in ("md", "label", "train", "analyse") or place.operator == "CollectData":
        variables += checkpoint_environment(profile.storage, profile.run)
    if place.kind in ("md", "train"):
        variables.append({"name": GRACE_VARIABLE, "value": str(step.termination_grace_s)})
    return variables


def _resources(step: StepResources, runs: int) -> dict[str, Any]:
    memory = times(step.memory, runs)
    requests = {"cpu": times(step.cpu, runs), "memory": memory}
    limits = {"memory": memory}
    if step.cpu_limit is not None:
        limits["cpu"] = times(step.cpu_limit, runs)
    if step.gpu is not None:
        limits[step.gpu.resource] = str(step.gpu.count * runs)
    return {"requests": requests, "limits": limits}


def _scratch(scratch: Scratch) -> dict[str, Any]:
    if scratch.storage_class is None:
        return {"emptyDir": {"sizeLimit": scratch.size}}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": scratch.storage_class,
        "resources": {"requests": {"storage": scratch.size}},
    }
    return {"ephemeral": {"volumeClaimTemplate": {"spec": claim}}}


def _toleration(toleration: Toleration) -> dict[str, Any]:
    return toleration.model_dump(exclude_none=True)


def _patch(step: StepResources, runs: int) -> dict[str, Any]:
    """Return what Argo's templates have no field for, of one kind of step."""
    patch: dict[str, Any] = {"terminationGracePeriodSeconds": step.termination_grace_s}
    memory = growing_memory(mebibytes(times(step.memory, runs)), step.retry)
    if memory is not None:
        resources = {"requests": {"memory": memory}, "limits": {"memory": memory}}
        patch["containers"] = [{"name": "main", "resources": resources}]
    if step.gpu is not None and step.gpu.runtime_class is not None:
        patch["runtimeClassName"] = step.gpu.runtime_class
    return patch


def patch_of_all(profile: ClusterProfile) -> str:
    """Return the patch of every pod of a workflow: the rights of Argo's own containers.

    Argo merges it into the pod, containers by name, before that of a template.
    """
    ca, ca_mounts = ca_volumes(profile)
    executor: dict[str, Any] = {
        "securityContext": EXECUTOR_SECURITY,
        "volumeMounts": [
            {"name": "executor-token", "mountPath": _TOKEN_FOLDER, "readOnly": True},
            *ca_mounts,
        ],
    }
    if ca:
        # the authority of the API server comes with the token, whatever this says
        executor["env"] = [{"name": "SSL_CERT_FILE", "value": CA_FILE}]
    patch = {
        "automountServiceAccountToken": False,
        "containers": [{"name": _EXECUTOR, **executor}],
        "enableServiceLinks": False,
        "initContainers": [{"name": _EXECUTOR_INIT, **executor}],
        "volumes": [_token_volume()],
    }
    return json.dumps(patch, sort_keys=True)


def _token_volume() -> dict[str, Any]:
    """Return the token as the service account's automatic mount has it."""
    namespace = {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
    sources: list[dict[str, Any]] = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": "executor-token", "projected": {"sources": sources, "defaultMode": 0o444}}
