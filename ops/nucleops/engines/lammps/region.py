"""What a run that trust ended leaves: its last good checkpoint, and the region at fault.

::

    <result>/failure/failure.json      class, step, reason, atoms
    <result>/failure/region.extxyz     whole molecules round the atoms at fault
    <result>/failure/checkpoint.<step> the last one before the failure, for LAMMPS' read_restart
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np

from nucleops.engines.lammps.criteria import Failure
from nucleops.engines.lammps.geometry import Geometry
from nucleops.engines.lammps.legs import all_checkpoints, step_of
from nucleops.engines.lammps.readers import Dump
from nucleops.systems.distances import minimum_image
from nucleops.systems.files import write_extxyz
from nucleops.systems.system import FloatArray, System

FOLDER = "failure"
REGION_FILE = "region.extxyz"
RECORD_FILE = "failure.json"
_RADIUS_A = 6.0


def write_failure(
    failure: Failure, trusted_steps: int, system: System, dump: Dump, geometry: Geometry, run: Path
) -> int | None:
    """Write the folder of a failure into a run's folder.

    Parameters
    ----------
    failure : Failure
        What ended trust.
    trusted_steps : int
        Up to where the run is trusted.
    system : System
        The start.
    dump : Dump
        The run's frames.
    geometry : Geometry
        Finds the atoms where the failure does not name them.
    run : Path
        The run's folder; checkpoints are still in it.

    Returns
    -------
    int or None
        Step of the last good checkpoint; None where there is none.
    """
    folder = run / FOLDER
    folder.mkdir()
    good = [path for path in all_checkpoints(run) if step_of(path) <= trusted_steps]
    if good:
        shutil.copyfile(good[-1], folder / good[-1].name)
    frame = _frame_at(dump, failure.step)
    record = {**asdict(failure), "trusted_steps": trusted_steps}
    if frame is not None:
        positions, cell = dump.positions[frame], dump.cells[frame]
        centre = failure.atoms or geometry.most_strained(positions, cell)
        region, molecules = region_of(system, positions, cell, centre)
        write_extxyz(region, folder / REGION_FILE)
        record |= {"atoms": list(centre), "frame_step": int(dump.steps[frame])}
        record |= {"region_atoms": molecules}
    record["checkpoint_step"] = step_of(good[-1]) if good else None
    text = json.dumps(record, indent=2)
    (folder / RECORD_FILE).write_text(text + "\n", encoding="utf-8")
    return step_of(good[-1]) if good else None


def region_of(
    system: System, positions: FloatArray, cell: FloatArray, centre: tuple[int, ...]
) -> tuple[System, list[int]]:
    """Return the molecules with an atom within 6 A of an atom, as a cluster, and their atoms.

    Parameters
    ----------
    system : System
        Names elements and molecules; atoms without a molecule count on their own.
    positions, cell : ndarray
        A wrapped frame, shape (N, 3), and its edges, shape (3,), in angstrom.
    centre : tuple of int
        Zero-based atoms; the region is seen from the first.
    """
    from_centre = minimum_image(positions - positions[centre[0]], cell, True)
    near = np.zeros(system.n_atoms, dtype=np.bool_)
    for atom in centre:
        distance = minimum_image(positions - positions[atom], cell, True)
        near |= np.linalg.norm(distance, axis=1) < _RADIUS_A
    for molecule in system.molecules:
        own = list(molecule.indices)
        near[own] = near[own].any()
    chosen = np.flatnonzero(near)
    symbols = tuple(system.symbols[i] for i in chosen)
    x = from_centre[chosen]
    return System("region", symbols, x - x.min(axis=0), cell, False), chosen.tolist()


def _frame_at(dump: Dump, step: int) -> int | None:
    """Return the first frame from a step on, the last one if there is none, that has numbers."""
    finite = np.flatnonzero(np.isfinite(dump.positions).all(axis=(1, 2)))
    if not len(finite):
        return None
    later = finite[dump.steps[finite] >= step]
    return int(later[0] if len(later) else finite[-1])
