"""Start, resume and stop runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nucleoflow.backends.local import lock, processes
from nucleoflow.backends.local.resources import machine_limits
from nucleoflow.runs.folder import DEFAULT_BUILDER, RunFolder, new_run
from nucleoflow.versions import versions
from nucleops.errors import ProgramFailed, WrongInput


@dataclass(frozen=True)
class RunRequest:
    """What is to be run.

    Attributes
    ----------
    name : str
        Name of the study, or another name for the run; the run id begins with it.
    study : str
        Text of the study file.
    digest : str
        SHA-256 of the study's content.
    stages : tuple of str
        Stages to run; empty for all.
    from_run : Path or None
        Folder of an earlier run whose results the stages may start from.
    cores, gpus : int or None
        Limits; None for all of the machine.
    builder : str
        ``module:function`` that makes the workflow.
    options : dict
        Passed on to the builder; JSON values.
    """

    name: str
    study: str
    digest: str
    stages: tuple[str, ...] = ()
    from_run: Path | None = None
    cores: int | None = None
    gpus: int | None = None
    builder: str = DEFAULT_BUILDER
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Launched:
    """A run and the process that controls it."""

    run: RunFolder
    controller: subprocess.Popen[bytes]


def start_run(request: RunRequest, root: Path, *, detach: bool = False) -> Launched:
    """Start a new run.

    Parameters
    ----------
    request : RunRequest
        What to run; validated before.
    root : Path
        The folder that holds the runs.
    detach : bool
        Let the run outlive this process.

    Returns
    -------
    Launched
        The run, whose controller has the lock.
    """
    machine_limits(request.cores, request.gpus)
    run = new_run(root, request.name)
    run.study.write_text(request.study, encoding="utf-8")
    run.write(
        "run",
        {
            "id": run.id,
            "study": request.name,
            "digest": request.digest,
            "stages": list(request.stages),
            "from_run": str(request.from_run) if request.from_run else None,
            "limits": {"cores": request.cores, "gpus": request.gpus},
            "builder": request.builder,
            "options": request.options,
            "created": time.time(),
            "versions": versions(),
        },
    )
    return _launch(run, detach=detach)


def resume_run(
    run: RunFolder, *, cores: int | None = None, gpus: int | None = None, detach: bool = False
) -> Launched:
    """Continue a run that was interrupted or failed; finished steps are not run again.

    Parameters
    ----------
    run : RunFolder
        The run.
    cores, gpus : int or None
        New limits; None keeps those that the run was started with.
    detach : bool
        Let the run outlive this process.

    Raises
    ------
    AlreadyRunning
        The run has a living controller.
    WrongInput
        The run has succeeded: there is nothing to continue.
    """
    if run.read("result").get("state") == "succeeded" and lock.controller_pid(run) is None:
        raise WrongInput(f"run {run.id} has succeeded; there is nothing to resume")
    meta = run.read("run")
    limits = dict(meta.get("limits") or {})
    limits |= {name: n for name, n in (("cores", cores), ("gpus", gpus)) if n is not None}
    machine_limits(limits.get("cores"), limits.get("gpus"))
    run.write("run", {**meta, "limits": limits})
    return _launch(run, detach=detach)


def _launch(run: RunFolder, *, detach: bool) -> Launched:
    limits = run.read("run")["limits"]
    environment = {
        **os.environ,
        **machine_limits(limits["cores"], limits["gpus"]).environment(),
        processes.RUN_VARIABLE: str(run.path),
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
    }
    listen, report = os.pipe()
    command = [sys.executable, "-P", "-m", processes.CONTROLLER_MODULE]
    command += [str(run.path), "--ready", str(report)]
    if not detach:
        command += ["--owner", str(os.getpid())]
    try:
        with run.log.open("ab") as log:
            controller = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(report,),
                start_new_session=True,
            )
    finally:
        os.close(report)
    with os.fdopen(listen, "rb") as pipe:
        answer = pipe.read().decode()
    if answer == "ready":
        return Launched(run, controller)
    controller.wait()
    if answer:
        raise lock.AlreadyRunning(run.id, answer)
    raise ProgramFailed(f"the controller of run {run.id} did not start", log=run.log)


def stop_run(run: RunFolder, *, patience_s: float = 60.0) -> bool:
    """End a run and all its processes; it can be resumed.

    Parameters
    ----------
    run : RunFolder
        The run.
    patience_s : float
        Seconds until steps that do not end are killed.

    Returns
    -------
    bool
        Whether it was running.

    Raises
    ------
    ProgramFailed
        Its controller does not end.
    """
    pid = lock.controller_pid(run)
    if pid is None:
        return False
    processes.send(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while lock.controller_pid(run) is not None:
        if time.monotonic() > deadline:
            processes.send(pid, signal.SIGTERM)
            if time.monotonic() > deadline + 30:
                raise ProgramFailed(f"the controller (pid {pid}) does not end", log=run.log)
        time.sleep(0.1)
    return True
