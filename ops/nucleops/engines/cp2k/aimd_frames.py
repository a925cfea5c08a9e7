"""Reading AIMD: only the steps that can be believed, each by its own SCF and its own motion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.engines.cp2k.identity import program_of_log
from nucleops.engines.cp2k.inputs import PROJECT, cell_and_shift, placed_A
from nucleops.engines.cp2k.log import LARGEST_FORCE_EV_A, SCF_START, read_evaluation, read_log
from nucleops.engines.cp2k.md_log import check_step, parts_of_steps
from nucleops.engines.cp2k.motion import moves_right
from nucleops.engines.cp2k.settings import LevelOfTheory
from nucleops.engines.cp2k.units import HARTREE_EV
from nucleops.engines.cp2k.xyz import XyzFrame, frames_by_step, positions_of
from nucleops.errors import FatalFailure, TruncatedOutput
from nucleops.systems.system import FloatArray, System

LARGEST_JUMP_A = 0.5
"""No atom moves further in one step of at most 2 fs, in angstrom."""
_XYZ_POSITION_A = 1.0e-7


@dataclass(frozen=True)
class AimdFrames:
    """What a run gave.

    Attributes
    ----------
    frames : list of LabelledFrame
        Accepted frames, in time order.
    dropped : dict
        Step to reason, for the steps that were due but not accepted.
    steps_run : int
        Last step that the log begins.
    """

    frames: list[LabelledFrame]
    dropped: dict[int, str] = field(default_factory=dict)
    steps_run: int = 0


@dataclass(frozen=True)
class AimdOutput:
    """What a run left, before its steps are judged.

    Attributes
    ----------
    log : Path
        CP2K's log.
    system : System
        Where the run started.
    parts : list of str
        The log's part of each step.
    positions, forces : dict
        Step to its complete frame in the trajectory and in the file of forces.
    program : str
        Program and version.
    """

    log: Path
    system: System
    parts: list[str]
    positions: dict[int, XyzFrame]
    forces: dict[int, XyzFrame]
    program: str

    @property
    def steps_run(self) -> int:
        """Last step that the log begins."""
        return len(self.parts) - 1

    def energies_eV(self, first: int) -> FloatArray:
        """Potential energies of the trajectory's complete steps from ``first`` on, shape (n,)."""
        return np.array(
            [self.positions[k].energy * HARTREE_EV for k in sorted(self.positions) if k >= first]
        )

    def judged(self, steps: Iterable[int], largest_force_eV_A: float) -> AimdFrames:
        """Judge the steps that are due, see :func:`read_aimd`; those never begun are left out."""
        frames, dropped = [], {}
        for step in steps:
            if step > self.steps_run:
                continue
            try:
                frames.append(self._frame(step, largest_force_eV_A))
            except FatalFailure as error:
                dropped[step] = f"{error.kind}: {error.message}"
        return AimdFrames(frames, dropped, self.steps_run)

    def _frame(self, step: int, largest_force_eV_A: float) -> LabelledFrame:
        part = SCF_START + self.parts[step]
        check_step(part, step, self.log)
        symbols = self.system.symbols
        energy, forces = read_evaluation(part, symbols, self.log, largest_force_eV_A)
        here = positions_of(step, (energy, forces), self.positions, self.forces, self.log)
        before = self.positions.get(step - 1)
        if before is not None and np.abs(here.values - before.values).max() > LARGEST_JUMP_A:
            raise TruncatedOutput(f"step {step}: an atom jumped", log=self.log)
        if step and not moves_right(step, self.positions, self.forces):
            raise TruncatedOutput(
                f"step {step}: its positions do not follow from those beside it", log=self.log
            )
        _, shift = cell_and_shift(self.system)
        moved = self.system.with_positions(here.values - shift)
        return LabelledFrame(moved, energy, forces, step, self.program)


def open_aimd(folder: Path, system: System, level: LevelOfTheory | None = None) -> AimdOutput:
    """Read what :func:`nucleops.engines.cp2k.aimd.run_aimd` left; the run may have ended early.

    Parameters
    ----------
    folder : Path
        Where it ran.
    system : System
        The system it started from.
    level : Gfn1Xtb, PbeD3 or None
        Level of theory that the log has to be of; None: any.

    Returns
    -------
    AimdOutput

    Raises
    ------
    TruncatedOutput
        If log or trajectory are missing, or of another system or level.
    """
    log = folder / "aimd.out"
    text = read_log(log)
    positions = frames_by_step(folder / f"{PROJECT}-pos-1.xyz", system)
    forces = frames_by_step(folder / f"{PROJECT}-frc-1.xyz", system)
    parts = parts_of_steps(text, system, positions, level, log)
    start = positions.get(0)
    if start is None or np.abs(start.values - placed_A(system)).max() > _XYZ_POSITION_A:
        raise TruncatedOutput("the trajectory does not begin where the system does", log=log)
    return AimdOutput(log, system, parts, positions, forces, program_of_log(text))


def read_aimd(
    folder: Path,
    system: System,
    *,
    skip_steps: int = 0,
    stride: int = 1,
    largest_force_eV_A: float = LARGEST_FORCE_EV_A,
    level: LevelOfTheory | None = None,
) -> AimdFrames:
    """Read the frames of an AIMD run, each with its own SCF.

    Steps ``skip_steps``, ``skip_steps + stride`` ... are due. Each is accepted if the log's part of
    that step is complete, its SCF converged, trajectory and log agree on energy and forces, and its
    positions follow from those of its neighbours (:mod:`nucleops.engines.cp2k.motion`).

    Parameters
    ----------
    folder : Path
        Where :func:`nucleops.engines.cp2k.aimd.run_aimd` ran; the run may have ended early.
    system : System
        The system it started from; the coordinates are brought back into its frame.
    skip_steps : int
        Steps at the start that are not due.
    stride : int
        Every so many steps is due.
    largest_force_eV_A : float
        Largest norm of a force that is accepted, in eV/A.
    level : Gfn1Xtb, PbeD3 or None
        Level of theory that the log has to be of; None: any.

    Returns
    -------
    AimdFrames
        Accepted frames, reasons for the others.

    Raises
    ------
    TruncatedOutput
        If log or trajectory are missing or are of another system or level.
    """
    output = open_aimd(folder, system, level)
    due = range(skip_steps, output.steps_run + 1, stride)
    return output.judged(due, largest_force_eV_A)
