"""Give every attempt at a step artifact keys of its own in a rendered workflow.

Argo uploads the outputs of failed attempts too, and a pod on a lost node may go on uploading beside
its successor. Two kinds of outputs need two ways:

- An output of a single step is read through its node. Its key names the pod, which is another one
  in every attempt; consumers are given the key of the attempt that succeeded.
- An output of a member of a fan-out is read from a folder that all members share. Argo does not
  upload it; the pod does, and promotes it when it is complete (see :mod:`.stacked`).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from nucleoflow.backends.argo.stacked import STACKED_VARIABLE, STORE_VARIABLE

SHARED = "{{inputs.parameters.dflow_artifact_key}}/"
"""How the key of a member's output begins in what dflow renders."""
_KEY = "dflow_key"

Manifest = dict[str, Any]


def scope_attempts(workflow: Manifest, store_url: str, prefix: str = "") -> Manifest:
    """Return a workflow whose attempts do not touch one another's artifacts.

    Parameters
    ----------
    workflow : dict
        As dflow renders it.
    store_url : str
        The store that keys are in (``s3://bucket``).
    prefix : str
        What all keys begin with; empty, or ends with a slash. Outputs that dflow leaves to Argo
        get it here.

    Returns
    -------
    dict
        A copy with other output artifacts and, for members of fan-outs, two more environment
        variables.
    """
    scoped = copy.deepcopy(workflow)
    templates = scoped["spec"]["templates"]
    keyed = _always_keyed(templates)
    for template in templates:
        if template.get("script"):
            _leave_to_pod(template, store_url, prefix)
            _name_pod_in_keys(template, prefix, template["name"] in keyed)
    return scoped


def _leave_to_pod(template: Manifest, store_url: str, prefix: str) -> None:
    artifacts = (template.get("outputs") or {}).get("artifacts") or []
    stacked = {
        artifact["name"]: artifact["s3"]["key"]
        for artifact in artifacts
        if (artifact.get("s3") or {}).get("key", "").startswith(f"{prefix}{SHARED}")
    }
    if not stacked:
        return
    template["outputs"]["artifacts"] = [a for a in artifacts if a["name"] not in stacked]
    script = template["script"]
    script["env"] = [
        *(script.get("env") or []),
        {"name": STACKED_VARIABLE, "value": json.dumps(stacked)},
        {"name": STORE_VARIABLE, "value": store_url},
    ]


def _name_pod_in_keys(template: Manifest, prefix: str, keyed: bool) -> None:
    step = f"{{{{inputs.parameters.{_KEY}}}}}/" if keyed else ""
    for artifact in (template.get("outputs") or {}).get("artifacts") or []:
        if artifact.get("path") and not artifact.get("s3"):
            whole = "none" in (artifact.get("archive") or {})
            name = artifact["name"] + ("" if whole else ".tgz")
            key = f"{prefix}{{{{workflow.name}}}}/{step}{{{{pod.name}}}}/{name}"
            artifact["s3"] = {"key": key}


def _always_keyed(templates: list[Manifest]) -> set[str]:
    """Return the templates that every caller gives a step key; others may have an empty one."""
    called: dict[str, bool] = {}
    for call in _calls(templates):
        given = (call.get("arguments") or {}).get("parameters") or []
        has_key = any(p["name"] == _KEY and p.get("value") for p in given)
        called[call["template"]] = called.get(call["template"], True) and has_key
    return {name for name, keyed in called.items() if keyed}


def _calls(templates: list[Manifest]) -> Iterator[Manifest]:
    for template in templates:
        for group in template.get("steps") or []:
            yield from group
        yield from (template.get("dag") or {}).get("tasks") or []
