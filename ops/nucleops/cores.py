"""How many cores this process may use."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_MOST_THREADS = 64


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


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that wait for work: starting some anew takes as long as reading ten frames."""
    return ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="shared")


# a process that is forked off has no threads
os.register_at_fork(after_in_child=_pool.cache_clear)
_inside = threading.local()


def in_threads(
    call: Callable[[Item], Result], items: Sequence[Item], threads: int | None = None
) -> list[Result]:
    """Return a call's results for all items, in their order, worked out side by side.

    Within such a call everything is done by its own thread.

    Parameters
    ----------
    call : callable
        What is to be done; worth a thread where it releases the interpreter's lock.
    items : sequence
        What to do it for.
    threads : int or None
        See :func:`usable_threads` for None.

    Raises
    ------
    BaseException
        What a call raised.
    """
    count = min(usable_threads(threads), len(items), _MOST_THREADS)
    if count < 2 or getattr(_inside, "a_call", False):
        return [call(item) for item in items]
    results: dict[int, Result] = {}
    places = iter(range(len(items)))  # each thread takes the next

    def work() -> None:
        _inside.a_call = True
        try:
            for place in places:
                results[place] = call(items[place])
        finally:
            _inside.a_call = False

    others = [_pool().submit(work) for _ in range(count - 1)]
    try:
        work()
    finally:
        wait(others)
    for other in others:
        other.result()  # raises what it raised
    return [results[place] for place in range(len(items))]


def meanwhile(call: Callable[[], Result]) -> Future[Result]:
    """Let another thread do something that releases the interpreter's lock, such as writing."""
    return _pool().submit(call)


def shares(count: int, threads: int | None = None) -> list[slice]:
    """Cut a range into one piece for each thread that may be started, none of them empty."""
    pieces = max(1, min(usable_threads(threads), count))
    edges = [count * k // pieces for k in range(pieces + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]
