"""Exploration: a run whose trusted frames go to selection, and which cannot fail a round."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nucleops.engines.lammps import inputs
from nucleops.engines.lammps.criteria import Ending
from nucleops.engines.lammps.md import centred
from nucleops.engines.lammps.readers import copy_dump, copy_model_deviation
from nucleops.engines.lammps.result import MdResult
from nucleops.engines.lammps.task import MdTask, run_task
from nucleops.engines.lammps.watch import Progress
from nucleops.errors import AtomsLost, WrongInput
from nucleops.systems.files import write_extxyz
from nucleops.systems.system import System

MD_FOLDER = "md"
EXPLORATION_FILE = "exploration.json"
"""In the result folder: what the study calls the run."""


@dataclass(frozen=True)
class Explored:
    """Files of an exploration.

    Attributes
    ----------
    md_folder : Path
        The whole result folder.
    trajectory, model_deviation : Path
        The trusted frames and their deviations, row by row the same.
    ns_per_day : float
        Speed of the run; 0 where it blew up before its first frame.
    """

    md_folder: Path
    trajectory: Path
    model_deviation: Path
    ns_per_day: float = 0.0


def explore(
    task: MdTask,
    system: System,
    models: Sequence[Path],
    folder: Path,
    progress: Progress | None = None,
) -> Explored:
    """Run an exploration task.

    Parameters
    ----------
    task : MdTask
        What to run. Its seed also chooses which of the models drives the run, so that a round's
        runs do not all share one model's errors.
    system : System
        The start.
    models : sequence of Path
        The committee, at least two.
    folder : Path
        Where everything is written; what an earlier attempt left there is removed.
    progress : callable or None
        Called with (steps done, steps planned).

    Returns
    -------
    Explored
        At least one frame, also of a run that blew up before its first.

    Raises
    ------
    WrongInput
        Fewer than two models: there is no deviation to select by.
    """
    if len(models) < 2:
        raise WrongInput(
            f"exploration needs a committee of at least two models, found {len(models)}"
        )
    first = task.own_seed % len(models)
    committee = [*models[first:], *models[:first]]
    md_folder = folder / MD_FOLDER
    # The task's input folder may be this one (dpgen2's names): only our own parts are removed.
    shutil.rmtree(md_folder, ignore_errors=True)
    out = Explored(md_folder, folder / "traj.dump", folder / inputs.DEVIATION_FILE)
    try:
        result = run_task(task, system, committee, md_folder, progress)
    except AtomsLost as error:
        _write_start(task, centred(system), out, str(error))
        _write_name(task, md_folder)
        return out
    _write_name(task, md_folder)
    copy_dump(md_folder / inputs.DUMP_FILE, out.trajectory, result.trusted_steps)
    copy_model_deviation(
        md_folder / inputs.DEVIATION_FILE, out.model_deviation, result.trusted_steps
    )
    return replace(out, ns_per_day=result.ns_per_day)


def _write_name(task: MdTask, folder: Path) -> None:
    text = json.dumps({"exploration": task.exploration, "system": task.system})
    (folder / EXPLORATION_FILE).write_text(text + "\n", encoding="utf-8")


def _write_start(task: MdTask, system: System, out: Explored, reason: str) -> None:
    """Write the start as the only frame, with a deviation that no trust level accepts."""
    write_extxyz(system, out.md_folder / "topology.extxyz")
    types = {element: i for i, element in enumerate(system.type_map, start=1)}
    lines = ["ITEM: TIMESTEP", "0", "ITEM: NUMBER OF ATOMS", str(system.n_atoms)]
    lines += ["ITEM: BOX BOUNDS pp pp pp", *(f"0.0 {edge:.10f}" for edge in system.cell)]
    lines += ["ITEM: ATOMS id type x y z"]
    for i, (symbol, (x, y, z)) in enumerate(
        zip(system.symbols, system.positions.tolist(), strict=True), start=1
    ):
        lines.append(f"{i} {types[symbol]} {x:.8f} {y:.8f} {z:.8f}")
    out.trajectory.write_text("\n".join(lines) + "\n", encoding="ascii")
    names = "step max_devi_v min_devi_v avg_devi_v max_devi_f min_devi_f avg_devi_f"
    out.model_deviation.write_text(f"# {names}\n0{' inf' * 6}\n", encoding="ascii")
    MdResult(
        folder=out.md_folder,
        status="trust-ended",
        reason=reason,
        steps_planned=task.md.steps,
        steps_run=0,
        trusted_steps=0,
        time_step_fs=task.md.time_step_fs,
        temperature_K=task.md.temperature_K,
        n_atoms=system.n_atoms,
        seed=task.own_seed,
        stride=task.md.stride,
        wall_s=0.0,
        ended_by=Ending.LOST,
    ).write()
