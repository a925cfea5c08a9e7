"""Labelled frames of the dimer in methanol: from AIMD, and from dynamics with a young potential."""

from __future__ import annotations

import functools
import json
import resource
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleoflow.study.model import Study
from nucleops.engines.cp2k.settings import AimdRun, LabelSettings
from nucleops.engines.deepmd.data import load_frames
from nucleops.engines.lammps.md import run_md
from nucleops.engines.lammps.readers import read_dump
from nucleops.engines.lammps.settings import MdSettings, Trust
from nucleops.learning.account import ACCOUNT_FILE, Account
from nucleops.learning.initial import AimdTask, aimd_frames
from nucleops.learning.label_task import label_task
from nucleops.learning.labelling import LabelConfig, prepare_tasks, write_data
from nucleops.seeds import derive_seed
from nucleops.systems.files import write_trajectory
from nucleops.systems.packing import build_system
from nucleops.systems.system import System

SYSTEM = "dimer"
TEMPERATURES_K = (300.0, 450.0)
"""Of droplets with even and with odd numbers."""
_RUN = AimdRun(
    system=SYSTEM,
    temperatures_K=TEMPERATURES_K,
    steps=240,
    time_step_fs=1.0,
    thermostat_time_fs=20,
    stride=8,
    # so short a run has few frames that are not alike: all are taken, they cost nothing more
    decorrelation=0,
    # nor is it worth a part of its own, which would cost an SCF from atoms
    checkpoint_steps=240,
)
RUNS = {
    "train": _RUN.model_copy(update={"skip_steps": 20}),
    "held-out": _RUN.model_copy(update={"skip_steps": 40}),
}
# One potential alone has no deviation: what ends a run is energy, temperature and torn bonds.
_TRUST = Trust(
    force_deviation_eV_A=50, energy_margin_eV_atom=0.03, energy_rise_eV_atom=0.1, bond_stretch=1.4
)
# Heat alone does not reach it (AIMD at 450 K: 5.8 at most), torn molecules do, and a few frames of
# such cost the potential more accuracy everywhere else than they bring.
_LARGEST_FORCE_EV_A = 7.0


@dataclass(frozen=True)
class Round:
    """Dynamics with a young potential, whose frames are labelled.

    Attributes
    ----------
    droplets, held_out : range
        Numbers of the droplets to train on and of those to test on, each followed from where it
        was packed.
    steps, stride : int
        Steps of 1 fs, and from one labelled frame to the next.
    """

    droplets: range
    held_out: range
    steps: int
    stride: int


@dataclass(frozen=True)
class Labelled:
    """Data sets, and the CPU seconds that they cost."""

    folders: tuple[Path, ...]
    cpu_s: float


def followed(study: Study, work: Path, kind: str, droplets: Sequence[int], cores: int) -> Labelled:
    """Follow droplets with AIMD, unless that is done."""
    return _side_by_side(functools.partial(_aimd, study, work / kind, RUNS[kind]), droplets, cores)


def explored(
    study: Study,
    plan: Round,
    model: Path,
    known: Sequence[Path],
    cores: int,
    work: Path,
    droplets: Sequence[int],
) -> Labelled:
    """Follow droplets with a potential and label what it finds, unless that is done.

    Parameters
    ----------
    study : Study
        Level of theory and contents.
    plan : Round
        For how long.
    model : Path
        The potential.
    known : sequence of Path
        Data that it was trained on; a run ends that falls below their energies.
    cores : int
        Runs side by side.
    work : Path
        Where a folder for each droplet is made.
    droplets : sequence of int
        Which of the round's droplets.
    """
    floor_eV = float(energies(known).min())
    run = functools.partial(_md, study, work, plan, model, floor_eV)
    return _side_by_side(run, droplets, cores)


def energies(folders: Iterable[Path]) -> NDArray[np.float64]:
    """Labels of the data sets in order, in eV."""
    return np.concatenate([load_frames(folder)["energy"] for folder in folders])


def children_cpu_s() -> float:
    """CPU seconds, user and system, of all programs started here that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _side_by_side(
    function: Callable[[int], tuple[Path, float]], droplets: Sequence[int], cores: int
) -> Labelled:
    with ProcessPoolExecutor(cores) as pool:
        done = list(pool.map(function, droplets))
    return Labelled(
        tuple(folder for folder, _ in done if (folder / "type.raw").is_file()),
        sum(cpu_s for _, cpu_s in done),
    )


def _droplet(study: Study, number: int) -> tuple[System, float, int]:
    """Pack one droplet; its temperature, and the seed that it was packed with."""
    seed = derive_seed(study.seed, "accuracy", number)
    system = build_system(SYSTEM, study.systems[SYSTEM], study.chemistry.metal, seed)
    return system, TEMPERATURES_K[number % 2], seed


def _aimd(study: Study, work: Path, run: AimdRun, droplet: int) -> tuple[Path, float]:
    folder = work / f"{droplet:03d}"
    data, account_file = folder / "data", folder / "data" / ACCOUNT_FILE
    if not account_file.is_file():
        system, temperature_K, seed = _droplet(study, droplet)
        task = AimdTask(
            system=SYSTEM,
            temperature_K=temperature_K,
            seed=derive_seed(seed, temperature_K),
            run=run,
            level=study.level_of_theory,
            type_map=study.type_map,
        )
        frames, account = aimd_frames(task, system, folder / "run", lambda step: None)
        write_data(frames, study.type_map, data)
        account.write(account_file)
    return data, float(json.loads(account_file.read_text(encoding="utf-8"))["cpu_s"])


def _md(
    study: Study, work: Path, plan: Round, model: Path, floor_eV: float, droplet: int
) -> tuple[Path, float]:
    folder = work / f"{droplet:03d}"
    record = folder / "cost.json"
    if not record.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        before = children_cpu_s()
        system, temperature_K, seed = _droplet(study, droplet)
        settings = MdSettings(
            steps=plan.steps,
            stride=plan.stride,
            temperature_K=temperature_K,
            time_step_fs=1.0,
            # as AIMD begins: from where the droplet was packed, its strain taken away as heat
            thermostat_time_fs=20,
        )
        result = run_md(
            system,
            [model],
            settings,
            _TRUST,
            folder / "md",
            derive_seed(seed, temperature_K),
            energy_floor_eV_atom=floor_eV / system.n_atoms,
        )
        dump = read_dump(folder / "md" / "trajectory.dump")
        trusted = [
            system.with_positions(positions)
            for step, positions in zip(dump.steps, dump.positions, strict=True)
            # as in a study, what lies beyond the end of trust is no data
            if 0 < step <= result.trusted_steps
        ]
        account = _labelled(study, trusted, folder) if trusted else Account("none", 0)
        found = {"labelled": account.n_labelled, "dropped": account.dropped}
        cost = {"cpu_s": children_cpu_s() - before, **found, "reason": result.reason}
        record.write_text(json.dumps(cost), encoding="utf-8")
    return folder / "data", float(json.loads(record.read_text(encoding="utf-8"))["cpu_s"])


def _labelled(study: Study, systems: Sequence[System], folder: Path) -> Account:
    """Label configurations as a task of a study does, into the folder's ``data``."""
    source = folder / "trusted.extxyz"
    write_trajectory(systems, source)
    (task,) = prepare_tasks([source], study.type_map, len(systems), folder / "tasks")
    limits = LabelSettings(largest_force_eV_A=_LARGEST_FORCE_EV_A, allowed_loss=1.0)
    config = LabelConfig(level=study.level_of_theory, label=limits)
    return label_task(task, folder.name, config, folder)
