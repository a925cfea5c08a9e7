"""Which process is which, and how to end a whole tree of them.

A process number alone names nothing for long: numbers are used again, and machines restart. An
*identity* adds the boot and the moment of the start, so that a file can name a process for ever.
The number stays in it: a parent and its child can start within one clock tick.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

RUN_VARIABLE = "NUCLEOFLOW_RUN"
"""Environment variable that every process of a run inherits: the run folder."""

CONTROLLER_MODULE = "nucleoflow.backends.local.controller"
CONTROLLER_VARIABLE = "NUCLEOFLOW_CONTROLLER"
"""Environment variable naming the controller: ``<pid> <identity>``."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def identity(pid: int) -> str | None:
    """Name a process so that no later one with the same number is mistaken for it.

    Parameters
    ----------
    pid : int
        Process number on this machine.

    Returns
    -------
    str or None
        Boot id, start time in clock ticks and number; None if there is no such process or it is
        a zombie, which has ended and only waits to be noticed.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if sys.platform == "linux" else _portable_identity(pid)
    # the second field is the command in parentheses and may itself hold spaces and parentheses
    fields = text[text.rindex(")") + 2 :].split()
    if fields[0] in "ZX":
        return None
    return f"{_boot_id()}/{fields[19]}/{pid}"


def _boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return "boot"


def _portable_identity(pid: int) -> str | None:
    import psutil

    try:
        return f"start/{psutil.Process(pid).create_time()}/{pid}"
    except psutil.Error:
        return None


def is_alive(pid: int, name: str) -> bool:
    """Whether the process that had this number and identity still runs."""
    return identity(pid) == name


def end_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when its parent ends (Linux).

    The bond is with the thread that forked, so parents fork from their main thread only.
    """
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends (Linux).

    Engines run in process groups of their own; only as adopted children can they still be found
    once the script that started them is gone.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def send(pid: int, signal_number: int) -> None:
    """Send a signal to a process; one that has ended is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal_number)


def send_to_group(group: int, signal_number: int) -> None:
    """Send a signal to a process group; one that has ended is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal_number)


def descendants() -> list[psutil.Process]:
    """All living descendants of this process, zombies left out."""
    import psutil

    return [child for child in psutil.Process().children(recursive=True) if _runs(child)]


def members_of_run(run: Path) -> list[psutil.Process]:
    """Living processes that belong to a run, whoever their parent is.

    Parameters
    ----------
    run : Path
        The run folder; processes are recognised by :data:`RUN_VARIABLE` in their environment.

    Returns
    -------
    list of psutil.Process
        Without this process, its ancestors, and other controllers of the run: one that resumes
        it waits for the lock while the one before ends everything, and must not be ended too.
    """
    import psutil

    me = psutil.Process()
    own = {me.pid, *(parent.pid for parent in me.parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in own:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            mine = process.environ().get(RUN_VARIABLE) == str(run)
            if mine and _runs(process) and not _is_controller(process):
                found.append(process)
    return found


def _is_controller(process: psutil.Process) -> bool:
    """Whether it is a controller itself; what it forks has its command line, not its session."""
    return CONTROLLER_MODULE in process.cmdline() and os.getsid(process.pid) == process.pid


def _runs(process: psutil.Process) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill processes; those that have ended, or whose number was reused, are left alone."""
    import psutil

    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)


def reap() -> None:
    """Collect the exit states of ended children, so that none stays as a zombie."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def wait_until_gone(run: Path, patience_s: float) -> None:
    """Wait for all processes of a run to end, and kill those that do not.

    Parameters
    ----------
    run : Path
        The run folder.
    patience_s : float
        How long processes that are already asked to end may take.
    """
    deadline = time.monotonic() + patience_s
    while left := members_of_run(run):
        if time.monotonic() > deadline:
            kill(left)
        time.sleep(0.1)
        reap()
