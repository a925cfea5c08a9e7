"""How many cores this process may use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def usable_cores() -> int:
    """Return how many cores this process may use: affinity and the container's quota counted."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _container_quota()
    return max(1, min(count or 1, quota) if quota is not None else count or 1)


def _container_quota() -> int | None:
    with contextlib.suppress(OSError, ValueError):
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        if limit != "max":
            return int(float(limit) / float(period))
    return None


def usable_threads(threads: int | None = None) -> int:
    """Return how many threads a computation may start: given, ``$OMP_NUM_THREADS``, or all cores.

    A step of a workflow has its share of the machine in that variable, as every library reads it.
    """
    if threads is not None:
        return max(1, threads)
    with contextlib.suppress(ValueError):
        return max(1, int(os.environ.get("OMP_NUM_THREADS", "")))
    return usable_cores()
