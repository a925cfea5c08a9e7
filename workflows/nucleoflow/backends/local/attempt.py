"""One attempt at a step: run its script, watch it, and tidy up after it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nucleoflow.backends.local import events, processes
from nucleoflow.backends.local.bootstrap import PARENT_VARIABLE
from nucleoflow.backends.local.slots import Grant
from nucleoflow.backends.local.verdict import Verdict, judge
from nucleoflow.backends.script import TRANSIENT_EXIT

LOG = "live.log"
PROGRESS = "progress"
_TAIL_BYTES = 16_384


class Stopped(Exception):
    """The step has to end now and is not to be tried again."""


def environment(step: Path, grant: Grant) -> dict[str, str]:
    """Build the environment of a script.

    Parameters
    ----------
    step : Path
        The step's folder.
    grant : Grant
        Slots that it holds.

    Returns
    -------
    dict
        With thread counts for every threading library in use, the GPUs that may be seen (none
        unless granted), where to write progress, ``NUCLEOFLOW_STEP_CORES``, and the file of the
        run's events, from which the report takes its times.
    """
    threads = str(max(1, grant.cores))
    values = dict(os.environ)
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "DP_INTRA_OP_PARALLELISM_THREADS",
        "TF_INTRA_OP_PARALLELISM_THREADS",
        "NUCLEOFLOW_STEP_CORES",
    ):
        values[name] = threads
    values["CUDA_VISIBLE_DEVICES"] = ",".join(grant.gpus)
    values["ARGO_PROGRESS_FILE"] = str(step / PROGRESS)
    values["PYTHONUNBUFFERED"] = "1"
    values[PARENT_VARIABLE] = str(os.getpid())
    if processes.RUN_VARIABLE in os.environ:
        values["NUCLEOFLOW_EVENTS"] = str(Path(os.environ[processes.RUN_VARIABLE]) / events.FILE)
    return values


def full_command(command: Sequence[str], script: str) -> list[str]:
    """Return how to run a script whose template names ``command``.

    Whatever Python the template names is replaced by the one that runs the workflow.
    """
    if Path(command[0]).name.startswith("python"):
        # -P keeps the step's folder, full of files of any name, out of the import path
        bootstrap = ["-P", "-m", "nucleoflow.backends.local.bootstrap"]
        return [sys.executable, *bootstrap, script]
    return [*command, script]


def run_attempt(
    step: Path,
    command: Sequence[str],
    grant: Grant,
    *,
    timeout_s: float | None,
    grace_s: float,
    checkpoint: Callable[[], None],
    on_start: Callable[[int], None],
) -> Verdict:
    """Run a script once, with its output streamed to the step's log.

    Parameters
    ----------
    step : Path
        The step's folder; the current folder is its ``workdir``.
    command : sequence of str
        What to run.
    grant : Grant
        Slots that are held for it.
    timeout_s : float or None
        Wall-clock limit in seconds.
    grace_s : float
        Seconds between asking it to end (SIGTERM) and making it end (SIGKILL).
    checkpoint : callable
        Called several times a second; raises :class:`Stopped` when the step has to end.
    on_start : callable
        Called with the process number once it runs.

    Returns
    -------
    Verdict
        How it ended. No process that it started is left.
    """
    start = time.monotonic()
    with (step / LOG).open("ab") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(step, grant),
            process_group=0,
        )
    try:
        on_start(child.pid)
        with _watch(child.pid) as wait:
            while child.poll() is None:
                wait(0.25)
                checkpoint()
                if timeout_s is not None and time.monotonic() - start > timeout_s:
                    message = f"did not end within {timeout_s:g} s"
                    return Verdict("transient", "time limit", message, TRANSIENT_EXIT)
        return judge(child.returncode, tail(step / LOG))
    finally:
        _end(child, grace_s)


@contextlib.contextmanager
def _watch(pid: int) -> Iterator[Callable[[float], object]]:
    """Give a function that sleeps for some seconds, but not longer than a process lives."""
    if not hasattr(os, "pidfd_open"):
        yield time.sleep
        return
    descriptor = os.pidfd_open(pid)
    try:
        yield lambda seconds: select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)


def _end(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """End the script, first politely, and then whatever it started."""
    if child.poll() is None:
        processes.send_to_group(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace_s)
    while left := processes.descendants():
        processes.kill(left)
        time.sleep(0.02)
        child.poll()
    child.wait()


def tail(path: Path, n_bytes: int = _TAIL_BYTES) -> str:
    """Return the end of a text file; bytes that are not UTF-8 are shown escaped."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - n_bytes))
        return file.read().decode("utf-8", errors="backslashreplace")


class Workdir:
    """Remember what is in a folder, to bring it back to that for the next attempt.

    Parameters
    ----------
    root : Path
        The folder; links in it are not followed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known = {root}
        for folder, folders, files in os.walk(root):
            self._known.update(Path(folder) / name for name in (*folders, *files))

    def set_aside(self, target: Path) -> None:
        """Move everything that is new to ``target``, keeping its relative path."""
        for folder, folders, files in os.walk(self._root):
            here = Path(folder)
            for name in (*folders, *files):
                path = here / name
                if path not in self._known:
                    new = target / path.relative_to(self._root)
                    new.parent.mkdir(parents=True, exist_ok=True)
                    path.rename(new)
            # what was moved away whole is not walked into
            folders[:] = [name for name in folders if here / name in self._known]
