"""Run the script of a step in its pod, and end in a way that Argo's retries can judge.

``python -P -m nucleoflow.backends.argo.pod SCRIPT``. The script runs in a child, so that one
that is killed is tidied up after too. Exit codes: 0; 1 after a transient failure; 2 after a fatal
one; 70 for a program bug; 143 after SIGTERM; 128 + N for a child that signal N ended. After a
failure no output is left that Argo could upload, and the last line says what to do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import TextIO

from nucleoflow.backends.argo.endings import (
    TERMINATED,
    last_line,
    log_of,
    of_script,
    of_signal,
    reason,
)
from nucleoflow.backends.argo.stacked import STORE_VARIABLE, publish, stacked_outputs
from nucleoflow.backends.argo.unpickling import restrict_jsonpickle
from nucleoflow.backends.script import BUG, FATAL_EXIT, Ending, ending_of, run_script
from nucleops.credentials import redact
from nucleops.errors import NucleoError
from nucleops.storage.objects import open_store

OUTPUTS = Path("/tmp/outputs")
"""Where dflow's scripts leave outputs and Argo takes them from."""
TERMINATION_LOG = Path("/dev/termination-log")
"""Kubernetes keeps what is written here as the reason of a container's end."""
_LONGEST_REASON = 1000
_LONGEST_REPORT = 32_768


def main() -> int:
    """Run the script named on the command line; returns the exit code."""
    if len(sys.argv) != 2:
        print("usage: python -P -m nucleoflow.backends.argo.pod SCRIPT", file=sys.stderr)
        return FATAL_EXIT
    # dflow writes progress into the current folder if it is not told where
    os.environ.setdefault("ARGO_PROGRESS_FILE", os.devnull)
    forwarding = _Forwarding()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        # Argo signals our process group: the script is to hear it once, from us
        os.setpgid(0, 0)
        forwarding.undo()
        ending = _attempt(sys.argv[1])
        if ending.code:
            print(log_of(ending.error), end="")
            os.write(writing, of_script(ending).encode()[:_LONGEST_REPORT])
        return ending.code
    os.close(writing)
    forwarding.to(child)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return _end(code, _report(reading), asked_to=bool(forwarding.received))


def _report(reading: int) -> str:
    """Return what the child said about its end; processes that it left may hold the pipe open."""
    os.set_blocking(reading, False)
    with contextlib.suppress(BlockingIOError):
        return os.read(reading, _LONGEST_REPORT).decode(errors="replace")
    return ""


def _end(code: int, report: str, *, asked_to: bool) -> int:
    """Tidy up, say why, and return the exit code."""
    if code == 0:
        return 0
    if code < 0:
        report, code = of_signal(-code), 128 - code
    elif asked_to:
        # operators see the request as an exception, and may call it anything
        report = report if report.startswith("[preempted]") else of_signal(signal.SIGTERM)
        code = TERMINATED
    shutil.rmtree(OUTPUTS, ignore_errors=True)
    report = redact(report, os.environ)
    if TERMINATION_LOG.exists():
        with contextlib.suppress(OSError):
            TERMINATION_LOG.write_bytes(reason(report, _LONGEST_REASON))
    print(last_line(report, code), flush=True)
    return code


def _attempt(script: str) -> Ending:
    """Run the script, and upload what consumers look for beside other members' outputs."""
    sys.stdout, sys.stderr = _Hiding(sys.stdout), _Hiding(sys.stderr)
    restrict_jsonpickle()
    ending = run_script(script)
    if ending.code:
        return ending
    try:
        stacked = stacked_outputs(os.environ)
        if stacked:
            publish(stacked, OUTPUTS / "artifacts", open_store(os.environ[STORE_VARIABLE]))
    except NucleoError as error:
        return ending_of(error)
    except Exception as error:
        traceback.print_exc()
        return Ending(BUG, error)
    return ending


class _Forwarding:
    """Pass requests to end on to the child."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._child = 0
        self._before = {
            number: signal.signal(number, self._forward)
            for number in (signal.SIGTERM, signal.SIGINT)
        }

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(number)
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, number)

    def to(self, child: int) -> None:
        """Name the child; what came before is passed on now."""
        self._child = child
        for number in self.received:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    def undo(self) -> None:
        """Restore what was before, for the child."""
        for number, handler in self._before.items():
            signal.signal(number, handler)


class _Hiding:
    """A text stream in which the values of credentials do not appear."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(redact(text, os.environ))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


if __name__ == "__main__":
    sys.exit(main())
