"""The process in which dflow itself runs, forked by the controller."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable
from typing import Any

from nucleoflow.backends.local import processes
from nucleoflow.dflow_fixes import repair_dflow
from nucleoflow.runs.folder import DEFAULT_BUILDER, RunConfig, RunFolder
from nucleops.errors import NucleoError, WrongInput

POOL_WORKERS = 64
"""Tasks of one fan-out that dflow begins at once; they wait for slots, this limits memory only."""


def run_engine(run: RunFolder) -> int:
    """Build the workflow of a run and have dflow run it to its end.

    Parameters
    ----------
    run : RunFolder
        The run; its lock is held by the parent of this process.

    Returns
    -------
    int
        0 if every step succeeded, 2 for wrong input, else 1. The reason of a failure that is
        not one of a step is left in ``problem.json``.
    """
    _bind_to_parent()
    try:
        # every fork of this process, however deep, ends with the process that made it
        os.register_at_fork(before=_remember_parent, after_in_child=_bind_to_parent)
        status = _submit(run)
    except NucleoError as error:
        run.write("problem", {"kind": error.kind, "message": str(error)})
        print(f"{error.kind}: {error}")
        return 2 if isinstance(error, WrongInput) else 1
    except Exception as error:
        run.write("problem", {"kind": "program bug", "message": f"{type(error).__name__}: {error}"})
        traceback.print_exc()
        return 1
    return 0 if status == "Succeeded" else 1


def _submit(run: RunFolder) -> str:
    from dflow import config, s3_config

    from nucleoflow.backends.local.executor import LocalExecutor

    run.dflow.mkdir(exist_ok=True)
    config.update(
        mode="debug",
        debug_workdir=str(run.dflow),
        debug_artifact_dir=".",
        debug_pool_workers=POOL_WORKERS,
        debug_failfast=False,
        debug_s3=False,
        detach=False,
        # every step's script holds a copy of these
        token=None,
    )
    s3_config.update(access_key=None, secret_key=None)
    repair_dflow()
    workflow = load_builder(str(run.read("run").get("builder", DEFAULT_BUILDER)))(run.config())
    if workflow.id != run.id:
        raise WrongInput(
            f"the builder made a workflow with id {workflow.id!r}, allowed: the run id {run.id!r}"
        )
    if workflow.context is None:
        workflow.context = LocalExecutor()
    workflow.submit()
    # a failure is reported as soon as it happens; what runs beside it is let come to its end
    for child in multiprocessing.active_children():
        child.join()
    return str(workflow.query_status())


def load_builder(reference: str) -> Callable[[RunConfig], Any]:
    """Import the function that makes the workflow, given as ``module:function``.

    Raises
    ------
    WrongInput
        It cannot be found.
    """
    module, _, function = reference.partition(":")
    try:
        builder = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise WrongInput(f"builder '{reference}': {error}") from error
    return builder  # type: ignore[no-any-return]


_parent = os.getppid()


def _remember_parent() -> None:
    global _parent
    _parent = os.getpid()


def _bind_to_parent() -> None:
    processes.end_with_parent(signal.SIGKILL)
    if os.getppid() != _parent:
        os._exit(1)
