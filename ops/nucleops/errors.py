"""How an engine run can fail, and what the workflow does about each way.

Every failure a user can meet is one of the classes below. They are mapped to dflow's two
outcomes in exactly one place, :func:`as_dflow_error`: transient failures (exit code 1) are
retried, fatal ones (exit code 2) are not. Anything else that is raised is a program bug; it is
turned into a fatal error too, because trying a bug again cannot help.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class NucleoError(Exception):
    """Base of all expected failures.

    Parameters
    ----------
    message : str
        What happened, in a sentence.
    log : Path or None
        Where the program's own words are.
    advice : str
        What the user can do about it.
    """

    transient = False
    kind = "failure"

    def __init__(self, message: str, *, log: Path | None = None, advice: str = "") -> None:
        self.message = message
        self.log = log
        self.advice = advice
        parts = [message]
        if log is not None:
            parts.append(f"log: {log}")
        if advice:
            parts.append(advice)
        super().__init__("; ".join(parts))

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.log, self.advice))


def _rebuild(cls: type[NucleoError], message: str, log: Path | None, advice: str) -> NucleoError:
    return cls(message, log=log, advice=advice)


class TransientFailure(NucleoError):
    """Worth another try on this or another machine."""

    transient = True


class Preempted(TransientFailure):
    """The machine was taken away: SIGTERM or SIGKILL from outside."""

    kind = "preempted"


class OutOfMemory(TransientFailure):
    """The kernel or the program ran out of memory."""

    kind = "out of memory"


class TimeLimit(TransientFailure):
    """The program did not end within its wall-clock limit."""

    kind = "time limit"


class StorageUnreachable(TransientFailure):
    """A checkpoint or artifact store did not answer."""

    kind = "storage unreachable"


class FatalFailure(NucleoError):
    """Trying again would end in the same way."""


class WrongInput(FatalFailure):
    """Input that a person has to correct: file, field, what was found, what is allowed."""

    kind = "wrong input"


class MissingObject(WrongInput):
    """A store has no object under a key."""

    kind = "missing object"


class DamagedObject(WrongInput):
    """An object of a store is not what was written under its key."""

    kind = "damaged object"


class MissingProgram(FatalFailure):
    """An engine is not installed or does not have a needed feature."""

    kind = "missing program"


class ScfNotConverged(FatalFailure):
    """The self-consistent field did not converge."""

    kind = "SCF not converged"


class AtomsLost(FatalFailure):
    """Molecular dynamics lost atoms or blew up."""

    kind = "atoms lost"


class TruncatedOutput(FatalFailure):
    """An output file ends early, is malformed or holds numbers that are not finite."""

    kind = "truncated output"


class ProgramFailed(FatalFailure):
    """A program ended with an error that none of the other classes describes."""

    kind = "program failed"


def as_dflow_error(error: BaseException) -> BaseException:
    """Map a failure to dflow's ``TransientError`` (exit 1) or ``FatalError`` (exit 2).

    Parameters
    ----------
    error : BaseException
        What was raised inside an operator.

    Returns
    -------
    BaseException
        ``dflow.python.TransientError`` for transient classes, ``dflow.python.FatalError`` for
        fatal ones and for program bugs; dflow's own errors are passed through.
    """
    from dflow.python import FatalError, TransientError

    mapped: BaseException
    if isinstance(error, (FatalError, TransientError)):
        mapped = error
    elif not isinstance(error, NucleoError):
        mapped = FatalError(f"[program bug] {type(error).__name__}: {error}")
    elif error.transient:
        mapped = TransientError(f"[{error.kind}] {error}")
    else:
        mapped = FatalError(f"[{error.kind}] {error}")
    return mapped


def dflow_errors(execute: F) -> F:
    """Decorate an operator's ``execute`` so that every failure leaves it as a dflow error."""

    @functools.wraps(execute)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return execute(*args, **kwargs)
        except Exception as error:
            raise as_dflow_error(error) from error

    return wrapper  # type: ignore[return-value]  # functools.wraps keeps the signature
