"""Labelling tasks: configurations into tasks, tasks into data sets, with an account of losses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.engines.cp2k.frames import ForcesTooLarge, LabelledFrame
from nucleops.engines.cp2k.settings import LabelSettings, LevelOfTheory
from nucleops.engines.cp2k.single_point import PROGRAM, label
from nucleops.engines.deepmd.data import DROPLET_VACUUM_A, atom_elements
from nucleops.errors import (
    ProgramFailed,
    ScfNotConverged,
    TimeLimit,
    TruncatedOutput,
    WrongInput,
)
from nucleops.learning.account import ACCOUNT_FILE, Account
from nucleops.learning.dataset import stack_frames, system_names, write_deepmd
from nucleops.learning.provenance import Provenance
from nucleops.settings import PositiveInt, Settings
from nucleops.systems.files import frames_of, read_extxyz, read_trajectory, write_trajectory
from nucleops.systems.system import System

TASK_FILE = "task.json"
_DROPPED = (ScfNotConverged, TruncatedOutput, ForcesTooLarge, ProgramFailed, TimeLimit)


class LabelConfig(Settings):
    """What a labelling task needs to know (the ``run`` part of dpgen2's ``fp_config``)."""

    level: LevelOfTheory
    """Level of theory."""
    label: LabelSettings = LabelSettings()
    """Frames of a task, and what is accepted."""
    program: str = PROGRAM
    """CP2K binary."""
    threads: PositiveInt = 1
    """OpenMP threads of CP2K."""


def prepare_tasks(
    confs: Iterable[Path], type_map: Sequence[str], frames_per_task: int, folder: Path
) -> list[Path]:
    """Split configurations into tasks of one composition each.

    Parameters
    ----------
    confs : iterable of Path
        Extended XYZ files of one or more frames, DeePMD npy systems (labelled or not), or folders
        of either.
    type_map : sequence of str
        Elements that may occur.
    frames_per_task : int
        Most frames in a task.
    folder : Path
        Where the tasks' folders ``task.000000`` ... are made.

    Returns
    -------
    list of Path
        The folders; none for no configurations.

    Raises
    ------
    WrongInput
        If a path holds something else than configurations, or one that cannot be read.
    """
    groups: dict[tuple[tuple[str, ...], bool], list[tuple[System, dict[str, Any]]]] = {}
    for conf in confs:
        for source in _sources(conf):
            for number, system in enumerate(read_configurations(source)):
                unknown = sorted(set(system.symbols) - set(type_map))
                if unknown:
                    raise WrongInput(
                        f"{source}: element {', '.join(unknown)}; allowed: {', '.join(type_map)}"
                    )
                origin = {"system": system.name, "source": source.name, "frame": number}
                groups.setdefault((system.symbols, system.periodic), []).append((system, origin))
    tasks: list[Path] = []
    for group in groups.values():
        for start in range(0, len(group), frames_per_task):
            members = group[start : start + frames_per_task]
            task = folder / f"task.{len(tasks):06d}"
            task.mkdir(parents=True, exist_ok=True)
            write_trajectory((system for system, _ in members), task / "frames.extxyz")
            content = {"type_map": list(type_map), "origins": [origin for _, origin in members]}
            (task / TASK_FILE).write_text(json.dumps(content), encoding="utf-8")
            tasks.append(task)
    return tasks


def label_task(
    task: Path,
    name: str,
    config: LabelConfig,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Account:
    """Label every frame of a task on its own; what cannot be believed is dropped and counted.

    Parameters
    ----------
    task : Path
        A folder of :func:`prepare_tasks`.
    name : str
        The task's name.
    config : LabelConfig
        Level of theory and limits.
    folder : Path
        Where CP2K runs (``frame-0000`` ...), ``labels.log`` and the data set ``data`` are written.
    progress : callable
        Told how many frames are done, and of how many.

    Returns
    -------
    Account
        Also written into the data set as ``labels.json``.

    Raises
    ------
    LabelsLost
        If more than the allowed share was dropped.
    Preempted, OutOfMemory, MissingProgram
        As :func:`nucleops.engines.runner.run`.
    """
    content = json.loads((task / TASK_FILE).read_text(encoding="utf-8"))
    systems = [s for path in sorted(task.glob("*.extxyz")) for s in read_configurations(path)]
    origins = content.get("origins") or [{} for _ in systems]
    account = Account(name, len(systems))
    account.extra = {"level_of_theory": config.level.model_dump(mode="json"), "wall_s": 0.0}
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "labels.log"
    frames: list[LabelledFrame] = []
    progress(0, len(systems))
    with log.open("w", encoding="utf-8", buffering=1) as out:
        for index, (system, origin) in enumerate(zip(systems, origins, strict=True)):
            frame, detail = _label_one(system, config, folder / f"frame-{index:04d}")
            if frame is not None:
                frames.append(frame)
            else:
                account.dropped[detail["dropped"]] += 1
            account.details.append({**origin, **detail})
            account.extra["wall_s"] += detail.get("wall_s", 0.0)
            print(f"frame {index} of {system.name}: {json.dumps(detail)}", file=out)
            progress(index + 1, len(systems))
    account.n_labelled = len(frames)
    account.check(config.label.allowed_loss, log)
    write_data(frames, content["type_map"], folder / "data")
    account.write(folder / "data" / ACCOUNT_FILE)
    return account


def write_data(
    frames: Sequence[LabelledFrame],
    type_map: Sequence[str],
    folder: Path,
    provenance: Sequence[Provenance] | None = None,
) -> None:
    """Write frames as a DeePMD npy system, or as several in subfolders if their atoms differ.

    Parameters
    ----------
    frames : sequence of LabelledFrame
        Accepted frames.
    type_map : sequence of str
        Element order.
    folder : Path
        Where to write.
    provenance : sequence of Provenance, optional
        One a frame, ``id`` still empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    systems = stack_frames(frames, provenance)
    if len(systems) == 1:  # dpgen2's CollectData expects the system itself
        write_deepmd(systems[0], type_map, folder)
        return
    for system, name in zip(systems, system_names(systems, type_map), strict=True):
        write_deepmd(system, type_map, folder / name)


def read_configurations(source: Path) -> Iterator[System]:
    """Yield the frames of an extended XYZ file or of a DeePMD npy system, labelled or not.

    Raises
    ------
    WrongInput
        If it cannot be read.
    """
    if source.is_dir():
        yield from _deepmd_configurations(source)
    else:
        yield from frames_of(read_extxyz(source), *read_trajectory(source))


def _label_one(
    system: System, config: LabelConfig, folder: Path
) -> tuple[LabelledFrame | None, dict[str, Any]]:
    try:
        point = label(
            system,
            config.level,
            folder,
            program=config.program,
            threads=config.threads,
            timeout_s=config.label.timeout_s,
            largest_force_eV_A=config.label.largest_force_eV_A,
        )
    except _DROPPED as error:
        return None, {"dropped": error.kind, "reason": error.message.strip()}
    detail = {
        "energy_eV": point.frame.energy_eV,
        "tries": point.tries,
        "wall_s": round(point.wall_s, 3),
        "cpu_s": round(point.cpu_s, 3),
    }
    return point.frame, detail


def _sources(conf: Path) -> list[Path]:
    if conf.is_file():
        return [conf]
    found: list[Path] = []
    for folder, _, files in os.walk(conf, followlinks=True):
        if "type.raw" in files:
            found.append(Path(folder))
        found += [Path(folder) / name for name in files if name.endswith(".extxyz")]
    if not found and any(conf.iterdir()):  # dpgen2's selection of nothing is an empty folder
        raise WrongInput(f"{conf} holds no configuration", advice="allowed: .extxyz, DeePMD npy")
    return sorted(found)


def _deepmd_configurations(source: Path) -> Iterator[System]:
    symbols = tuple(atom_elements(source))
    periodic = not (source / "nopbc").is_file()
    for folder in sorted(source.glob("set.*")):
        try:
            frames = np.load(folder / "coord.npy").astype(np.float64).reshape(-1, len(symbols), 3)
            boxes = [None] * len(frames)
            if (folder / "box.npy").is_file():
                boxes = np.load(folder / "box.npy").astype(np.float64).reshape(-1, 3, 3)
        except (OSError, ValueError, EOFError) as error:
            raise WrongInput(f"{folder}: cannot be read: {error}") from error
        for positions, box in zip(frames, boxes, strict=True):
            edges = np.ptp(positions, axis=0) + DROPLET_VACUUM_A if box is None else np.diag(box)
            if periodic and (box is None or np.abs(box - np.diag(edges)).max() > 1e-6):
                raise WrongInput(f"{folder}: only orthorhombic cells along x, y, z are allowed")
            yield System(source.name, symbols, positions, edges.copy(), periodic)
