"""How an attempt at a step ended, and what follows from it."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

from nucleoflow.backends.script import BUG, FATAL_EXIT, TRANSIENT_EXIT

_FILE = "verdict.json"
_DFLOW_ERROR = re.compile(r"(?:TransientError|FatalError): (?:\[(?P<kind>[^\]]+)\] )?(?P<text>.*)")
_PYTHON_ERROR = re.compile(r"^(?:[A-Za-z_][\w.]*\.)?(?P<text>[A-Za-z_]\w*(?:Error|Exception)\b.*)")


@dataclass(frozen=True)
class Verdict:
    """The judgement on an attempt.

    Attributes
    ----------
    outcome : str
        ``succeeded``, ``transient`` (worth another try) or ``fatal``.
    kind : str
        Class of the failure in words, as in :mod:`nucleops.errors`.
    message : str
        What happened.
    exit_code : int
        What the supervisor ends with if this verdict is the last: 0, 1 or 2.
    kept : bool
        The workflow went on without this step; a resumed run keeps to that.
    """

    outcome: str
    kind: str = ""
    message: str = ""
    exit_code: int = 0
    kept: bool = False

    def write(self, step: Path) -> None:
        """Store the verdict in the step's folder, completely or not at all."""
        partial = step / (_FILE + ".partial")
        with partial.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(step / _FILE)

    @classmethod
    def read(cls, step: Path) -> Verdict | None:
        """Return the stored verdict of a step, or None while there is none."""
        try:
            return cls(**json.loads((step / _FILE).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    @staticmethod
    def forget(step: Path) -> None:
        """Remove the stored verdict."""
        (step / _FILE).unlink(missing_ok=True)


SUCCEEDED = Verdict("succeeded")


def judge(return_code: int, log_tail: str) -> Verdict:
    """Judge how a script ended.

    Parameters
    ----------
    return_code : int
        As :mod:`subprocess` gives it: negative for a signal.
    log_tail : str
        The end of what the script wrote.

    Returns
    -------
    Verdict
        Exit code 1, and death by a signal, are transient; everything else but 0 is fatal.
    """
    if return_code == 0:
        return SUCCEEDED
    if return_code < 0:
        return _by_signal(-return_code)
    if return_code > 128 and return_code - 128 in (signal.SIGKILL, signal.SIGTERM):
        return _by_signal(return_code - 128)
    kind, message = explain(log_tail)
    if return_code == TRANSIENT_EXIT:
        return Verdict("transient", kind or "failure", message, TRANSIENT_EXIT)
    if return_code == BUG:
        return Verdict("fatal", "program bug", message, FATAL_EXIT)
    if not message:
        message = f"exit code {return_code}"
    return Verdict("fatal", kind or "failure", message, FATAL_EXIT)


def _by_signal(number: int) -> Verdict:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGKILL:
        message = "killed (SIGKILL); the kernel does this when memory runs out"
        return Verdict("transient", "killed", message, TRANSIENT_EXIT)
    return Verdict("transient", "killed", f"ended by {name}", TRANSIENT_EXIT)


def explain(log_tail: str) -> tuple[str, str]:
    """Find the class and message of a failure in the end of a log.

    Parameters
    ----------
    log_tail : str
        Ends with a Python traceback if the script failed.

    Returns
    -------
    kind, message : str
        Empty where the log does not tell.
    """
    lines = log_tail.splitlines()
    for line in reversed(lines):
        found = _DFLOW_ERROR.search(line)
        if found:
            return found["kind"] or "", found["text"].strip()
    for line in reversed(lines):
        found = _PYTHON_ERROR.match(line)
        if found:
            return "", found["text"].strip()
    return "", lines[-1].strip() if lines else ""
