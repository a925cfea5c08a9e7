"""What one pod of a kind of step asks of a cluster."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nucleoflow.profile.steps import StepResources

Amounts = dict[str, Decimal]
"""Resource, as Kubernetes calls it, to cores, bytes or pieces."""


def amount(quantity: Any) -> Decimal:
    """Return what a quantity such as ``500m`` or ``4Gi`` is in cores, bytes or pieces."""
    from kubernetes.utils.quantity import parse_quantity

    return Decimal(parse_quantity(quantity))


def requests_of(step: StepResources) -> Amounts:
    """Return what the pod requests; the executor's side container is small beside it."""
    requests = {"cpu": amount(step.cpu), "memory": amount(step.memory), "pods": Decimal(1)}
    if step.gpu is not None:
        requests[step.gpu.resource] = Decimal(step.gpu.count)
    return requests


def limits_of(step: StepResources) -> Amounts:
    """Return the limits of the pod's main container."""
    limits = {"memory": amount(step.memory)}
    if step.cpu_limit is not None:
        limits["cpu"] = amount(step.cpu_limit)
    if step.gpu is not None:
        limits[step.gpu.resource] = Decimal(step.gpu.count)
    return limits


def grown_memory(step: StepResources) -> Decimal:
    """Return what the last retry asks for in bytes, where memory grows from one to the next."""
    return amount(step.memory) * Decimal(step.retry.memory_growth) ** step.retry.limit


def written(resource: str, value: Decimal) -> str:
    """Write an amount for people: GiB for memory, plain numbers otherwise."""
    if resource.endswith(("memory", "storage")):
        return f"{value / 2**30:.4g} GiB"
    return f"{value.normalize():f}"
