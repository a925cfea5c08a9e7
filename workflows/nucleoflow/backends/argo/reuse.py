"""Finished steps of a workflow, given to another one by their keys.

As in dflow's ``reuse_step``: for every finished step a ConfigMap holds its outputs (values of
parameters, keys of artifacts in the bucket), and every template that runs a script looks there,
by its step's key, before it makes a pod. Argo calls this memoization. Artifacts are not copied;
the members of a fan-out that are still to be done publish beside those that are there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from nucleoflow.backends.argo.logs import ARCHIVED
from nucleoflow.backends.argo.nodes import Node, NodeTree
from nucleoflow.profile.model import ClusterProfile
from nucleops.errors import WrongInput

_ALLOWED_KEY = re.compile(r"[a-z0-9][-a-z0-9]*")
"""What both Argo's keys and the names of ConfigMaps allow."""
_LABELS = {
    "workflows.argoproj.io/configmap-type": "Cache",
    "app.kubernetes.io/part-of": "nucleoflow",
}
RUN_LABEL = "nucleoflow.io/run"
LINE_LABEL = "nucleoflow.io/line"
"""Label of resumed workflows: the first run of their line."""
_CHECKPOINTS = "NUCLEOFLOW_CHECKPOINTS"


class Caches(Protocol):
    """Where Argo looks for the outputs of steps that need not run again."""

    def add(self, run_id: str, entries: Mapping[str, str]) -> None:
        """Store entries, see :func:`finished_steps`, for a workflow that is to be created."""
        ...

    def remove(self, run_id: str) -> int:
        """Remove what :meth:`add` stored, and what Argo added; returns how much there was."""
        ...


def finished_steps(workflow: dict[str, Any], keep: Callable[[Node], bool]) -> dict[str, str]:
    """Return what has to be known of the finished steps of a workflow to reuse them.

    Parameters
    ----------
    workflow : dict
        With its nodes.
    keep : callable
        Whether a step may be reused.

    Returns
    -------
    dict
        Key of a step to Argo's cache entry, as JSON.
    """
    entries: dict[str, str] = {}
    for node in NodeTree(workflow).leaves():
        if node.phase == "Succeeded" and _ALLOWED_KEY.fullmatch(node.key) and keep(node):
            outputs = dict(node.raw.get("outputs") or {})
            artifacts = [a for a in outputs.get("artifacts") or () if a.get("name") != ARCHIVED]
            entry = {
                "nodeID": node.id,
                "outputs": {**outputs, "artifacts": artifacts},
                "creationTimestamp": node.raw.get("finishedAt"),
                "lastHitTimestamp": node.raw.get("finishedAt"),
            }
            entries[node.key] = json.dumps(entry, separators=(",", ":"))
    return entries


def memoize(manifest: dict[str, Any], run_id: str) -> None:
    """Have every script of a workflow look for its outputs first; changed in place.

    Parameters
    ----------
    manifest : dict
        The workflow.
    run_id : str
        What the entries were stored for.
    """
    for template in manifest["spec"]["templates"]:
        if "script" not in template and "container" not in template:
            continue
        names = {p["name"] for p in (template.get("inputs") or {}).get("parameters") or ()}
        if "dflow_key" in names:
            key = f"{run_id}-{{{{inputs.parameters.dflow_key}}}}"
        elif "dflow_group_key" in names:
            key = f"{run_id}-{{{{inputs.parameters.dflow_group_key}}}}-init-artifact"
        else:
            continue
        template["memoize"] = {"key": key, "maxAge": "", "cache": {"configMap": {"name": key}}}


def keep_checkpoints_of(manifest: dict[str, Any], first_run: str) -> None:
    """Let steps go on from the checkpoints of the first run of a line; changed in place."""
    for template in manifest["spec"]["templates"]:
        for part in ("script", "container"):
            for variable in (template.get(part) or {}).get("env") or ():
                if variable.get("name") == _CHECKPOINTS and "value" in variable:
                    variable["value"] = variable["value"].replace("{{workflow.name}}", first_run)


class ConfigMaps:
    """Caches in the namespace of a profile, through the Kubernetes API.

    Parameters
    ----------
    profile : ClusterProfile
        Names the context of the kubeconfig, and the namespace.

    Raises
    ------
    WrongInput
        There is no usable kubeconfig.
    """

    def __init__(self, profile: ClusterProfile) -> None:
        from kubernetes import client, config

        try:
            config.load_kube_config(context=profile.kube_context)
        except (config.ConfigException, OSError, TypeError) as error:
            raise WrongInput(f"kubeconfig: {error}") from None
        self._api = client.CoreV1Api()
        self._namespace = profile.namespace

    def add(self, run_id: str, entries: Mapping[str, str]) -> None:
        """Store one ConfigMap for each entry: all of them in one could be too large."""
        for key, entry in entries.items():
            name = f"{run_id}-{key}"
            body = {
                "metadata": {"name": name, "labels": {**_LABELS, RUN_LABEL: run_id}},
                "data": {name: entry},
            }
            self._call(self._api.create_namespaced_config_map, body=body)

    def remove(self, run_id: str) -> int:
        """Remove the ConfigMaps of a run, those that Argo made for steps that it ran included."""
        selector = "workflows.argoproj.io/configmap-type=Cache"
        found = self._call(self._api.list_namespaced_config_map, label_selector=selector).items
        names = [m.metadata.name for m in found if m.metadata.name.startswith(f"{run_id}-")]
        for name in names:
            self._call(self._api.delete_namespaced_config_map, name=name)
        return len(names)

    def _call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return method(namespace=self._namespace, _request_timeout=30, **arguments)
        except ApiException as error:
            raise WrongInput(
                f"ConfigMaps in namespace {self._namespace}: {error.status} {error.reason}",
                advice="your role has to have create, list and delete on configmaps"
                if error.status in (401, 403)
                else "",
            ) from None
        except HTTPError as error:
            raise WrongInput(
                f"the Kubernetes API does not answer: {type(error).__name__}"
            ) from None
