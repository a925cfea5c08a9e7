"""The fields of a workflow as a whole: who it is, how long it may take, what stays of it."""

from __future__ import annotations

from typing import Any

from nucleoflow import __version__
from nucleoflow.backends.argo.pods import POD_SECURITY, patch_of_all, volumes_of_all
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.profile.steps import Run
from nucleoflow.study.model import Study

API_VERSION = "argoproj.io/v1alpha1"
PART_OF = {"app.kubernetes.io/part-of": "nucleoflow"}
_POD_GC = {"never": "OnPodCompletion", "failed": "OnPodSuccess"}


def frame(manifest: dict[str, Any], study: Study, profile: ClusterProfile, run_id: str) -> None:
    """Complete a workflow around its templates; changed in place.

    Parameters
    ----------
    manifest : dict
        With ``spec.entrypoint`` and ``spec.templates``.
    study, profile, run_id
        What runs where, and as what.
    """
    spec = manifest["spec"]
    templates, entrypoint = spec["templates"], spec["entrypoint"]
    labels = labels_of(study.name, run_id)
    manifest.clear()
    manifest.update(
        apiVersion=API_VERSION,
        kind="Workflow",
        metadata={
            "name": run_id,
            "namespace": profile.namespace,
            "labels": labels,
            "annotations": {
                "workflows.argoproj.io/description": study.title,
                "nucleoflow.io/study-digest": study.digest,
                "nucleoflow.io/version": __version__,
            },
        },
        spec={
            "entrypoint": entrypoint,
            "serviceAccountName": profile.service_account,
            "securityContext": POD_SECURITY,
            "podSpecPatch": patch_of_all(profile),
            "volumes": volumes_of_all(profile),
            "podMetadata": {
                "labels": labels,
                # an autoscaler that empties a node would end hours of work to save minutes
                "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
            },
            "synchronization": {"mutexes": [{"name": mutex_name(study.name)}]},
            **limits(profile.run),
            "imagePullSecrets": [{"name": name} for name in profile.images.pull_secrets],
            "templates": templates,
        },
    )


def labels_of(study: str, run_id: str) -> dict[str, str]:
    """Return the labels of a run's workflow and pods."""
    return {**PART_OF, "nucleoflow.io/study": study, "nucleoflow.io/run": run_id}


def mutex_name(study: str) -> str:
    """Return the name of the lock that lets one run of a study go on at a time in a namespace."""
    return f"nucleoflow-{study}"


def limits(run: Run) -> dict[str, Any]:
    """Return the limits of a run, and how long what is left of it is kept."""
    fields: dict[str, Any] = {
        "parallelism": run.parallelism,
        "priority": run.priority,
        "ttlStrategy": {
            "secondsAfterSuccess": run.ttl_success_s,
            "secondsAfterFailure": run.ttl_failure_s,
        },
    }
    if run.deadline_s is not None:
        fields["activeDeadlineSeconds"] = run.deadline_s
    if run.keep_pods in _POD_GC:
        fields["podGC"] = {"strategy": _POD_GC[run.keep_pods]}
    return fields
