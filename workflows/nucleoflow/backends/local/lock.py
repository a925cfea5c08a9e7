"""One controller a run: the lock, and the file that says who holds it."""

from __future__ import annotations

import fcntl
import os
import socket
import time

from nucleoflow.backends.local.processes import identity, is_alive
from nucleoflow.runs.folder import RunFolder
from nucleops.errors import WrongInput

_PATIENCE_S = 2.0
_ENDING_PATIENCE_S = 120.0
"""How long a controller that is ending may take: its steps are given time to end themselves."""


class AlreadyRunning(WrongInput):
    """The run has a living controller."""

    kind = "already running"

    def __init__(self, run_id: str, holder: str) -> None:
        super().__init__(
            f"run {run_id} is already running ({holder})",
            advice=f"follow it with 'nucleoflow status {run_id}', end it with "
            f"'nucleoflow stop {run_id}'",
        )
        self.run_id = run_id
        self.holder = holder

    def __reduce__(self) -> tuple[object, ...]:
        return (AlreadyRunning, (self.run_id, self.holder))


def take(run: RunFolder) -> int:
    """Lock a run for as long as this process lives.

    A POSIX record lock belongs to the process: forked children do not hold it, so none of them
    can keep a run locked whose controller is gone. It also works across machines on NFS.

    Parameters
    ----------
    run : RunFolder
        The run.

    Returns
    -------
    int
        Descriptor of the lock file. The lock is lost when *any* descriptor of that file is
        closed in this process, so nobody else opens it.

    Raises
    ------
    AlreadyRunning
        Another process holds the lock.
    """
    descriptor = os.open(run.lock, os.O_RDWR | os.O_CREAT, 0o644)
    began = time.monotonic()
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            # a killed controller holds the lock until the kernel has torn it down, and one that is
            # ending until its steps have ended
            patience_s = _PATIENCE_S if controller_pid(run) is None else 0.0
            if run.read("controller").get("ending"):
                patience_s = _ENDING_PATIENCE_S
            if time.monotonic() < began + patience_s:
                time.sleep(0.05)
                continue
            os.close(descriptor)
            raise AlreadyRunning(run.id, describe_holder(run)) from None
        return descriptor


def sign(run: RunFolder, *, detached: bool) -> str:
    """Write who controls the run; returns ``<pid> <identity>`` of this process."""
    name = identity(os.getpid()) or ""
    run.write(
        "controller",
        {
            "pid": os.getpid(),
            "identity": name,
            "host": socket.gethostname(),
            "since": time.time(),
            "detached": detached,
        },
    )
    return f"{os.getpid()} {name}"


def sign_off(run: RunFolder) -> None:
    """Write that the controller is ending, so that one which resumes the run waits for it."""
    run.write("controller", {**run.read("controller"), "ending": True})


def describe_holder(run: RunFolder) -> str:
    """Say who controls a run, as far as its folder tells."""
    controller = run.read("controller")
    return f"pid {controller.get('pid', '?')} on {controller.get('host', '?')}"


def controller_pid(run: RunFolder) -> int | None:
    """Return the process number of the living controller on this machine, or None."""
    controller = run.read("controller")
    if controller.get("host") != socket.gethostname():
        return None
    pid = int(controller["pid"])
    return pid if is_alive(pid, controller["identity"]) else None
