"""Walkers of metadynamics that run side by side on one machine and share their hills.

Hills are exchanged through files, so the walkers need one file system: they are one task, not one
each. Layout: ``walker-000`` .. and ``exchange``, side by side in the task's folder.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from nucleops.bias.enhanced import SharedHills
from nucleops.engines.lammps.production import produce
from nucleops.engines.lammps.program import find_lammps
from nucleops.engines.lammps.relay import HillRelay
from nucleops.engines.lammps.result import MdResult
from nucleops.engines.lammps.task import MdTask
from nucleops.engines.lammps.watch import Progress
from nucleops.engines.runner import interruptible
from nucleops.errors import NucleoError, WrongInput
from nucleops.systems.system import System

EXCHANGE_FOLDER = Path(SharedHills.folder).name
_GPU_VARIABLES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")


def produce_together(
    task: MdTask,
    system: System,
    models: Sequence[Path],
    data_range: Mapping[str, float],
    folders: Sequence[Path],
    progress: Progress | None = None,
) -> list[MdResult]:
    """Run all walkers that share one bias, each judged on its own.

    A walker that trust ends, or that fails, does not stop the others; they keep the hills that it
    had laid by then.

    Parameters
    ----------
    task : MdTask
        What to run, with ``sharing``; each walker gets its number, and with it its own seed.
    system : System
        The start of all.
    models : sequence of Path
        The committee.
    data_range : mapping
        As of :func:`nucleops.engines.lammps.production.produce`.
    folders : sequence of Path
        A result folder for each walker, all within one folder, where the exchange is too; what an
        earlier attempt left there is removed.
    progress : callable or None
        Called with (steps done, steps planned) of all walkers together.

    Returns
    -------
    list of MdResult
        In the order of the folders.

    Raises
    ------
    WrongInput
        The task shares nothing, or the folders are not one for each walker, side by side.
    NucleoError
        After all have ended, what a walker failed with; what is worth another try goes first.
        Without the hills of every walker the others' bias is not known.
    """
    if task.sharing is None or len(folders) != task.sharing.walkers:
        wanted = "sharing" if task.sharing is None else f"{task.sharing.walkers} folders"
        raise WrongInput(f"walkers that share hills need {wanted}, found {len(folders)} folders")
    parents = {folder.resolve().parent for folder in folders}
    if len(parents) != 1:
        raise WrongInput(f"walkers that share hills run in folders side by side, found {folders}")
    exchange = folders[0].parent / EXCHANGE_FOLDER
    shutil.rmtree(exchange, ignore_errors=True)
    exchange.mkdir(parents=True)
    find_lammps()  # once, before the threads ask for it all at the same time
    sums = _Sum(len(folders), progress)
    # the main thread takes the signals, for the threads cannot; PLUMED, which never takes half a
    # line for a hill, needs no relay, and one that finds nothing to carry does no harm
    with interruptible(), HillRelay(exchange, folders), ThreadPoolExecutor(len(folders)) as pool:
        runs = [
            pool.submit(
                produce,
                task.model_copy(update={"number": number}),
                system,
                models,
                data_range,
                folder,
                sums.of(number),
                gpus_of(number, len(folders), os.environ),
            )
            for number, folder in enumerate(folders)
        ]
    return _ended(runs, folders)


def _ended(runs: Sequence[Future[MdResult]], folders: Sequence[Path]) -> list[MdResult]:
    failures = [(f, e) for f, run in zip(folders, runs, strict=True) if (e := run.exception())]
    for folder, error in sorted(failures, key=lambda pair: _rank(pair[1])):
        if not isinstance(error, NucleoError):
            raise error
        message = f"{folder.name}: {error.message}"
        raise type(error)(message, log=error.log, advice=error.advice) from error
    return [run.result() for run in runs]


def _rank(error: BaseException) -> int:
    """Bugs go first, then what is worth another try."""
    if not isinstance(error, NucleoError):
        return 0
    return 1 if error.transient else 2


def gpus_of(number: int, walkers: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what makes a walker see its own share of the GPUs that the task may use.

    Parameters
    ----------
    number, walkers : int
        Which of how many.
    environment : mapping
        The task's environment; nothing is changed where it names no GPUs.

    Returns
    -------
    dict
        ``CUDA_VISIBLE_DEVICES``: an equal share, or where there are fewer GPUs than walkers one
        that several use.
    """
    for variable in _GPU_VARIABLES:
        names = [name.strip() for name in environment.get(variable, "").split(",")]
        gpus = [name for name in names if name not in ("", "-1", "all", "none", "void")]
        if gpus:
            own = gpus[number::walkers] or [gpus[number % len(gpus)]]
            return {"CUDA_VISIBLE_DEVICES": ",".join(own)}
    return {}


class _Sum:
    """Adds up the progress that several threads report."""

    def __init__(self, walkers: int, progress: Progress | None) -> None:
        self._done = [0] * walkers
        self._progress = progress
        self._lock = threading.Lock()

    def of(self, number: int) -> Progress | None:
        if self._progress is None:
            return None

        def report(done: int, total: int) -> None:
            assert self._progress is not None
            with self._lock:
                self._done[number] = done
                self._progress(sum(self._done), total * len(self._done))

        return report
