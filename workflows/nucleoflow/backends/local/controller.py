"""The process that owns a run: ``python -m nucleoflow.backends.local.controller RUN [options]``.

It holds the run's lock, has dflow run in a child, ends everything on SIGTERM, when the command
line that it belongs to is gone or when dflow ends, and writes how the run ended.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from nucleoflow.backends.local import events, lock, processes
from nucleoflow.backends.local.results import collect_results, forget_uncollected
from nucleoflow.backends.local.sanitise import sanitise
from nucleoflow.backends.local.slots import Limits
from nucleoflow.backends.local.supervisor import grace_s
from nucleoflow.runs.folder import RunFolder

BUSY_EXIT = 3
INTERRUPTED_EXIT = 130


class Controller:
    """The life of a run from start or resume to its end.

    Parameters
    ----------
    run : RunFolder
        The run; its lock is held.
    limits : Limits
        What its steps may use.
    owner : int or None
        Process that the run ends with; None for a detached one.
    """

    def __init__(self, run: RunFolder, limits: Limits, owner: int | None) -> None:
        self.run = run
        self.limits = limits
        self.owner = owner
        self.stops = 0

    def on_signal(self, _number: int, _frame: object) -> None:
        """Ask for the end; asked twice, steps are not given time to end themselves."""
        self.stops += 1

    def live(self) -> int:
        """Run the study; returns the exit code."""
        run = self.run
        # what a controller that was killed has left behind ends by itself, or is ended
        processes.wait_until_gone(run.path, grace_s() + 5)
        for name in ("result", "problem"):
            (run.path / f"{name}.json").unlink(missing_ok=True)
        before = sanitise(run)
        for key in before.finished:
            events.append(run.path, "skipped", step=key)
        events.append(
            run.path, "run-started", pid=os.getpid(), finished=len(before.finished),
            kept_failed=len(before.failed), again=len(before.again),
        )  # fmt: skip
        engine = self._fork_engine()
        code = self._wait(engine)
        state = {0: "succeeded", INTERRUPTED_EXIT: "interrupted"}.get(code, "failed")
        if state == "failed":
            forget_uncollected(run)
        with contextlib.suppress(OSError):
            collect_results(run)
        run.write("result", {"state": state, "exit_code": code, "ended": time.time()})
        events.append(run.path, "run-ended", state=state, exit_code=code)
        return code

    def _fork_engine(self) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            from nucleoflow.backends.local.engine import run_engine

            code = run_engine(self.run)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _wait(self, engine: int) -> int:
        while True:
            ended, status = os.waitpid(engine, os.WNOHANG)
            if ended:
                lock.sign_off(self.run)
                processes.wait_until_gone(self.run.path, grace_s() + 5)
                code = os.waitstatus_to_exitcode(status)
                if code < 0:
                    message = f"dflow's process was ended by signal {-code}"
                    self.run.write("problem", {"kind": "killed", "message": message})
                return code if code >= 0 else 1
            if self.owner is not None and os.getppid() != self.owner:
                self.stops += 1
            if self.stops:
                lock.sign_off(self.run)
                self._stop(engine)
                return INTERRUPTED_EXIT
            time.sleep(0.1)

    def _stop(self, engine: int) -> None:
        """End everything.

        dflow's processes are killed at once, so that none begins another step; each supervisor
        is told by the kernel that its parent ended, and ends its step.
        """
        processes.send(engine, signal.SIGKILL)
        deadline = time.monotonic() + grace_s() + 5
        while left := processes.members_of_run(self.run.path):
            if self.stops > 1 or time.monotonic() > deadline:
                processes.kill(left)
            time.sleep(0.1)
            processes.reap()


def main(arguments: list[str] | None = None) -> int:
    """Control the run named on the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="controller", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--owner", type=int, default=None, help="process that the run ends with")
    parser.add_argument("--ready", type=int, default=None, help="descriptor to report on")
    options = parser.parse_args(arguments)
    run = RunFolder(options.run.absolute())
    try:
        descriptor = lock.take(run)
    except lock.AlreadyRunning as busy:
        _report(options.ready, busy.holder)
        return BUSY_EXIT
    controller = Controller(run, Limits.from_environment(), options.owner)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, controller.on_signal)
    if options.owner is not None:
        processes.end_with_parent(signal.SIGTERM)
    processes.adopt_orphans()
    os.environ[processes.CONTROLLER_VARIABLE] = lock.sign(run, detached=options.owner is None)
    os.environ[processes.RUN_VARIABLE] = str(run.path)
    _report(options.ready, "ready")
    code = controller.live()
    os.close(descriptor)
    return code


def _report(descriptor: int | None, text: str) -> None:
    if descriptor is not None:
        with contextlib.suppress(BrokenPipeError):
            os.write(descriptor, text.encode())
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
