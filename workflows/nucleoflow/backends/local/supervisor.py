"""Run one local step: wait for slots, run, judge, try again where that can help.

dflow starts this instead of the step's interpreter (see :mod:`.executor`) and appends the path
of the step's script. Exit codes are those of dflow: 0, 1 after transient failures, 2 after a
fatal one; 143 when it was told to stop.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from nucleoflow.backends.local import events, processes
from nucleoflow.backends.local.attempt import LOG, Stopped, Workdir, full_command, run_attempt, tail
from nucleoflow.backends.local.slots import Limits, hold
from nucleoflow.backends.local.verdict import SUCCEEDED, Verdict
from nucleoflow.backends.script import FATAL_EXIT

GRACE_VARIABLE = "NUCLEOFLOW_GRACE_S"
_STOPPED_EXIT = 128 + signal.SIGTERM
_LONGEST_BACKOFF_S = 300.0


def grace_s() -> float:
    """Seconds that a step has to end after SIGTERM; longer than engines are given for theirs."""
    return float(os.environ.get(GRACE_VARIABLE, "15"))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="supervisor", description=__doc__)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--gpus", type=int, default=0)
    parser.add_argument("--per-gpu", type=int, default=1)
    parser.add_argument("--retries", type=int, default=0)
    parser.add_argument("--timeout-s", type=float, default=None)
    parser.add_argument("--backoff-s", type=float, default=5.0)
    parser.add_argument("command", nargs="+", help="interpreter and, last, the script")
    return parser.parse_args(arguments)


class Supervisor:
    """The life of one step.

    Parameters
    ----------
    options : argparse.Namespace
        The command line.
    run : Path
        The run folder.
    """

    def __init__(self, options: argparse.Namespace, run: Path) -> None:
        *self.command, script = options.command
        self.script = Path(script).absolute()
        self.options = options
        self.run = run
        self.step = self.script.parent
        self.limits = Limits.from_environment()
        self.cores = min(options.cores, self.limits.cores)
        self.stop_reason: str | None = None
        self._next_look = 0.0
        name = self.step / "name"
        self.template = name.read_text(encoding="utf-8") if name.is_file() else ""

    def event(self, event: str, **fields: object) -> None:
        """Record an event of this step."""
        events.append(self.run, event, step=self.step.name, name=self.template, **fields)

    def on_signal(self, number: int, _frame: object) -> None:
        """Note that the step has to end; :meth:`checkpoint` acts on it."""
        self.stop_reason = signal.Signals(number).name

    def checkpoint(self) -> None:
        """Raise :class:`Stopped` if the step was told to stop or its controller is gone."""
        if self.stop_reason is None and time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + 1.0
            if not controller_lives():
                self.stop_reason = "the controller is gone"
        if self.stop_reason is not None:
            raise Stopped(self.stop_reason)

    def live(self) -> int:
        """Do everything; returns the exit code."""
        earlier = Verdict.read(self.step)
        if earlier is not None:
            print(f"ended earlier: {earlier.outcome} {earlier.kind} {earlier.message}")
            return earlier.exit_code
        try:
            verdict = self._attempts()
        except Stopped as reason:
            self.event("interrupted", message=str(reason))
            return _STOPPED_EXIT
        verdict.write(self.step)
        if verdict == SUCCEEDED:
            self.event("succeeded")
        else:
            self.event("failed", **_fields(verdict), log=str(self.step / LOG))
        return verdict.exit_code

    def _attempts(self) -> Verdict:
        if self.options.gpus > len(self.limits.gpus):
            message = f"needs {self.options.gpus} GPUs and this run has {len(self.limits.gpus)}"
            return Verdict("fatal", "wrong input", message, FATAL_EXIT)
        workdir = Workdir(Path.cwd())
        attempt = 1
        while True:
            verdict = self._attempt(attempt)
            if verdict.outcome != "transient" or attempt > self.options.retries:
                return verdict
            pause = min(self.options.backoff_s * 2 ** (attempt - 1), _LONGEST_BACKOFF_S)
            aside = self.step / f"attempt-{attempt}"
            self.event("attempt-failed", attempt=attempt, **_fields(verdict), retry_in_s=pause)
            self._note(f"attempt {attempt} failed; its files are in {aside}; next in {pause:g} s")
            workdir.set_aside(aside)
            self._sleep(pause)
            attempt += 1

    def _attempt(self, attempt: int) -> Verdict:
        o = self.options
        self.event("queued", attempt=attempt, cores=self.cores, gpus=o.gpus)
        slots = self.run / "slots"
        with hold(slots, self.limits, o.cores, o.gpus, self.checkpoint, o.per_gpu) as grant:
            self._note(f"attempt {attempt} of at most {o.retries + 1}, {time.ctime()}")
            verdict = run_attempt(
                self.step,
                full_command(self.command, str(self.script)),
                grant,
                timeout_s=o.timeout_s,
                grace_s=grace_s(),
                checkpoint=self.checkpoint,
                on_start=lambda pid: self.event(
                    "started",
                    attempt=attempt,
                    pid=pid,
                    cores=grant.cores,
                    gpus=list(grant.gpus),
                ),
            )
        if verdict != SUCCEEDED:
            text = f"{verdict.outcome} failure [{verdict.kind}] {verdict.message}"
            self._note(text)
            # dflow reads this through a pipe as strict UTF-8 and keeps it in memory: be brief
            print(tail(self.step / LOG, 2000).encode("ascii", "backslashreplace").decode("ascii"))
        return verdict

    def _note(self, text: str) -> None:
        with (self.step / LOG).open("a", encoding="utf-8") as log:
            log.write(f"===== {text} =====\n")

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.checkpoint()
            time.sleep(min(0.1, seconds))


def _fields(verdict: Verdict) -> dict[str, object]:
    return {
        "outcome": verdict.outcome,
        "kind": verdict.kind,
        "message": verdict.message,
        "exit_code": verdict.exit_code,
    }


def controller_lives() -> bool:
    """Whether the controller that is named in the environment still runs."""
    pid, name = os.environ[processes.CONTROLLER_VARIABLE].split(" ", 1)
    return processes.is_alive(int(pid), name)


def main(arguments: list[str] | None = None) -> int:
    """Supervise the step named on the command line; returns the exit code."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    supervisor = Supervisor(options, Path(os.environ[processes.RUN_VARIABLE]))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, supervisor.on_signal)
    processes.end_with_parent(signal.SIGTERM)
    processes.adopt_orphans()
    # a parent that ended before the bond was made has left us to init or to the controller
    if os.getppid() in (1, int(os.environ[processes.CONTROLLER_VARIABLE].split()[0])):
        return _STOPPED_EXIT
    return supervisor.live()


if __name__ == "__main__":
    sys.exit(main())
