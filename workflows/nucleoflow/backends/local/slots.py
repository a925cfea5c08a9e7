"""Cores and GPUs of the machine, shared by all steps of a run however deeply they are nested.

A slot is a file, and whoever holds its ``flock`` holds the slot; the kernel gives it back when
the holder ends in whatever way. Requests stand in a queue, one for cores and one for GPUs, and
only the first in a queue takes slots, so that

- nobody waits for a slot of a kind while another collects the same kind: no deadlock;
- a request for many slots is not overtaken for ever by requests for few: no starvation;
- GPUs are taken before cores by everyone: no circular waiting between the two queues.

A GPU has :data:`GPU_PARTS` slots, so that steps which leave most of one idle can share it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CORES_VARIABLE = "NUCLEOFLOW_CORES"
GPUS_VARIABLE = "NUCLEOFLOW_GPUS"


GPU_PARTS = 12
"""Slots of one GPU; 1, 2, 3, 4, 6 or 12 steps can share it evenly."""


@dataclass(frozen=True)
class Limits:
    """What a run may use.

    Attributes
    ----------
    cores : int
        Number of cores.
    gpus : tuple of str
        Device names as ``CUDA_VISIBLE_DEVICES`` takes them.
    """

    cores: int
    gpus: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """Return the variables by which the steps of a run learn its limits."""
        return {CORES_VARIABLE: str(self.cores), GPUS_VARIABLE: ",".join(self.gpus)}

    @classmethod
    def from_environment(cls) -> Limits:
        """Read what :meth:`environment` wrote."""
        gpus = os.environ.get(GPUS_VARIABLE, "")
        return cls(int(os.environ.get(CORES_VARIABLE, "1")), tuple(filter(None, gpus.split(","))))


@dataclass(frozen=True)
class Grant:
    """Slots that are held: how many cores, and which GPUs."""

    cores: int
    gpus: tuple[str, ...]


@contextlib.contextmanager
def hold(
    folder: Path,
    limits: Limits,
    cores: int,
    gpus: int,
    checkpoint: Callable[[], None] = lambda: None,
    per_gpu: int = 1,
) -> Iterator[Grant]:
    """Hold cores and GPUs, all that are asked for or none.

    Parameters
    ----------
    folder : Path
        Where the slots of the run are.
    limits : Limits
        What there is.
    cores : int
        Cores to hold; more than there are means all. 0 holds none and does not wait.
    gpus : int
        GPUs to hold; at most as many as there are.
    checkpoint : callable
        Called while waiting; whatever it raises ends the wait and gives everything back.
    per_gpu : int
        How many such requests may have the same GPU at once; a divisor of :data:`GPU_PARTS`.

    Yields
    ------
    Grant
        What is held until the context ends.
    """
    cores = min(cores, limits.cores)
    gpus = min(gpus, len(limits.gpus))
    with (
        _take(folder / "gpus", limits.gpus, gpus, checkpoint, GPU_PARTS // per_gpu) as devices,
        _take(folder / "cores", [str(i) for i in range(limits.cores)], cores, checkpoint),
    ):
        yield Grant(cores, devices)


@contextlib.contextmanager
def _take(
    folder: Path,
    names: Sequence[str],
    count: int,
    checkpoint: Callable[[], None],
    parts: int | None = None,
) -> Iterator[tuple[str, ...]]:
    """Hold `count` of the named things, of each so many of its parts; None: it has none."""
    held: dict[str, list[int]] = {}
    try:
        if count:
            (folder / "queue").mkdir(parents=True, exist_ok=True)
            with _first_in(folder / "queue", checkpoint):
                while len(held) < count:
                    for name in names:
                        if name not in held and len(held) < count:
                            descriptors = _try_parts(folder / f"slot-{name}", parts)
                            if descriptors:
                                held[name] = descriptors
                    if len(held) < count:
                        checkpoint()
                        time.sleep(0.05)
        yield tuple(held)
    finally:
        for descriptors in held.values():
            _close(descriptors)


def _try_parts(slot: Path, parts: int | None) -> list[int]:
    """Lock a slot, or so many of its parts; nothing if they are not all free."""
    wanted = 1 if parts is None else parts
    files = [slot] if parts is None else [Path(f"{slot}.{i}") for i in range(GPU_PARTS)]
    held: list[int] = []
    for path in files:
        descriptor = _try_lock(path)
        if descriptor is not None:
            held.append(descriptor)
        if len(held) == wanted:
            return held
    _close(held)
    return []


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


@contextlib.contextmanager
def _first_in(queue: Path, checkpoint: Callable[[], None]) -> Iterator[None]:
    """Stand in a queue of ticket files until all earlier tickets are gone or their holders are."""
    stamp = f"{time.time_ns():020d}-{os.getpid()}"
    arriving = queue / f".{stamp}"
    ticket = queue / stamp
    # locked before it gets its name, so that nobody takes a new ticket for an abandoned one
    descriptor = _try_lock(arriving)
    try:
        arriving.rename(ticket)
        while rank := _rank(queue, stamp):
            checkpoint()
            time.sleep(min(0.05 * rank, 1.0))
        yield
    finally:
        ticket.unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)


def _rank(queue: Path, stamp: str) -> int:
    """How many stand before a ticket; the first one's ticket is removed if its holder is gone."""
    earlier = sorted(name for name in os.listdir(queue) if name[0] != "." and name < stamp)  # noqa: PTH208
    if earlier:
        first = queue / earlier[0]
        descriptor = _try_lock(first, create=False)
        if descriptor is not None:
            first.unlink(missing_ok=True)
            os.close(descriptor)
            return len(earlier) - 1
    return len(earlier)


def _try_lock(path: Path, *, create: bool = True) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o644)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
