"""What the production operators share: one task, its models, one result folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from nucleops.engines.deepmd.data_range import composition
from nucleops.engines.lammps.result import MdResult
from nucleops.engines.lammps.task import MdTask, run_task
from nucleops.engines.lammps.watch import Progress
from nucleops.errors import WrongInput
from nucleops.systems.system import System


def produce(
    task: MdTask,
    system: System,
    models: Sequence[Path],
    data_range: Mapping[str, float],
    out_dir: Path,
    progress: Progress | None = None,
    environment: Mapping[str, str] | None = None,
) -> MdResult:
    """Run a production task in a fresh folder.

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
        Result folder; what an earlier attempt left there is removed.
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
    return run_task(task, system, models, out_dir, progress, floor, environment)
