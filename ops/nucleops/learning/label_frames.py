"""The frames of a labelling task: taken over, computed many at a time, or computed on their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from nucleops.engines.cp2k.frames import ForcesTooLarge
from nucleops.engines.cp2k.inputs import placed_A
from nucleops.engines.cp2k.md_inputs import cell_of_all
from nucleops.engines.cp2k.series import label_series, longest_series, same_atoms
from nucleops.engines.cp2k.single_point import SinglePoint, label
from nucleops.errors import ProgramFailed, ScfNotConverged, TimeLimit, TruncatedOutput
from nucleops.learning.kept_labels import KeptLabels, Outcome
from nucleops.learning.labelling import LabelConfig
from nucleops.storage.increments import digest_of
from nucleops.systems.distances import minimum_image
from nucleops.systems.system import FloatArray, System

_FOR_GOOD = (ScfNotConverged, ForcesTooLarge)
_MAYBE_THE_MACHINE = (TruncatedOutput, ProgramFailed, TimeLimit)  # tried anew if the task is


class TaskFrames:
    """What becomes of each frame of a task.

    Parameters
    ----------
    systems : list of System
        The frames.
    config : LabelConfig
        Level of theory and limits.
    kept : KeptLabels
        Frames that an earlier attempt has done, and where those done now are kept.
    """

    def __init__(self, systems: list[System], config: LabelConfig, kept: KeptLabels) -> None:
        self._systems, self._config, self._kept = systems, config, kept
        self._for_series = set(range(len(systems))) if config.in_series else set()
        self._of_series: dict[int, Outcome] = {}
        self._wavefunctions: dict[int, str] = {}

    def outcome(self, index: int) -> Outcome:
        """Return what became of a frame; to be asked for in order.

        Raises
        ------
        StorageUnreachable
            If the store of an earlier attempt's frames does not answer.
        Preempted, OutOfMemory, MissingProgram
            As :func:`nucleops.engines.runner.run`.
        """
        outcome = self._kept.get(index, self._systems[index])
        if outcome is None and index in self._for_series:
            self._compute_series(index)
        if outcome is None:
            outcome = self._of_series.pop(index, None) or self._compute_alone(index)
        if outcome.wavefunction:
            self._wavefunctions[index] = outcome.wavefunction
        return outcome

    @cached_property
    def _cell(self) -> FloatArray | None:
        """Edges that CP2K is given; None: each frame's own.

        Droplets computed in series have one of all frames of the task, and so have those of them
        that are computed on their own: a cell changes last digits, and no label may depend on how,
        or after which interruption, it was made.
        """
        shared = self._config.in_series and not self._systems[0].periodic
        return cell_of_all(self._systems) if shared else None

    def _compute_series(self, start: int) -> None:
        """Compute frames from one on that are not done, as many as fit, in one process."""
        later = (i for i in sorted(self._for_series) if i > start and not self._kept.has(i))
        due = [start, *later]
        due = due[: longest_series([self._systems[i] for i in due])]
        if len(due) == 1:  # nothing to be saved
            self._for_series.remove(start)
            return
        found = label_series(
            [self._systems[i] for i in due],
            self._config.level,
            self._kept.folder / f"series-{start:04d}",
            cell=self._cell,
            program=self._config.program,
            threads=self._config.threads,
            timeout_s=self._config.label.timeout_s,
            largest_force_eV_A=self._config.label.largest_force_eV_A,
        )
        if found.begun:
            self._for_series.difference_update(due[: found.begun])
        else:  # no other series will come further; each frame has to tell why
            self._for_series.clear()
        for number, point in found.points.items():
            outcome = Outcome(point.frame, _detail(point))
            self._of_series[due[number]] = outcome
            self._kept.put(due[number], outcome)

    def _compute_alone(self, index: int) -> Outcome:
        """Compute a frame, and keep what became of it unless the machine may be to blame."""
        systems, config, kept = self._systems, self._config, self._kept
        begun = nearest(systems[index], {i: systems[i] for i in self._wavefunctions})
        guess = None
        if begun is not None:
            guess = kept.wavefunction(begun[0], self._wavefunctions[begun[0]])
        try:
            point = label(
                systems[index],
                config.level,
                kept.folder / f"frame-{index:04d}",
                program=config.program,
                threads=config.threads,
                timeout_s=config.label.timeout_s,
                largest_force_eV_A=config.label.largest_force_eV_A,
                guess=guess,
                keep_wavefunction=config.reuse_wavefunction,
                cell=self._cell,
            )
        except (*_FOR_GOOD, *_MAYBE_THE_MACHINE) as error:
            outcome = Outcome(None, {"dropped": error.kind, "reason": error.message.strip()})
            if isinstance(error, _FOR_GOOD):
                kept.put(index, outcome)
            return outcome
        detail = _detail(point)
        if guess is not None and begun is not None:
            detail |= {"begun_from_frame": begun[0], "rmsd_A": round(begun[1], 4)}
        sha256 = "" if point.wavefunction is None else digest_of(point.wavefunction)
        outcome = Outcome(point.frame, detail, sha256)
        kept.put(index, outcome)
        return outcome


def nearest(system: System, others: Mapping[int, System]) -> tuple[int, float] | None:
    """Find the configuration of the same atoms that is nearest to a system.

    Parameters
    ----------
    system : System
        The configuration.
    others : mapping of int to System
        Where to look; those with other atoms, another order, or another cell that repeats are
        passed over.

    Returns
    -------
    (int, float) or None
        Its key, and the root mean square of the atoms' displacements in angstrom, by minimum
        images, as CP2K sees the coordinates; not turned, for orbitals do not turn with them.
    """
    found: tuple[int, float] | None = None
    for key, other in others.items():
        if not same_atoms(system, other):
            continue
        moved = placed_A(system) - placed_A(other)
        moved = minimum_image(moved, system.cell, system.periodic)
        rmsd_A = float(np.sqrt((moved**2).sum(axis=1).mean()))
        if found is None or rmsd_A < found[1]:
            found = key, rmsd_A
    return found


def _detail(point: SinglePoint) -> dict[str, Any]:
    return {
        "energy_eV": point.frame.energy_eV,
        "tries": point.tries,
        "settings": point.settings,
        "scf_steps": point.scf_steps,
        "wall_s": round(point.wall_s, 3),
        "cpu_s": round(point.cpu_s, 3),
    }
