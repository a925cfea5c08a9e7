"""The one way in which programs are run.

A program gets its own session and process group, its output goes straight to a log file, and the
run ends either as a :class:`RunResult` or as one of the failures of :mod:`nucleops.errors`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nucleops.engines.environment import program_environment
from nucleops.engines.limits import (
    Watchdog,
    die_with_parent,
    ending_signal,
    oom_kills,
    says_out_of_memory,
)
from nucleops.engines.supervision import end_group, interruptible, signal_name, supervise
from nucleops.errors import (
    MissingProgram,
    OutOfMemory,
    Preempted,
    ProgramFailed,
    TimeLimit,
    WrongInput,
)

__all__ = ["RunResult", "interruptible", "run"]

_TAIL_BYTES = 20_000


@dataclass(frozen=True)
class RunResult:
    """How a program ended.

    Attributes
    ----------
    command : tuple of str
        What was run.
    returncode : int
        Exit status; negative signal number if a signal ended it.
    wall_s, cpu_s : float
        Wall-clock seconds, and user plus system seconds of the program and of what it waited for.
    log : Path
        File that holds its standard output and error.
    stopped_because : str or None
        The reason given by ``watch``; None if the program ended by itself.
    output_start : int
        Byte of ``log`` at which this run's output begins.
    """

    command: tuple[str, ...]
    returncode: int
    wall_s: float
    cpu_s: float
    log: Path
    stopped_because: str | None = None
    output_start: int = 0

    def tail(self, lines: int = 15) -> str:
        """Return the last lines that the program wrote."""
        text = _last_bytes(self.log, self.output_start).decode("utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def check(self, ok: Collection[int] = (0,), *, advice: str = "") -> RunResult:
        """Return the result itself if the program ended well.

        Parameters
        ----------
        ok : collection of int
            Exit codes that count as well; a program that ``watch`` stopped ended well too.
        advice : str
            What the user can do if it did not.

        Raises
        ------
        OutOfMemory
            If the program says in its output that memory ran out.
        ProgramFailed
            For any other exit code, with the last lines of the log.
        """
        if self.stopped_because is not None or self.returncode in ok:
            return self
        output = _last_bytes(self.log, self.output_start)
        if says_out_of_memory(output):
            raise OutOfMemory(f"{self.command[0]} ran out of memory", log=self.log, advice=advice)
        number = ending_signal(self.returncode, output)
        how = f"exit code {self.returncode}" if number is None else signal_name(number)
        raise ProgramFailed(
            f"{self.command[0]} ended with {how}; its last lines:\n{self.tail()}\n",
            log=self.log,
            advice=advice,
        )


def run(
    command: Sequence[str],
    cwd: Path,
    log: Path,
    *,
    cores: int = 1,
    threads: int = 1,
    timeout_s: float | None = None,
    env: Mapping[str, str] | None = None,
    watch: Callable[[], str | None] | None = None,
    grace_s: float = 10.0,
    linger: Callable[[], bool] | None = None,
    stdin: Path | None = None,
    launcher: Sequence[str] = ("mpirun",),
) -> RunResult:
    """Run a program to its end.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; no shell is involved.
    cwd : Path
        Existing folder to run in.
    log : Path
        File that standard output and error are appended to as they come, after a line with the
        command.
    cores : int
        MPI processes; more than one are started by ``launcher -np cores``.
    threads : int
        Threads of each process (``OMP_NUM_THREADS`` and its like).
    timeout_s : float or None
        Wall-clock limit in seconds.
    env : mapping or None
        Environment variables to set besides our own; they win over everything else.
    watch : callable or None
        Called about every 0.5 s; a text it returns ends the program, gracefully, and is recorded as
        ``stopped_because``. That is not an error. What it raises ends the program and passes on.
    grace_s : float
        Seconds between asking the process group to end (SIGTERM) and killing it (SIGKILL).
    linger : callable or None
        Called again and again once we were sent SIGTERM or SIGINT: whether the program may go on a
        little before it is sent the signal too.
    stdin : Path or None
        File to read as standard input; nothing by default.
    launcher : sequence of str
        How MPI processes are started.

    Returns
    -------
    RunResult
        Any exit code that is not described below; call :meth:`RunResult.check` on it.

    Raises
    ------
    WrongInput
        If ``cwd`` or ``stdin`` does not exist.
    MissingProgram
        If the program cannot be found or started.
    TimeLimit
        If it did not end within ``timeout_s``.
    Preempted
        If we were sent SIGTERM or SIGINT (passed on and waited for first), or the program was.
    OutOfMemory
        If it was killed and the control group or its own output says that memory ran out.
    """
    words = [*launcher, "-np", str(cores), *command] if cores > 1 else [str(c) for c in command]
    environment = program_environment(threads, cores, env)
    _check_paths(words, cwd, stdin, environment)
    log.parent.mkdir(parents=True, exist_ok=True)
    kills_before = oom_kills()
    with interruptible():
        started = time.monotonic()
        process, start = _start(words, cwd, log, environment, stdin)
        try:
            watchdog = Watchdog(process.pid)
        except OSError:
            end_group(process)
            raise
        try:
            ending = supervise(process, started, timeout_s, watch, grace_s, linger)
        finally:
            cpu_s = end_group(process)
            watchdog.dismiss()
    wall_s = time.monotonic() - started
    because = ending if isinstance(ending, str) else None
    result = RunResult(tuple(words), process.returncode, wall_s, cpu_s, log, because, start)
    if isinstance(ending, TimeLimit):
        raise TimeLimit(f"{words[0]} {ending.message}", log=log, advice=ending.advice)
    if isinstance(ending, Preempted):
        raise Preempted(f"{ending.message} while {words[0]} was running", log=log)
    if because is None:
        _raise_if_killed(result, kills_before)
    return result


def _check_paths(
    words: list[str], cwd: Path, stdin: Path | None, environment: Mapping[str, str]
) -> None:
    if not cwd.is_dir():
        raise WrongInput(f"there is no folder {cwd} to run {words[0]} in")
    if stdin is not None and not stdin.is_file():
        raise WrongInput(f"there is no file {stdin} for {words[0]} to read")
    beside = cwd / words[0]  # a relative path is meant from where the program runs
    found = shutil.which(words[0], path=environment.get("PATH")) or shutil.which(str(beside))
    if found is None:
        raise MissingProgram(
            f"the program {words[0]} is not installed or not on PATH",
            advice="run `make setup`, or install it and put its folder on PATH",
        )


def _start(
    words: list[str], cwd: Path, log: Path, environment: Mapping[str, str], stdin: Path | None
) -> tuple[subprocess.Popen[bytes], int]:
    with log.open("ab") as out, (stdin or Path(os.devnull)).open("rb") as source:
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        out.write(f"# {now} in {cwd}\n$ {shlex.join(words)}\n".encode())
        out.flush()
        start = out.tell()
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=dict(environment),
                stdin=source,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        except OSError as error:
            raise MissingProgram(
                f"the program {words[0]} cannot be started: {error.strerror}", log=log
            ) from error
    return process, start


def _raise_if_killed(result: RunResult, kills_before: int | None) -> None:
    output = _last_bytes(result.log, result.output_start)
    number = ending_signal(result.returncode, output)
    if number == signal.SIGKILL:
        kills = oom_kills()
        if says_out_of_memory(output) or (kills or 0) > (kills_before or 0):
            raise OutOfMemory(
                f"{result.command[0]} was killed because memory ran out",
                log=result.log,
                advice="give the step more memory, or make the system smaller",
            )
    if number in {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}:
        raise Preempted(
            f"{result.command[0]} was ended from outside by {signal_name(number)}", log=result.log
        )


def _last_bytes(log: Path, start: int) -> bytes:
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(start, size - _TAIL_BYTES))
            return file.read()
    except OSError:
        return b""
