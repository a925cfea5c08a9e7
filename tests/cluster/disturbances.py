"""What a cluster does to pods: deletes them, drains their nodes, ends them with an exit code.

The functions on workflows are pure; those on a cluster speak the Kubernetes API only. Both are
tested without a cluster in tests/workflows/test_cluster_disturbances.py.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import gzip
import json
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

from nucleoflow.doctor.cluster import ApiRefused, Cluster

Json = dict[str, Any]
TRANSIENT_ENDS = {"run-train": 1, "run-label": 137, "run-aimd": 143}
"""Templates of the quick start whose first attempts fail in passing: a store that does not answer,
a kill, a preemption."""
WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows"


def workflow_path(namespace: str, name: str = "") -> str:
    """Path of a workflow in the API, or of all of them."""
    return "/".join(filter(None, (WORKFLOWS.format(namespace=namespace), name)))


def with_failing_first_attempts(workflow: Json, template: str, code: int) -> Json:
    """Return a workflow in which the first attempt of a step ends with an exit code.

    Parameters
    ----------
    workflow : dict
        Must have the template, a script with a retry strategy; is not changed.
    template : str
        Its name.
    code : int
        137 and 143 end by the signals that they stand for, others by exiting.

    Raises
    ------
    LookupError
        There is no such template, or Argo would not number its attempts.
    """
    changed = copy.deepcopy(workflow)
    found = [t for t in changed["spec"]["templates"] if t["name"] == template and "script" in t]
    if not found:
        known = sorted(t["name"] for t in changed["spec"]["templates"] if "script" in t)
        raise LookupError(f"no script template '{template}'; there are {', '.join(known)}")
    (script,) = found
    if not script.get("retryStrategy"):
        raise LookupError(f"template '{template}' has no retryStrategy, so no numbered attempts")
    deed = f"os._exit({code})"
    if code > 128:
        deed = f"signal.signal({code - 128}, 0); os.kill(os.getpid(), {code - 128})"
        if code - 128 == signal.SIGKILL:  # which has no handler to reset
            deed = f"os.kill(os.getpid(), {code - 128})"
    prelude = f"import os, signal\nif '{{{{retries}}}}' == '0':\n    {deed}\n"
    script["script"]["source"] = prelude + script["script"]["source"]
    return changed


def inject(cluster: Cluster, namespace: str, run: str, template: str, code: int) -> None:
    """Let the first attempts of a step fail in a workflow that has not come to it yet."""
    path = workflow_path(namespace, run)
    changed = with_failing_first_attempts(cluster.get(path), template, code)
    cluster.ask("PATCH", path, {"spec": {"templates": changed["spec"]["templates"]}})


def nodes_of(workflow: Json) -> list[Json]:
    """Return the nodes of a workflow, which Argo compresses where they are many."""
    status = workflow.get("status") or {}
    packed = status.get("compressedNodes")
    if packed:
        return list(json.loads(gzip.decompress(base64.b64decode(packed))).values())
    return list((status.get("nodes") or {}).values())


def attempts_of(workflow: Json, template: str) -> dict[str, list[str]]:
    """Return, for each step of a template, the exit codes of its attempts in their order.

    An attempt that left no exit code, as that of a deleted pod, has its phase instead.
    """
    nodes = {node["id"]: node for node in nodes_of(workflow)}
    attempts = {}
    for node in nodes.values():
        if node.get("templateName") == template and node["type"] == "Retry":
            made = [nodes[child] for child in node.get("children") or () if child in nodes]
            attempts[node["displayName"]] = [
                str((attempt.get("outputs") or {}).get("exitCode", attempt.get("phase")))
                for attempt in made
                if attempt["type"] == "Pod"
            ]
    return attempts


def running_pods(cluster: Cluster, namespace: str, run: str, kind: str = "") -> list[Json]:
    """Return the running pods of a run, of one kind of step perhaps."""
    selector = f"workflows.argoproj.io/workflow={run}"
    if kind:
        selector += f",nucleoflow.io/kind={kind}"
    pods = cluster.items(f"/api/v1/namespaces/{namespace}/pods", {"labelSelector": selector})
    return [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]


def wait_for(what: str, found: Callable[[], Any], timeout_s: float, pause_s: float = 2.0) -> Any:
    """Return what a function finds as soon as it finds something.

    Raises
    ------
    TimeoutError
        It has found nothing in time.
    """
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        result = found()
        if result:
            return result
        time.sleep(pause_s)
    raise TimeoutError(f"no {what} within {timeout_s:.0f} s")


def delete_pod(cluster: Cluster, pod: Json) -> None:
    """Delete a pod at once, as when its node is lost."""
    where = pod["metadata"]
    path = f"/api/v1/namespaces/{where['namespace']}/pods/{where['name']}"
    cluster.ask("DELETE", path, {"gracePeriodSeconds": 0})


@contextlib.contextmanager
def drained(cluster: Cluster, node: str, namespace: str, run: str) -> Iterator[list[str]]:
    """Cordon a node and evict the pods of a run from it; uncordon it in the end.

    Pods of others stay, for the cluster may be shared.

    Yields
    ------
    list of str
        Names of the evicted pods.
    """
    path = f"/api/v1/nodes/{node}"
    cluster.ask("PATCH", path, {"spec": {"unschedulable": True}})
    try:
        evicted = []
        for pod in running_pods(cluster, namespace, run):
            if pod["spec"]["nodeName"] == node:
                _evict(cluster, pod)
                evicted.append(pod["metadata"]["name"])
        yield evicted
    finally:
        cluster.ask("PATCH", path, {"spec": {"unschedulable": None}})


def _evict(cluster: Cluster, pod: Json, timeout_s: float = 60.0) -> None:
    """Ask for the eviction of a pod, again while a disruption budget forbids it (429)."""
    where = pod["metadata"]
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": where["name"], "namespace": where["namespace"]},
    }
    path = f"/api/v1/namespaces/{where['namespace']}/pods/{where['name']}/eviction"

    def evict() -> bool:
        try:
            cluster.ask("POST", path, body)
        except ApiRefused as refusal:
            if refusal.status == 429:
                return False
            if refusal.status != 404:  # it ended by itself just now
                raise
        return True

    wait_for(f"permission to evict {where['name']}", evict, timeout_s)
