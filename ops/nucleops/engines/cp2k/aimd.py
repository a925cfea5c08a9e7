"""AIMD: run it, watch it, and take from it only the steps that can be believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.engines.cp2k.inputs import PROJECT, aimd_input, cell_and_shift
from nucleops.engines.cp2k.log import LARGEST_FORCE_EV_A, SCF_START, read_evaluation, read_log
from nucleops.engines.cp2k.settings import AimdRun, LevelOfTheory
from nucleops.engines.cp2k.single_point import PROGRAM
from nucleops.engines.cp2k.units import FORCE_EV_A, HARTREE_EV
from nucleops.engines.cp2k.xyz import XyzFrame, read_xyz
from nucleops.engines.runner import RunResult, run
from nucleops.errors import FatalFailure, TruncatedOutput
from nucleops.systems.system import System

HOTTEST_FACTOR = 5.0
"""A run whose temperature exceeds so many times the thermostat's has exploded and is stopped."""
LARGEST_JUMP_A = 0.5
"""No atom moves further in one step of at most 2 fs, in angstrom."""
_XYZ_ENERGY_HARTREE = 1.0e-9
_XYZ_FORCE_EV_A = 1.0e-8
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


def run_aimd(
    system: System,
    level: LevelOfTheory,
    settings: AimdRun,
    temperature_K: float,
    seed: int,
    folder: Path,
    *,
    program: str = PROGRAM,
    threads: int = 1,
    timeout_s: float | None = None,
    progress: Callable[[int], None] = lambda step: None,
) -> RunResult:
    """Run AIMD in a folder of its own.

    Parameters
    ----------
    system : System
        Where the dynamics starts.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    settings : AimdRun
        Length and thermostat.
    temperature_K : float
        Temperature in kelvin.
    seed : int
        Seed of the velocities and of the thermostat.
    folder : Path
        Where everything is written (``aimd.inp``, ``aimd.out``, ``cp2k.log``); made if missing.
        What an earlier try left there is removed.
    program, threads, timeout_s
        As for a single point.
    progress : callable
        Told the last finished step: 0 at the start, then about twice a second, and at the end.

    Returns
    -------
    RunResult
        How CP2K ended; stopped early if the temperature ran away.

    Raises
    ------
    TimeLimit, Preempted, OutOfMemory, MissingProgram
        As :func:`nucleops.engines.runner.run`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in [folder / "aimd.out", *folder.glob(f"{PROJECT}-*")]:
        old.unlink(missing_ok=True)  # CP2K appends
    text = aimd_input(system, level, settings, temperature_K, seed)
    (folder / "aimd.inp").write_text(text, encoding="utf-8")

    def watch() -> str | None:
        step, now_K = _last_step(folder / f"{PROJECT}-1.ener")
        progress(step)
        if now_K > HOTTEST_FACTOR * temperature_K:
            return f"temperature of {now_K:.0f} K at step {step}"
        return None

    progress(0)  # a short run is over before it is looked at
    result = run(
        [program, "-i", "aimd.inp", "-o", "aimd.out"],
        folder,
        folder / "cp2k.log",
        threads=threads,
        timeout_s=timeout_s,
        watch=watch,
    )
    progress(_last_step(folder / f"{PROJECT}-1.ener")[0])
    return result


def read_aimd(
    folder: Path,
    system: System,
    *,
    skip_steps: int = 0,
    stride: int = 1,
    largest_force_eV_A: float = LARGEST_FORCE_EV_A,
) -> AimdFrames:
    """Read the frames of an AIMD run, each with its own SCF.

    Steps ``skip_steps``, ``skip_steps + stride`` ... are due. Each is accepted if the log's part of
    that step is complete, its SCF converged, and trajectory and log agree on energy and forces.

    Parameters
    ----------
    folder : Path
        Where :func:`run_aimd` ran; the run may have ended early.
    system : System
        The system it started from; the coordinates are brought back into its frame.
    skip_steps : int
        Steps at the start that are not due.
    stride : int
        Every so many steps is due.
    largest_force_eV_A : float
        Largest norm of a force that is accepted, in eV/A.

    Returns
    -------
    AimdFrames
        Accepted frames, reasons for the others.

    Raises
    ------
    TruncatedOutput
        If log or trajectory are missing or are of another system.
    """
    log = folder / "aimd.out"
    text = read_log(log)
    if text.count("PROGRAM STARTED AT") != 1:
        raise TruncatedOutput("the log does not hold exactly one run", log=log)
    _, *parts = text.split(SCF_START)
    if not parts:
        raise TruncatedOutput("the log ends before the first SCF", log=log)
    positions = _by_step(folder / f"{PROJECT}-pos-1.xyz", system)
    forces = _by_step(folder / f"{PROJECT}-frc-1.xyz", system)
    start = positions.get(0)
    _, shift = cell_and_shift(system)
    if start is None or np.abs(start.values - system.positions - shift).max() > _XYZ_POSITION_A:
        raise TruncatedOutput("the trajectory does not begin where the system does", log=log)
    frames, dropped = [], {}
    for step in range(skip_steps, len(parts), stride):
        try:
            part = SCF_START + parts[step]
            _check_step(part, step, log)
            energy, step_forces = read_evaluation(part, system.symbols, log, largest_force_eV_A)
            here = _matching(positions, forces, step, energy, step_forces, log)
            moved = system.with_positions(here.values - shift)
        except FatalFailure as error:
            dropped[step] = f"{error.kind}: {error.message}"
            continue
        frames.append(LabelledFrame(moved, energy, step_forces, step))
    return AimdFrames(frames, dropped, len(parts) - 1)


def _check_step(part: str, step: int, log: Path) -> None:
    """Check that the log's part is that of the step, and that the step ended."""
    lines = [line.split() for line in part.splitlines() if line.startswith(" MD| Step number")]
    found = lines == [["MD|", "Step", "number", str(step)]] if step else not lines
    ended = "MD_INI| Cell angles" in part if step == 0 else part.count("MD| Temperature [K]") == 1
    if not found or not ended:
        raise TruncatedOutput(f"step {step} is incomplete or out of order", log=log)


