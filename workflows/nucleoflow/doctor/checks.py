"""All checks, in the order in which they are made."""

from __future__ import annotations

from nucleoflow.doctor import (
    api,
    argo,
    bucket,
    clocks,
    here,
    images,
    objects,
    permissions,
    quotas,
    scheduling,
)

OF_THIS_MACHINE = here.CHECKS
OF_A_CLUSTER = (
    *api.CHECKS,
    *argo.CHECKS,
    *permissions.CHECKS,
    *objects.CHECKS,
    *scheduling.CHECKS,
    *quotas.CHECKS,
    *bucket.CHECKS,
    *images.CHECKS,
    *clocks.CHECKS,
)
"""These need a profile."""
