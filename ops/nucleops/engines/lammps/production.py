"""What the production operators share: one task, its models, one result folder."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from nucleops.engines.deepmd.data_range import composition
from nucleops.engines.keeping import Keeping, keeping_from_environment
from nucleops.engines.lammps.result import MdResult
from nucleops.engines.lammps.task import MdTask, run_task
from nucleops.engines.lammps.watch import Progress
from nucleops.errors import WrongInput
from nucleops.systems.system import System

_log = logging.getLogger(__name__)


def produce(
    task: MdTask,
    system: System,
    models: Sequence[Path],
    data_range: Mapping[str, float],
    out_dir: Path,
    progress: Progress | None = None,
    environment: Mapping[str, str] | None = None,
) -> MdResult:
    """Run a production task, or go on with it from its newest stored checkpoint.

    Where checkpoints are stored, the environment says: see
    :func:`nucleops.engines.keeping.keeping_from_environment`. They stay until the result
    has reached who needs it, who calls :func:`nucleops.storage.kept.forget_finished`.

    Parameters
    ----------
    task : MdTask
        What to run.
    system : System
        The start.
    models : sequence of Path
        The committee.
    data_range : mapping
        Lowest labelled energy of each composition in eV/atom, keys as
        :func:`nucleops.engines.deepmd.data_range.composition` makes them. Where the composition is
        not among them, what the models carry counts.
    out_dir : Path
        Result folder; what an earlier attempt left there is removed, for what counts of it is in
        the store.
    progress : callable or None
        Called with (steps done, steps planned).
    environment : mapping or None
        Variables to set for LAMMPS besides its own.
    """
    if len(models) < 2:
        raise WrongInput(
            f"production needs a committee of at least two models to judge it, found {len(models)}"
        )
    shutil.rmtree(out_dir, ignore_errors=True)
    floor = data_range.get(composition(system.symbols))
    keeping = keeping_of(task)
    return run_task(task, system, models, out_dir, progress, floor, environment, keeping)


def keeping_of(task: MdTask) -> Keeping | None:
    """Return how a task's run is kept; says so where there is a store and it cannot be."""
    keeping = keeping_from_environment(task.key, task.md.checkpoint_interval_s)
    reason = None
    if task.sharing is not None:
        reason = "walkers that share hills exchange them at times of their own"
    elif task.bias is not None and task.bias.opes is not None:
        reason = "OPES keeps what it has summed where LAMMPS does not write it"
    if keeping is None or reason is None:
        return keeping
    _log.warning("%s is not kept, and begins anew if it is interrupted: %s", task.key, reason)
    return None
