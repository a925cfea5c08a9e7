"""The ``WorkflowTemplate`` that shows as a form in Argo's pages.

Its first pod renders the study (:mod:`.launch`) with the profile of the namespace, in the image
that the study itself would use; its second creates the workflow and waits for it.
"""

from __future__ import annotations

import json
from typing import Any

from nucleoflow import __version__
from nucleoflow.backends.argo import launch
from nucleoflow.backends.argo.launch import ALL_STAGES
from nucleoflow.backends.argo.manifest import API_VERSION, PART_OF, limits
from nucleoflow.backends.argo.pods import (
    CONTAINER_SECURITY,
    EXECUTOR_SECURITY,
    HOME,
    POD_SECURITY,
    SCRATCH,
    patch_of_all,
    volumes_of_all,
)
from nucleoflow.backends.argo.storage import archive_location, ca_volumes, environment
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.study.load import shipped_studies
from nucleoflow.study.model import STAGES

TEMPLATE_NAME = "nucleoflow-study"
SERVICE_ACCOUNT = "nucleoflow-launcher"
PROFILE_CONFIG_MAP = "nucleoflow-profile"
_PROFILE_FOLDER = "/etc/nucleoflow/profile"
_PROFILE_FILE = "profile.yaml"
_STUDY_FILE = f"{SCRATCH}/study.yaml"
_MANIFEST_FILE = f"{SCRATCH}/manifest.json"


def workflow_template(profile: ClusterProfile) -> dict[str, Any]:
    """Return the ``WorkflowTemplate`` of a namespace.

    Parameters
    ----------
    profile : ClusterProfile
        Its namespace, images and limits. The pods themselves read the profile from the ConfigMap
        ``nucleoflow-profile``, key ``profile.yaml``.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "WorkflowTemplate",
        "metadata": {
            "name": TEMPLATE_NAME,
            "namespace": profile.namespace,
            "labels": PART_OF,
            "annotations": {
                "workflows.argoproj.io/title": "nucleoflow study",
                "workflows.argoproj.io/description": "Runs a study, or single stages of it.",
                "nucleoflow.io/version": __version__,
            },
        },
        "spec": {
            "entrypoint": "launch",
            "serviceAccountName": SERVICE_ACCOUNT,
            "arguments": {"parameters": _form(profile)},
            "securityContext": POD_SECURITY,
            "workflowMetadata": {"labels": PART_OF},
            "podMetadata": {"labels": PART_OF},
            **_kept(profile),
            **_pull_secrets(profile),
            "templates": [_launch(), _render(profile), _create()],
        },
    }


def _form(profile: ClusterProfile) -> list[dict[str, Any]]:
    return [
        {
            "name": "study",
            "value": "quickstart",
            "description": f"A study file's text, or a name: {', '.join(shipped_studies())}",
        },
        {
            "name": "stage",
            "value": ALL_STAGES,
            "enum": [ALL_STAGES, *STAGES],
            "description": "All stages, or one that needs no other",
        },
        {
            "name": "replicas",
            "value": "",
            "description": "Nucleation replicas; empty: as the study says",
        },
        {"name": "image-tag", "value": profile.images.tag, "description": "Tag of the images"},
    ]


def _kept(profile: ClusterProfile) -> dict[str, Any]:
    """Keep the launcher as long as the workflow, which goes with its owner."""
    kept = limits(profile.run)
    return {key: kept[key] for key in ("priority", "ttlStrategy", "podGC") if key in kept}


def _pull_secrets(profile: ClusterProfile) -> dict[str, Any]:
    secrets = [{"name": name} for name in profile.images.pull_secrets]
    return {"imagePullSecrets": secrets} if secrets else {}


def _launch() -> dict[str, Any]:
    manifest = {"name": "manifest", "from": "{{steps.render.outputs.artifacts.manifest}}"}
    return {
        "name": "launch",
        "steps": [
            [{"name": "render", "template": "render"}],
            [{"name": "run", "template": "run", "arguments": {"artifacts": [manifest]}}],
        ],
    }


def _render(profile: ClusterProfile) -> dict[str, Any]:
    step = profile.step("light")
    options = {
        "--profile": f"{_PROFILE_FOLDER}/{_PROFILE_FILE}",
        "--stage": "{{workflow.parameters.stage}}",
        "--replicas": "{{workflow.parameters.replicas}}",
        "--image-tag": "{{workflow.parameters.image-tag}}",
        "--owner": "{{workflow.name}}",
        "--owner-uid": "{{workflow.uid}}",
        "--output": _MANIFEST_FILE,
    }
    _, ca_mounts = ca_volumes(profile)
    form = profile.images.model_copy(update={"tag": "{{workflow.parameters.image-tag}}"})
    return {
        "name": "render",
        "inputs": {
            "artifacts": [
                {
                    "name": "study",
                    "path": _STUDY_FILE,
                    "raw": {"data": "{{workflow.parameters.study}}"},
                }
            ]
        },
        "outputs": {
            "artifacts": [
                {"name": "manifest", "path": _MANIFEST_FILE, "archive": {"none": {}}},
            ]
        },
        "activeDeadlineSeconds": 900,
        "archiveLocation": archive_location(profile.storage),
        "podSpecPatch": patch_of_all(profile),
        "container": {
            "image": form.of_kind("light"),
            "imagePullPolicy": profile.images.pull_policy,
            "command": ["python3", "-P", "-m", launch.__name__],
            "args": [_STUDY_FILE, *(word for pair in options.items() for word in pair)],
            "workingDir": SCRATCH,
            "env": [{"name": "HOME", "value": HOME}, *environment(profile.storage)],
            "resources": {
                "requests": {"cpu": step.cpu, "memory": step.memory},
                "limits": {"memory": step.memory},
            },
            "securityContext": CONTAINER_SECURITY,
            "volumeMounts": [
                {"name": "scratch", "mountPath": SCRATCH},
                {"name": "home", "mountPath": HOME},
                {"name": "profile", "mountPath": _PROFILE_FOLDER, "readOnly": True},
                *ca_mounts,
            ],
        },
        "volumes": [
            {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "profile", "configMap": {"name": PROFILE_CONFIG_MAP}},
            *volumes_of_all(profile),
        ],
    }


def _create() -> dict[str, Any]:
    """Create the workflow and wait for its end; the pod is Argo's own, with the token it needs."""
    patch = {
        "containers": [{"name": "main", "securityContext": EXECUTOR_SECURITY}],
        "initContainers": [{"name": "init", "securityContext": EXECUTOR_SECURITY}],
    }
    return {
        "name": "run",
        "inputs": {"artifacts": [{"name": "manifest", "path": f"{SCRATCH}/manifest.yaml"}]},
        "podSpecPatch": json.dumps(patch, sort_keys=True),
        "resource": {
            "action": "create",
            "successCondition": "status.phase == Succeeded",
            "failureCondition": "status.phase in (Failed, Error)",
            "manifestFrom": {"artifact": {"name": "manifest"}},
        },
    }
