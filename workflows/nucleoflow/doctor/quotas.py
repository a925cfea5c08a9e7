"""Resource quotas and limit ranges of the namespace against one pod of each kind of step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from nucleoflow.doctor.cluster import ApiRefused, Json
from nucleoflow.doctor.demand import Amounts, amount, limits_of, requests_of, written
from nucleoflow.doctor.outcome import Check, Examination, Finding, failed, passed, warned
from nucleoflow.profile.kinds import STEP_KINDS, StepKind
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.profile.steps import StepResources


def quotas(subject: Examination) -> Iterable[Finding]:
    """Whether quotas leave room for a pod of each kind, and for as many as a run may have."""
    cluster, loaded = subject.of_cluster()
    base = f"/api/v1/namespaces/{loaded.namespace}"
    try:
        there = cluster.items(f"{base}/resourcequotas")
        ranges = cluster.items(f"{base}/limitranges")
    except ApiRefused as refusal:
        if refusal.status != 403:
            raise
        yield warned("may not be looked at (403)", "ask for `list` on resourcequotas, limitranges")
        return
    container = [
        limit
        for entry in ranges
        for limit in (entry.get("spec") or {}).get("limits") or []
        if limit["type"] == "Container"
    ]
    findings = [
        *(f for quota in there for f in _of_quota(quota, loaded, container)),
        *(f for limit in container for f in _of_range(limit, loaded)),
    ]
    yield from findings
    if not findings:
        yield passed(
            f"{len(there) or 'no'} quotas, {len(ranges) or 'no'} limit ranges: room enough"
        )


def _of_quota(quota: Json, loaded: ClusterProfile, ranges: Sequence[Json]) -> Iterable[Finding]:
    name = quota["metadata"]["name"]
    spec = quota.get("spec") or {}
    status = quota.get("status") or {}
    hard = {key: amount(value) for key, value in (spec.get("hard") or {}).items()}
    used = {key: amount(value) for key, value in (status.get("used") or {}).items()}
    kinds = [kind for kind in STEP_KINDS if _counts(spec, loaded.step(kind))]
    for kind in kinds:
        step = loaded.step(kind)
        yield from _without_limit(name, hard, kind, step, ranges)
        for key, wanted in _charged(step, hard).items():
            left = hard[key] - used.get(key, Decimal(0))
            if wanted > hard[key]:
                yield failed(
                    f"quota '{name}' allows {key} {written(key, hard[key])}, one pod needs"
                    f" {written(key, wanted)}",
                    f"raise the quota, or lower `steps.{kind}` of the profile",
                    kind,
                )
            elif wanted > left:
                yield warned(
                    f"quota '{name}': {key} {written(key, max(left, Decimal(0)))} left now, one pod"
                    f" needs {written(key, wanted)}",
                    "pods wait until others end; `kubectl describe quota` tells what is used",
                    kind,
                )
    pods = min((hard[key] for key in ("pods", "count/pods") if key in hard), default=None)
    if kinds and pods is not None and pods < loaded.run.parallelism:
        yield warned(
            f"quota '{name}' allows {pods} pods, a run up to {loaded.run.parallelism}",
            f"set run.parallelism of the profile to {pods} or less: refused pods cost time",
            "parallelism",
        )


def _counts(spec: Json, step: StepResources) -> bool:
    """Whether a quota counts the pods of a step; scopes of priority classes are understood."""
    if any(scope in ("Terminating", "BestEffort") for scope in spec.get("scopes") or []):
        return False
    for term in (spec.get("scopeSelector") or {}).get("matchExpressions") or []:
        if term["scopeName"] != "PriorityClass":
            continue
        named = step.priority_class in (term.get("values") or [])
        matches = {
            "In": named,
            "NotIn": not named,
            "Exists": step.priority_class is not None,
            "DoesNotExist": step.priority_class is None,
        }
        if not matches.get(term["operator"], True):
            return False
    return True


def _charged(step: StepResources, hard: Amounts) -> Amounts:
    """Return what one pod takes of each resource that a quota limits."""
    charged: Amounts = {"count/pods": Decimal(1)}
    for resource, wanted in requests_of(step).items():
        charged |= {resource: wanted, f"requests.{resource}": wanted}
    charged |= {f"limits.{resource}": wanted for resource, wanted in limits_of(step).items()}
    return {key: wanted for key, wanted in charged.items() if key in hard}


def _without_limit(
    name: str, hard: Amounts, kind: StepKind, step: StepResources, ranges: Sequence[Json]
) -> Iterable[Finding]:
    by_default = any("cpu" in (limit.get("default") or {}) for limit in ranges)
    if "limits.cpu" in hard and step.cpu_limit is None and not by_default:
        yield failed(
            f"quota '{name}' limits limits.cpu, so pods without a limit are refused",
            f"set `steps.{kind}.cpu_limit` of the profile",
            kind,
        )


def _of_range(limit: Json, loaded: ClusterProfile) -> Iterable[Finding]:
    for kind in STEP_KINDS:
        step = loaded.step(kind)
        limits = limits_of(step)
        default = limit.get("default") or {}
        for resource, wanted in requests_of(step).items():
            least = (limit.get("min") or {}).get(resource)
            most = (limit.get("max") or {}).get(resource)
            given = limits.get(resource)
            top = given if given is not None else amount(default.get(resource, 0)) or wanted
            if least is not None and wanted < amount(least):
                yield failed(
                    f"the limit range wants {resource} of at least"
                    f" {written(resource, amount(least))}, a pod has {written(resource, wanted)}",
                    f"raise `steps.{kind}` of the profile",
                    kind,
                )
            if most is not None and max(top, wanted) > amount(most):
                yield failed(
                    f"the limit range allows {resource} up to {written(resource, amount(most))},"
                    f" a pod needs {written(resource, max(top, wanted))}",
                    f"lower `steps.{kind}` of the profile, or have the limit range raised",
                    kind,
                )
            elif top < wanted:
                yield failed(
                    f"the limit range sets a limit of {resource} {written(resource, top)} below the"
                    f" request of {written(resource, wanted)}",
                    f"set `steps.{kind}.cpu_limit` of the profile",
                    kind,
                )


CHECKS = (Check("quotas", quotas, ("namespace",)),)
