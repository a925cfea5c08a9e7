"""What a pod says when its script failed: one line with the class of the failure and advice."""

from __future__ import annotations

import signal
from pathlib import Path

from nucleoflow.backends.script import BUG, FATAL_EXIT, TRANSIENT_EXIT, Ending
from nucleops.errors import NucleoError

KILLED = 128 + signal.SIGKILL
TERMINATED = 128 + signal.SIGTERM

_MEANING = {
    TRANSIENT_EXIT: "tried again while retries are left",
    FATAL_EXIT: "not tried again",
    BUG: "not tried again; please report it with this log",
    KILLED: "tried again while retries are left",
    TERMINATED: "tried again while retries are left",
}
_ADVICE: dict[int, str] = {
    signal.SIGKILL: "most likely memory ran out: raise `steps.<kind>.memory` of the cluster"
    " profile, or let it grow with `retry.memory_growth`",
    signal.SIGTERM: "its node was taken away, its deadline passed or the run was stopped",
    signal.SIGSEGV: "a library crashed; does the image fit the node (CPU, driver, CUDA)?",
    signal.SIGILL: "the image was built for another kind of CPU",
    signal.SIGBUS: "a disk or shared memory is full: raise `steps.<kind>.scratch`",
}
_TAIL_LINES = 40


def of_script(ending: Ending) -> str:
    """Describe a failure that the script itself met: ``[kind] message; advice``."""
    error = ending.error
    if error is None:
        return f"[failure] the script ended with exit code {ending.code}"
    if isinstance(error, NucleoError):
        return f"[{error.kind}] {error}"
    if isinstance(error, MemoryError):
        return f"[out of memory] {_ADVICE[signal.SIGKILL]}"
    text = str(error)
    # nucleops.errors.as_dflow_error has named the class already
    if text.startswith("["):
        return text
    kind = "program bug" if ending.code == BUG else "failure"
    return f"[{kind}] {type(error).__name__}: {text}"


def of_signal(number: int) -> str:
    """Describe the end of a script by a signal."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    kind = "preempted" if number == signal.SIGTERM else "killed"
    advice = _ADVICE.get(number, "")
    return f"[{kind}] the step was ended by {name}" + (f": {advice}" if advice else "")


def last_line(text: str, code: int) -> str:
    """Return the last line of a log."""
    return (
        f"nucleoflow: {_one_line(text)} (exit code {code}: {_MEANING.get(code, 'not tried again')})"
    )


def reason(text: str, n_bytes: int) -> bytes:
    """Return a description as Kubernetes keeps it: one line of at most so many bytes."""
    return _one_line(text).encode()[:n_bytes]


def log_of(error: BaseException | None) -> str:
    """Return the last lines of the program log that an error names: the pod's disk goes with it.

    Returns
    -------
    str
        Empty if the error, and those that caused it, name none.
    """
    while error is not None:
        log = getattr(error, "log", None)
        if isinstance(log, Path) and log.is_file():
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            return "\n".join([f"===== end of {log} =====", *lines[-_TAIL_LINES:], ""])
        error = error.__cause__ or error.__context__
    return ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
