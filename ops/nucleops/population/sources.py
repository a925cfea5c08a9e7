"""Where representative structures come from: motifs, metadynamics, unbiased runs, files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from nucleops.analysis.stages.files import SUMMARY, read_json
from nucleops.analysis.trust import read_trust
from nucleops.errors import WrongInput
from nucleops.systems.files import frames_of, read_extxyz, read_trajectory, write_trajectory
from nucleops.systems.motifs import motif
from nucleops.systems.system import Molecule, System
from nucleops.systems.trajectory import Trajectory

TASK_FILE = "task.json"
FRAMES_FILE = "frames.extxyz"
_VACUUM_A = 8.0

States = dict[str, list[System]]
"""State to its representative structures."""


def motif_states(names: Iterable[str], metal: str) -> States:
    """Return shipped motifs as states of one isolated structure each."""
    states: States = {}
    for name in names:
        shape = motif(name, metal)
        edge = float(np.ptp(shape.positions, axis=0).max()) + 2 * _VACUUM_A
        centred = shape.positions - shape.positions.mean(axis=0) + edge / 2
        molecule = Molecule(name, tuple(range(len(shape.symbols))), shape.roles)
        system = System(name, shape.symbols, centred, np.full(3, edge), False, (molecule,))
        states[name] = [system]
    return states


def file_states(paths: Sequence[Path], most: int | None = None) -> States:
    """Read states from extended XYZ files, or from folders of them; a state is called as its file.

    Parameters
    ----------
    paths : sequence of Path
        Files of one or more frames, or folders that hold such files.
    most : int or None
        Most frames of each, taken at even distances; all where None.

    Raises
    ------
    WrongInput
        A path holds no extended XYZ file, a file cannot be read, or two have one name.
    """
    states: States = {}
    for path in paths:
        files = sorted(path.glob("*.extxyz")) if path.is_dir() else [path]
        if not files:
            raise WrongInput(f"{path}: holds no .extxyz file")
        for file in files:
            if file.stem in states:
                raise WrongInput(
                    f"{file}: there is a state {file.stem} already",
                    advice="states are called as their files: rename one",
                )
            frames = list(frames_of(read_extxyz(file), *read_trajectory(file)))
            states[file.stem] = [frames[k] for k in spread(len(frames), most)]
    return states


def run_states(metad: Sequence[Path], unbiased: Sequence[Path], most: int) -> States:
    """Take the states of metadynamics, and frames of the trusted part of unbiased runs.

    Parameters
    ----------
    metad, unbiased : sequence of Path
        Result folders of the stages.
    most : int
        Most frames of each state.

    Returns
    -------
    dict
        A state of metadynamics is called as its file in ``states/``, with the run's name in front
        where there are several; the frames of an unbiased run are called as the run.
    """
    states: States = {}
    for folder in metad:
        if not list(folder.glob("states/*.extxyz")):
            continue
        name = (
            f"{read_json(folder / SUMMARY).get('name') or folder.name}-" if len(metad) > 1 else ""
        )
        found = file_states([folder / "states"], most)
        states |= {f"{name}{state}": frames for state, frames in found.items()}
    for folder in unbiased:
        name = read_json(folder / SUMMARY).get("name") or folder.name
        label = f"{name}-unbiased" if name in states else name
        states[label] = trusted_frames(folder / "md", most)
    return states


def trusted_frames(md: Path, most: int) -> list[System]:
    """Take frames at even distances from the trusted part of an MD result folder."""
    last_step = read_trust(md).trusted_steps
    topology = read_extxyz(md / "topology.extxyz")
    trajectory = Trajectory(md / "trajectory.dump", topology)
    count = sum(
        len(f.numbers) if f.steps is None else int(np.sum(f.steps <= last_step)) for f in trajectory
    )
    wanted = set(spread(count, most))
    taken: list[System] = []
    for frames in trajectory:
        here = [k for k, number in enumerate(frames.numbers.tolist()) if number in wanted]
        taken += frames_of(topology, frames.positions[here], frames.cells[here])
    return taken


def spread(count: int, most: int | None) -> list[int]:
    """Numbers of at most so many of `count` frames, at even distances, the last among them."""
    if most is None or count <= most:
        return list(range(count))
    return sorted({round((k + 1) * count / most) - 1 for k in range(most)})


def write_tasks(states: Mapping[str, Sequence[System]], per_task: int, folder: Path) -> list[Path]:
    """Write tasks of a few frames of one state each.

    Parameters
    ----------
    states : mapping
        State to its structures.
    per_task : int
        Most frames in a task.
    folder : Path
        Where ``task.000000`` ... are made, each with ``frames.extxyz`` and ``task.json``.

    Returns
    -------
    list of Path
        The tasks' folders, in the order of the states.
    """
    tasks: list[Path] = []
    for order, (state, frames) in enumerate(states.items()):
        for start in range(0, len(frames), per_task):
            task = folder / f"task.{len(tasks):06d}"
            task.mkdir(parents=True)
            write_trajectory(frames[start : start + per_task], task / FRAMES_FILE)
            about = {"state": state, "order": order, "first_frame": start}
            (task / TASK_FILE).write_text(json.dumps(about), encoding="utf-8")
            tasks.append(task)
    return tasks
