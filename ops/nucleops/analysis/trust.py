"""An MD result folder, cut to the steps that are trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.errors import WrongInput
from nucleops.systems.system import System

STATUSES = ("completed", "trust-ended")
_REQUIRED: dict[str, type | tuple[type, ...]] = {
    "status": str,
    "steps_run": int,
    "trusted_steps": int,
    "time_step_fs": (int, float),
    "temperature_K": (int, float),
}


@dataclass(frozen=True)
class Trusted:
    """How long a run was trusted, from its `md.json`.

    Attributes
    ----------
    status : str
        ``completed`` or ``trust-ended``.
    reason : str or None
        Why trust ended.
    steps_run, trusted_steps : int
        Steps that were run, and those that count.
    time_step_fs : float
        Time step in fs.
    temperature_K : float
        Temperature in K.
    meta : dict
        The whole file.
    """

    status: str
    reason: str | None
    steps_run: int
    trusted_steps: int
    time_step_fs: float
    temperature_K: float
    meta: dict[str, Any]

    @property
    def trusted_ps(self) -> float:
        """Trusted length in ps."""
        return self.trusted_steps * self.time_step_fs * 1e-3

    @property
    def run_ps(self) -> float:
        """Length that was run, in ps."""
        return self.steps_run * self.time_step_fs * 1e-3

    def row(self, name: str) -> dict[str, Any]:
        """Return one row of the report's table of runs."""
        return {
            "name": name,
            "status": self.status,
            "reason": self.reason,
            "run_ps": self.run_ps,
            "trusted_ps": self.trusted_ps,
            "temperature_K": self.temperature_K,
            "n_atoms": self.meta.get("n_atoms"),
            "seed": self.meta.get("seed"),
            "wall_s": self.meta.get("wall_s"),
            "bias_engine": self.meta.get("bias_engine"),
            "left_out_of_bias": list(self.meta.get("left_out_of_bias") or []),
        }


def read_trust(folder: Path) -> Trusted:
    """Read `md.json` of an MD result folder.

    Raises
    ------
    WrongInput
        If the file is missing, is not JSON, or lacks a key; names file, key, found and allowed.
    """
    path = folder / "md.json"
    if not path.is_file():
        raise WrongInput(f"{path}: no such file; an MD result folder has one")
    try:
        meta = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise WrongInput(f"{path}: not JSON ({error})") from error
    for key, kind in _REQUIRED.items():
        if not isinstance(meta.get(key), kind):
            raise WrongInput(f"{path}: {key}: found {meta.get(key)!r}, needs {kind}")
    if meta["status"] not in STATUSES:
        raise WrongInput(
            f"{path}: status: found {meta['status']!r}, allowed: {', '.join(STATUSES)}"
        )
    return Trusted(
        status=meta["status"],
        reason=meta.get("reason"),
        steps_run=meta["steps_run"],
        trusted_steps=meta["trusted_steps"],
        time_step_fs=float(meta["time_step_fs"]),
        temperature_K=float(meta["temperature_K"]),
        meta=meta,
    )


@dataclass(frozen=True)
class Run:
    """The trusted part of an MD run.

    Attributes
    ----------
    folder : Path
        The MD result folder.
    trusted : Trusted
        What `md.json` says.
    system : System
        Topology at the start.
    steps : ndarray
        MD step of each frame, shape (F,); all at most ``trusted.trusted_steps``.
    positions : ndarray
        Shape (F, N, 3), in A.
    cells : ndarray
        Edge lengths, shape (F, 3), in A.
    """

    folder: Path
    trusted: Trusted
    system: System
    steps: IntArray
    positions: FloatArray
    cells: FloatArray

    @property
    def times_ps(self) -> FloatArray:
        """Time of each frame in ps, shape (F,)."""
        return np.asarray(self.steps * self.trusted.time_step_fs * 1e-3, dtype=np.float64)

    def last(self) -> System:
        """Return the system as it was in the last trusted frame."""
        from dataclasses import replace

        return replace(self.system.with_positions(self.positions[-1]), cell=self.cells[-1])


def read_run(folder: Path) -> Run:
    """Read an MD result folder: topology, trajectory, and how long it is trusted.

    Raises
    ------
    WrongInput
        If a file is missing or malformed, or not one frame is trusted.
    """
    from nucleops.engines.lammps.readers import read_dump
    from nucleops.systems.files import read_extxyz

    trusted = read_trust(folder)
    system = read_extxyz(folder / "topology.extxyz")
    dump = read_dump(folder / "trajectory.dump")
    keep = np.asarray(dump.steps) <= trusted.trusted_steps
    if not np.any(keep):
        raise WrongInput(f"{folder / 'trajectory.dump'}: holds no trusted frame")
    return Run(
        folder,
        trusted,
        system,
        np.asarray(dump.steps)[keep],
        np.asarray(dump.positions)[keep],
        np.asarray(dump.cells)[keep],
    )


def cut_series(
    columns: Mapping[str, FloatArray], time_column: str, trusted: Trusted
) -> dict[str, FloatArray]:
    """Cut columns of a COLVAR or HILLS file (time in fs) to the trusted time.

    Parameters
    ----------
    columns : mapping
        Name -> values, shape (F,).
    time_column : str
        Name of the column that holds the time in fs.
    trusted : Trusted
        How long the run is trusted.
    """
    # Times are printed with few decimals: half a step keeps the last trusted row.
    end = (trusted.trusted_steps + 0.5) * trusted.time_step_fs
    keep = np.asarray(columns[time_column]) <= end
    return {name: np.asarray(values)[keep] for name, values in columns.items()}
