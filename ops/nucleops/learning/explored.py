"""Reading what exploration runs left, and writing the frames chosen from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleops.errors import WrongInput
from nucleops.systems.system import System


@dataclass(frozen=True)
class ExploredRun:
    """A run cut at the hard limit.

    Attributes
    ----------
    system : System
        Topology; its positions are those of the start.
    positions : ndarray
        Shape (n_frames, n_atoms, 3), angstrom.
    deviation_eV_A : ndarray
        Largest model deviation of the force in each frame, shape (n_frames,).
    n_lost : int
        Frames that were planned but not reached, because the run was ended early.
    """

    system: System
    positions: NDArray[np.float64]
    deviation_eV_A: NDArray[np.float64]
    n_lost: int


def read_explored(
    trajs: list[Path], model_devis: list[Path], folders: list[Path] | None
) -> list[ExploredRun]:
    """Read runs; see :class:`ExploredRun`.

    Raises
    ------
    WrongInput
        A run has no folder with its topology, or its frames and deviations do not match.
    """
    from nucleops.engines.lammps.readers import read_dump, read_model_deviation
    from nucleops.systems.files import read_extxyz

    runs = []
    given: list[Path | None] = [*folders] if folders else [None] * len(trajs)
    for traj, devi, folder in zip(trajs, model_devis, given, strict=True):
        if folder is None or not (folder / "topology.extxyz").is_file():
            raise WrongInput(
                f"{traj}: no topology.extxyz came with this trajectory",
                advice="explore with nucleops.explore.RunExplore, which writes it",
            )
        system = read_extxyz(folder / "topology.extxyz")
        dump = read_dump(traj)
        deviation = read_model_deviation(devi).max_force_eV_A
        if len(dump.steps) != len(deviation):
            raise WrongInput(
                f"{traj}: {len(dump.steps)} frames, but {devi} has {len(deviation)} rows"
            )
        md = json.loads((folder / "md.json").read_text())
        planned = md["steps_planned"] // md["stride"] + 1
        runs.append(
            ExploredRun(system, dump.positions, deviation, max(0, planned - len(deviation)))
        )
    return runs


def write_chosen(
    runs: list[ExploredRun], chosen: list[NDArray[np.int64]], folder: Path
) -> list[Path]:
    """Write the chosen frames of each run as extended XYZ with roles; returns the files."""
    from nucleops.systems.files import frames_of, write_trajectory

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for i, (run, frames) in enumerate(zip(runs, chosen, strict=True)):
        if len(frames):
            path = folder / f"run-{i:04d}.extxyz"
            write_trajectory(frames_of(run.system, run.positions[frames]), path)
            files.append(path)
    return files
