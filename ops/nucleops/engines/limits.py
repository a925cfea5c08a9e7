"""What may take a program away: the memory limit, our own death, a step that is ended."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

GRACE_VARIABLE = "NUCLEOFLOW_GRACE_S"

_OUT_OF_MEMORY = re.compile(
    rb"std::bad_alloc|cannot allocate memory|out of memory|oom-?kill|MemoryError"
    rb"|ResourceExhaustedError|insufficient virtual memory|memory allocation failed",
    re.IGNORECASE,
)
_KILLED_RANK = re.compile(rb"KILLED BY SIGNAL: (\d+)|EXIT STRING: \w+ \(signal (\d+)\)")
_PR_SET_PDEATHSIG = 1


def grace_s() -> float:
    """Seconds that a step has to end after SIGTERM (``NUCLEOFLOW_GRACE_S``, else 15)."""
    return float(os.environ.get(GRACE_VARIABLE, "15"))


def oom_kills() -> int | None:
    """Read how many processes the kernel has killed for memory in our control group.

    Returns
    -------
    int or None
        The counter (cgroup version 2 or 1); None where it cannot be read, as on macOS.
    """
    for path in _counter_files():
        try:
            text = path.read_text(encoding="ascii")
        except (OSError, ValueError):
            continue
        for line in text.splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill" and value.strip().isdigit():
                return int(value)
    return None


def _counter_files() -> list[Path]:
    root = Path("/sys/fs/cgroup")
    files = []
    try:
        groups = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        groups = []
    for line in groups:
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            files.append(root / group.lstrip("/") / "memory.events")
        elif "memory" in controllers.split(","):
            files.append(root / "memory" / group.lstrip("/") / "memory.oom_control")
    # Inside a container the path of the group is the host's; the root is then ours.
    return [*files, root / "memory.events", root / "memory" / "memory.oom_control"]


def says_out_of_memory(output: bytes) -> bool:
    """Whether a program's own output says that it ran out of memory."""
    return _OUT_OF_MEMORY.search(output) is not None


def ending_signal(returncode: int, output: bytes) -> int | None:
    """Tell which signal ended a program.

    Parameters
    ----------
    returncode : int
        Negative signal number (the process itself), 128 + signal (through a shell), or an MPI
        launcher's own code.
    output : bytes
        The program's last output: MPI launchers say there which signal ended a rank.

    Returns
    -------
    int or None
        The signal's number, None where the program ended by itself.
    """
    if returncode < 0:
        return -returncode
    if returncode - 128 in {signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM}:
        return returncode - 128
    if returncode != 0 and (match := _KILLED_RANK.search(output)):
        return int(match.group(1) or match.group(2))
    return None


def die_with_parent() -> Callable[[], None] | None:
    """Return what a child runs before its program so that the kernel ends it with us.

    Linux only (``prctl(PR_SET_PDEATHSIG)``); it covers the program itself, not what that starts:
    :class:`Watchdog` covers the whole group.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)  # loaded here: a forked child must not import
    parent = os.getpid()

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # we died before the call above
            os._exit(127)

    return before_exec


class Watchdog:
    """A shell that outlives us by a moment, to end a process group that we leave behind.

    It waits on a pipe that only we hold open. Dying in whatever way, ``kill -9`` included, closes
    the pipe, and the group, with everything the program itself started, is killed.

    Parameters
    ----------
    group : int
        Process group to end.
    """

    def __init__(self, group: int) -> None:
        read, self._write = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f'read -r word; [ -n "$word" ] || kill -s KILL -- -{group}'],
                stdin=read,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            os.close(self._write)
            raise
        finally:
            os.close(read)

    def dismiss(self) -> None:
        """Send the watchdog home; the group is no longer its business."""
        try:
            os.write(self._write, b"done\n")
        except BrokenPipeError:
            pass
        finally:
            os.close(self._write)
        self._process.wait()
