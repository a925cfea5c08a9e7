"""Charges of the frames of one task, each judged on its own, with an account of losses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nucleops.analysis.stages.files import read_json, write_csv
from nucleops.engines.chargemol.ddec6 import compute_ddec6
from nucleops.engines.cp2k.charges import AtomicCharges, compute_charges
from nucleops.engines.cp2k.frames import ForcesTooLarge
from nucleops.errors import ProgramFailed, ScfNotConverged, TimeLimit, TruncatedOutput
from nucleops.learning.account import Account
from nucleops.population.settings import ChargeTask
from nucleops.population.sources import FRAMES_FILE, TASK_FILE
from nucleops.systems.files import frames_of, read_extxyz, read_trajectory
from nucleops.systems.system import System

CHARGES_FILE = "charges.csv"
ACCOUNT_FILE = "charges.json"
_DROPPED = (ScfNotConverged, TruncatedOutput, ForcesTooLarge, ProgramFailed, TimeLimit)


def charge_task(
    task: Path,
    config: ChargeTask,
    work: Path,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Account:
    """Compute the charges of a task's frames; what cannot be believed is dropped and counted.

    Parameters
    ----------
    task : Path
        A folder of :func:`nucleops.population.sources.write_tasks`.
    config : ChargeTask
        Level of theory, schemes, limits.
    work : Path
        Where the programs run, a folder ``frame-0000`` ... each.
    out : Path
        Folder to make: ``charges.csv`` (state, frame, atom, element, part, scheme, charge_e),
        ``charges.json``, and ``<state>-<frame>.cube`` where cubes are kept.
    progress : callable
        Told how many frames are done, and of how many.

    Returns
    -------
    Account
        Also written as ``charges.json``.

    Raises
    ------
    LabelsLost
        If more than the allowed share was dropped.
    MissingProgram, Preempted, OutOfMemory
        As :func:`nucleops.engines.runner.run`.
    """
    about = read_json(task / TASK_FILE)
    path = task / FRAMES_FILE
    systems = list(frames_of(read_extxyz(path), *read_trajectory(path)))
    account = Account(f"charges of {about['state']}", len(systems))
    account.extra = {**about, "level_of_theory": config.level.model_dump(mode="json")}
    out.mkdir(parents=True)
    work.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[Any, ...]] = []
    log = work / "charges.log"
    with log.open("w", encoding="utf-8", buffering=1) as said:
        for index, system in enumerate(systems):
            number = about["first_frame"] + index
            folder = work / f"frame-{number:04d}"
            try:
                found = frame_charges(system, config, folder)
            except _DROPPED as error:
                account.dropped[error.kind] += 1
                detail: dict[str, Any] = {"dropped": error.kind, "reason": error.message.strip()}
            else:
                account.n_labelled += 1
                detail = {"energy_eV": found.energy_eV, "cpu_s": round(found.cpu_s, 3)}
                rows += _rows(about["state"], number, system, found)
                if config.charges.keep_cubes and found.cube is not None:
                    found.cube.rename(out / f"{about['state']}-{number:04d}.cube")
            account.details.append({"frame": number, **detail})
            print(f"frame {number}: {json.dumps(detail)}", file=said)
            progress(index + 1, len(systems))
    account.check(config.charges.allowed_loss, log)
    names = ("state", "frame", "atom", "element", "part", "scheme", "charge_e")
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    write_csv(out / CHARGES_FILE, dict(zip(names, columns, strict=True)))
    account.write(out / ACCOUNT_FILE)
    return account


def frame_charges(system: System, config: ChargeTask, folder: Path) -> AtomicCharges:
    """Compute the charges of one configuration by every scheme that was asked for.

    Raises
    ------
    NucleoError
        As :func:`nucleops.engines.cp2k.charges.compute_charges` and
        :func:`nucleops.engines.chargemol.ddec6.compute_ddec6`.
    """
    ddec6 = config.charges.ddec6
    found = compute_charges(
        system,
        config.level,
        folder,
        cube=ddec6 is not None or config.charges.keep_cubes,
        program=config.program,
        threads=config.threads,
        timeout_s=config.charges.timeout_s,
        largest_force_eV_A=config.charges.largest_force_eV_A,
    )
    if ddec6 is None or found.cube is None:
        return found
    charges, wall_s, cpu_s = compute_ddec6(
        system,
        found.cube,
        folder / "ddec6",
        ddec6,
        threads=config.threads,
        timeout_s=config.charges.timeout_s,
    )
    if not config.charges.keep_cubes:
        found.cube.unlink()
    return AtomicCharges(
        found.charges | {"ddec6": charges},
        found.energy_eV,
        found.wall_s + wall_s,
        found.cpu_s + cpu_s,
        found.cube if config.charges.keep_cubes else None,
    )


def parts_of(system: System) -> list[str]:
    """Say of each atom whether it is of the ``cluster`` or the ``solvent``.

    A molecule without metal is solvent (a free ligand too); ``all`` where the structure does not
    tell its molecules.
    """
    if not system.molecules:
        return ["all"] * system.n_atoms
    parts = ["cluster"] * system.n_atoms
    for molecule in system.without_metal():
        for index in molecule.indices:
            parts[index] = "solvent"
    return parts


def _rows(
    state: str, frame: int, system: System, found: AtomicCharges
) -> list[tuple[str, int, int, str, str, str, float]]:
    parts = parts_of(system)
    return [
        (state, frame, k + 1, system.symbols[k], parts[k], scheme, float(charges[k]))
        for scheme, charges in found.charges.items()
        for k in range(system.n_atoms)
    ]