def _matching(
    positions: dict[int, XyzFrame],
    forces: dict[int, XyzFrame],
    step: int,
    energy_eV: float,
    forces_eV_A: np.ndarray,
    log: Path,
) -> XyzFrame:
    """Return the step's positions if trajectory, force file and log belong together."""
    here, force = positions.get(step), forces.get(step)
    if here is None or force is None:
        raise TruncatedOutput(f"step {step} is missing from the trajectory", log=log)
    energies = np.array([here.energy, force.energy]) * HARTREE_EV - energy_eV
    difference = np.abs(force.values * FORCE_EV_A - forces_eV_A).max()
    if np.abs(energies).max() > _XYZ_ENERGY_HARTREE * HARTREE_EV or difference > _XYZ_FORCE_EV_A:
        raise TruncatedOutput(f"step {step}: trajectory and log disagree", log=log)
    before = positions.get(step - 1)
    if before is not None and np.abs(here.values - before.values).max() > LARGEST_JUMP_A:
        raise TruncatedOutput(f"step {step}: an atom jumped", log=log)
    return here


def _by_step(path: Path, system: System) -> dict[int, XyzFrame]:
    frames: dict[int, XyzFrame] = {}
    twice = set()
    for frame in _complete(path, system):
        if frame.step in frames:
            twice.add(frame.step)
        frames[frame.step] = frame
    return {step: frame for step, frame in frames.items() if step not in twice}


def _complete(path: Path, system: System) -> Iterator[XyzFrame]:
    for frame in read_xyz(path, system.n_atoms):
        if frame.symbols == system.symbols:
            yield frame


def _last_step(energies: Path) -> tuple[int, float]:
    """Read step and temperature in kelvin from the last complete line of CP2K's energy file."""
    try:
        lines = energies.read_text(encoding="ascii").rpartition("\n")[0].splitlines()
        fields = lines[-1].split()
        return int(fields[0]), float(fields[3])
    except (OSError, ValueError, IndexError):
        return 0, 0.0
