"""Labelling tasks: what they are told, configurations into tasks, labels into data sets."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.engines.cp2k.settings import Gfn1Xtb, LabelSettings, LevelOfTheory, PbeD3
from nucleops.engines.cp2k.single_point import PROGRAM
from nucleops.engines.deepmd.data import DROPLET_VACUUM_A, atom_elements
from nucleops.errors import WrongInput
from nucleops.learning.dataset import stack_frames, system_names, write_deepmd
from nucleops.learning.provenance import Provenance
from nucleops.settings import PositiveInt, Settings
from nucleops.systems.extxyz import read_frames
from nucleops.systems.files import frames_of, read_extxyz, read_trajectory, write_trajectory
from nucleops.systems.system import System

TASK_FILE = "task.json"


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

    @property
    def reuse_wavefunction(self) -> bool:
        """Whether an SCF begins from another frame's wavefunction.

        With PBE-D3 that saves more than half of the time; with GFN1-xTB a quarter at most, which is
        not worth that a label depends on those before it (docs/reference-data.md).
        """
        chosen = self.label.reuse_wavefunction
        return isinstance(self.level, PbeD3) if chosen is None else chosen

    @property
    def in_series(self) -> bool:
        """Whether one process of CP2K computes several frames, see `nucleops.engines.cp2k.series`.

        With GFN1-xTB that saves half of the time; with PBE-D3 starting costs nothing beside the
        rest, and wavefunctions are handed on instead.
        """
        return isinstance(self.level, Gfn1Xtb) and not self.reuse_wavefunction

    @property
    def decides(self) -> dict[str, Any]:
        """What decides the labels of a task besides its frames."""
        return {
            "level": self.level.model_dump(mode="json"),
            "largest_force_eV_A": self.label.largest_force_eV_A,
            "reuse_wavefunction": self.reuse_wavefunction,
            "program": self.program,
            "threads": self.threads,
        }


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
            given = _given_origins(source)
            for number, system in enumerate(read_configurations(source)):
                unknown = sorted(set(system.symbols) - set(type_map))
                if unknown:
                    raise WrongInput(
                        f"{source}: element {', '.join(unknown)}; allowed: {', '.join(type_map)}"
                    )
                origin = {"system": system.name, "source": source.name, "frame": number}
                origin |= next(given, {})
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


def _given_origins(source: Path) -> Iterator[dict[str, Any]]:
    """Yield what is known of each frame's trajectory: its name, unique in a run, and the step.

    Trajectories are told apart by their content, since files of different rounds have one name.
    """
    if source.is_dir():
        return
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    for frame in read_frames(source):
        step = frame.info.get("step", "")
        parent = frame.info.get("parent", f"{source.stem}-{digest}")
        yield {"parent": parent, "step": int(step) if step.isdigit() else None}


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
