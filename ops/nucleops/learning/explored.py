"""Reading what exploration runs left, and writing the frames chosen from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.systems.system import System

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ExploredRun:
    """A run cut at the hard limit.

    Attributes
    ----------
    system : System
        Topology; its positions are those of the start.
    steps : ndarray of int
        MD step of each frame, shape (n_frames,).
    positions : ndarray
        Shape (n_frames, n_atoms, 3), angstrom.
    cells : ndarray
        Edges in angstrom, shape (n_frames, 3).
    deviation_eV_A : ndarray
        Largest model deviation of the force in each frame, shape (n_frames,).
    n_lost : int
        Frames that were planned but not reached, because the run was ended early.
    exploration : str
        What the run explored: system, conditions, bias.
    ended_by : str or None
        Why it was ended early.
    cvs : dict of str to ndarray
        Biased variables along the frames, shape (n_frames,) each; nan where they are not known.
    cost : dict
        ``wall_s`` and ``cpu_s`` of the run.
    """

    system: System
    steps: NDArray[np.int64]
    positions: FloatArray
    cells: FloatArray
    deviation_eV_A: FloatArray
    n_lost: int
    exploration: str
    ended_by: str | None
    cvs: dict[str, FloatArray]
    cost: dict[str, float]

    @property
    def key(self) -> bytes:
        """Tells runs apart whatever order they come in."""
        content = self.deviation_eV_A.tobytes() + self.positions[:1].tobytes()
        return hashlib.sha256(self.exploration.encode() + content).digest()


def read_explored(
    trajs: Sequence[Path], model_devis: Sequence[Path], folders: Sequence[Path | None] | None
) -> list[ExploredRun]:
    """Read runs; see :class:`ExploredRun`. A run whose trajectory holds no whole frame has none.

    Raises
    ------
    WrongInput
        A run has no folder with its topology, or its frames and deviations do not match.
    """
    given: Sequence[Path | None] = folders or [None] * len(trajs)
    return [
        _read(traj, devi, folder)
        for traj, devi, folder in zip(trajs, model_devis, given, strict=True)
    ]


def _read(traj: Path, devi: Path, folder: Path | None) -> ExploredRun:
    from nucleops.engines.lammps.exploration import EXPLORATION_FILE
    from nucleops.systems.files import read_extxyz

    if folder is None or not (folder / "topology.extxyz").is_file():
        raise WrongInput(
            f"{traj}: no topology.extxyz came with this trajectory",
            advice="explore with nucleops.explore.RunExplore, which writes it",
        )
    system = read_extxyz(folder / "topology.extxyz")
    steps, positions, cells, deviation = _frames(traj, devi, system)
    md: dict[str, Any] = json.loads((folder / "md.json").read_text())
    planned = md["steps_planned"] // md["stride"] + 1
    named = folder / EXPLORATION_FILE
    label = json.loads(named.read_text())["exploration"] if named.is_file() else ""
    return ExploredRun(
        system,
        steps,
        positions,
        cells,
        deviation,
        max(0, planned - len(deviation)),
        label or f"{system.name}, {md['temperature_K']:g} K",
        md.get("ended_by"),
        _cvs(folder / "COLVAR", md.get("biased_cvs") or [], steps * md["time_step_fs"]),
        {name: float(md.get(name, 0.0)) for name in ("wall_s", "cpu_s")},
    )


def _frames(
    traj: Path, devi: Path, system: System
) -> tuple[NDArray[np.int64], FloatArray, FloatArray, FloatArray]:
    """Steps, positions, cells and deviations of the frames; of a run without any, none."""
    from nucleops.engines.lammps.readers import read_dump, read_model_deviation

    try:
        dump, deviation = read_dump(traj), read_model_deviation(devi)
    except TruncatedOutput:
        if traj.stat().st_size and devi.stat().st_size:
            raise
        none = np.zeros(0)
        return none.astype(np.int64), np.zeros((0, system.n_atoms, 3)), np.zeros((0, 3)), none
    if len(dump.steps) != len(deviation.steps):
        raise WrongInput(
            f"{traj}: {len(dump.steps)} frames, but {devi} has {len(deviation.steps)} rows"
        )
    return dump.steps, dump.positions, dump.cells, deviation.max_force_eV_A


def _cvs(path: Path, names: Sequence[str], times_fs: FloatArray) -> dict[str, FloatArray]:
    """Variables at some times; a run that ended early may have lost its last rows."""
    from nucleops.bias.series import read_colvar

    if not names or not path.is_file() or not len(times_fs):
        return {}
    table = read_colvar(path)
    row = np.clip(np.searchsorted(table.time_fs, times_fs - 1e-3), 0, max(0, len(table) - 1))
    if not len(table):
        return {}
    there = np.abs(table.time_fs[row] - times_fs) < 1e-2
    return {name: np.where(there, table[name][row], np.nan) for name in names if name in table}


def write_chosen(
    runs: list[ExploredRun], chosen: list[NDArray[np.int64]], folder: Path
) -> list[Path]:
    """Write the chosen frames of each run as extended XYZ, each with its MD step."""
    from nucleops.systems.files import frames_of, write_frames

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for i, (run, frames) in enumerate(zip(runs, chosen, strict=True)):
        if len(frames):
            path = folder / f"run-{i:04d}.extxyz"
            systems = frames_of(run.system, run.positions[frames], run.cells[frames])
            said = [{"step": int(step)} for step in run.steps[frames]]
            write_frames(zip(systems, said, strict=True), path)
            files.append(path)
    return files
