"""Waiting for a program: time limit, signals that we are sent, and how its group is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from nucleops.errors import Preempted, TimeLimit

WATCH_INTERVAL_S = 0.5
"""Seconds between two calls of ``watch``."""
_LONGEST_NAP_S = 0.1

_signals: list[int] = []  # what we were sent since `interruptible` was entered
_depth = 0


@contextmanager
def interruptible() -> Iterator[None]:
    """Pass SIGTERM and SIGINT on to every program that :func:`run` runs meanwhile.

    :func:`run` does this itself when it is called in the main thread. Where programs are run side
    by side in threads, the main thread enters this context around them: Python delivers signals to
    the main thread only. Outside the main thread it does nothing. Handlers are restored at the end.
    """
    global _depth
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    if _depth == 0:
        _signals.clear()
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, _remember)
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        for number, handler in before.items():
            # A handler that was not installed from Python reads as None and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _remember(number: int, frame: FrameType | None) -> None:
    _signals.append(number)


def supervise(
    process: subprocess.Popen[bytes],
    started: float,
    timeout_s: float | None,
    watch: Callable[[], str | None] | None,
    grace_s: float,
    linger: Callable[[], bool] | None = None,
) -> str | TimeLimit | Preempted | None:
    """Wait for the program; return why it was ended, or None if it ended by itself."""
    ignored = len(_signals) if _depth == 0 else 0
    next_watch = started + WATCH_INTERVAL_S
    nap = 0.001
    while not _ended(process):
        now = time.monotonic()
        if len(_signals) > ignored:
            number = _signals[ignored]
            _linger(process, linger)
            _stop(process, number, grace_s)
            return Preempted(f"{signal_name(number)} received")
        if timeout_s is not None and now - started > timeout_s:
            _stop(process, signal.SIGTERM, grace_s)
            return TimeLimit(
                f"did not end within {timeout_s:g} s", advice="raise its timeout_s, or do less"
            )
        if watch is not None and now >= next_watch:
            reason = watch()
            if reason is not None:
                _stop(process, signal.SIGTERM, grace_s)
                return reason
            next_watch = time.monotonic() + WATCH_INTERVAL_S
        time.sleep(nap)
        nap = min(2 * nap, _LONGEST_NAP_S)
    # A signal in the last instant still means that the machine is being taken away.
    return Preempted(f"{signal_name(_signals[ignored])} received") if _signals[ignored:] else None


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the program has ended; its process is left as a zombie, so that its id stays ours."""
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, options) is not None


def _linger(process: subprocess.Popen[bytes], linger: Callable[[], bool] | None) -> None:
    """Let the program go on as long as it may; a second signal cuts this short."""
    asked = len(_signals)
    while linger is not None and not _ended(process) and len(_signals) <= asked and linger():
        time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes], number: int, grace_s: float) -> None:
    """Ask the group to end; return when the program has, or when its time is up.

    A second signal sent to us meanwhile cuts the waiting short.
    """
    _signal_group(process, number)
    asked = len(_signals)
    deadline = time.monotonic() + grace_s
    while not _ended(process) and time.monotonic() < deadline and len(_signals) <= asked:
        time.sleep(0.02)


def end_group(process: subprocess.Popen[bytes]) -> float:
    """Kill what is left of the group, take the exit status, return the CPU seconds used."""
    _signal_group(process, signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    # macOS refuses where only the zombie is left
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
