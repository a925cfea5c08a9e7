"""Which nodes could run a pod of each kind of step, and why the others could not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from nucleoflow.doctor.cluster import ApiRefused, Cluster, Json
from nucleoflow.doctor.demand import amount, grown_memory, requests_of, written
from nucleoflow.doctor.outcome import Check, Examination, Finding, failed, passed, warned
from nucleoflow.profile.kinds import STEP_KINDS, StepKind
from nucleoflow.profile.steps import StepResources, Toleration

POOL_LABELS = (
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "kubernetes.azure.com/agentpool",
    "node.kubernetes.io/instance-type",
)
"""Labels by which nodes form pools; the first that a node has counts."""


def nodes(subject: Examination) -> Iterable[Finding]:
    """Whether every kind of step fits on some node, taints and selectors counted."""
    cluster, loaded = subject.of_cluster()
    try:
        there = cluster.items("/api/v1/nodes")
    except ApiRefused as refusal:
        if refusal.status != 403:
            raise
        yield warned(
            "nodes may not be listed (403)",
            "ask for `list` on nodes, or ask an administrator whether the requests fit",
        )
        return
    if not there:
        yield failed("the cluster has no nodes", "add nodes, then check again")
        return
    yield passed(_pools(there), item="GPUs")
    grows = _autoscaler(cluster)
    for kind in STEP_KINDS:
        yield _finding(kind, loaded.step(kind), there, grows)


def _finding(kind: StepKind, step: StepResources, there: Sequence[Json], grows: bool) -> Finding:
    obstacles = [obstacle(node, step) for node in there]
    n_fit = sum(not found for found in obstacles)
    if n_fit == 0:
        counted = Counter(text for found in obstacles for text in found)
        why = "; ".join(
            f"{text} ({n} of {len(there)} nodes)" if len(there) > 1 else text
            for text, n in counted.most_common(4)
        )
        advice = f"change `steps.{kind}` of the profile, or add a node that fits"
        if grows:
            detail = f"fits no node that is there now: {why}"
            return warned(detail, f"unless the autoscaler adds one: {advice}", kind)
        return failed(f"fits no node: {why}", advice, kind)
    grown = grown_memory(step)
    fitting = [node for node, found in zip(there, obstacles, strict=True) if not found]
    largest = max(amount(_allocatable(node).get("memory", 0)) for node in fitting)
    if grown > largest:
        return warned(
            f"fits {n_fit} of {len(there)} nodes, but with {written('memory', grown)} at its last"
            " retry none",
            f"lower `steps.{kind}.retry.memory_growth` or `limit`",
            kind,
        )
    return _small_disks(kind, step, fitting) or passed(f"fits {n_fit} of {len(there)} nodes", kind)


def _small_disks(kind: StepKind, step: StepResources, fitting: Sequence[Json]) -> Finding | None:
    """Warn of scratch on node disks that are smaller: the kubelet evicts a pod that fills one."""
    disks = [_allocatable(node).get("ephemeral-storage") for node in fitting]
    known = [amount(disk) for disk in disks if disk is not None]
    wanted = amount(step.scratch.size)
    if step.scratch.storage_class is not None or not known or max(known) >= wanted:
        return None
    return warned(
        f"scratch may fill {written('storage', wanted)}, the nodes' disks have up to"
        f" {written('storage', max(known))}",
        f"lower `steps.{kind}.scratch.size`, or set `scratch.storage_class`",
        kind,
    )


def obstacle(node: Json, step: StepResources) -> list[str]:
    """Return why a pod of a step could not run on a node, were it empty; nothing if it could."""
    found = []
    metadata, spec = node["metadata"], node.get("spec") or {}
    if spec.get("unschedulable"):
        found.append("cordoned")
    conditions = (node.get("status") or {}).get("conditions") or []
    if any(c["type"] == "Ready" and c["status"] != "True" for c in conditions):
        found.append("not ready")
    labels = metadata.get("labels") or {}
    found += [
        f"selector {key}={value} not met"
        for key, value in step.node_selector.items()
        if labels.get(key) != value
    ]
    found += [
        f"taint {taint['key']} not tolerated"
        for taint in spec.get("taints") or []
        # the node controller's own taints say what the two findings above say
        if not taint["key"].startswith("node.kubernetes.io/")
        and taint["effect"] in ("NoSchedule", "NoExecute")
        and not any(_tolerates(toleration, taint) for toleration in step.tolerations)
    ]
    has = _allocatable(node)
    found += [
        f"{resource}: {written(resource, wanted)} wanted, "
        f"{written(resource, amount(has.get(resource, 0)))} allocatable"
        for resource, wanted in requests_of(step).items()
        if amount(has.get(resource, 0)) < wanted
    ]
    return found


def _allocatable(node: Json) -> Json:
    return dict((node.get("status") or {}).get("allocatable") or {})


def _tolerates(toleration: Toleration, taint: Json) -> bool:
    return (
        toleration.key == taint["key"]
        and toleration.effect in (None, taint["effect"])
        and (toleration.operator == "Exists" or toleration.value == taint.get("value", ""))
    )


def _pools(there: Sequence[Json]) -> str:
    """Say which pools have how many cards that pods may have."""
    cards: Counter[str] = Counter()
    for node in there:
        labels = node["metadata"].get("labels") or {}
        pool = next((labels[label] for label in POOL_LABELS if label in labels), "")
        for resource, value in _allocatable(node).items():
            if "/gpu" in resource or resource.startswith(("nvidia.com/mig-", "gpu.")):
                cards[f"{resource}{f' in {pool}' if pool else ''}"] += int(amount(value))
    return ", ".join(f"{n} {name}" for name, n in sorted(cards.items()) if n) or "none allocatable"


def _autoscaler(cluster: Cluster) -> bool:
    """Whether nodes are added on demand: then a pool may well be empty now."""
    for path in (
        "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status",
        "/apis/karpenter.sh/v1",
    ):
        try:
            if cluster.exists(path):
                return True
        except ApiRefused:
            continue
    return False


CHECKS = (Check("nodes", nodes, ("API server",)),)
