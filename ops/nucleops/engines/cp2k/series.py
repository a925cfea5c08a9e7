"""Single points of several configurations of the same atoms in one process of CP2K.

CP2K takes some tenths of a second to start, which is half of what a label of a small droplet costs
with GFN1-xTB. In a series (molecular dynamics along given positions, CP2K's ``REFTRAJ``) it starts
once. Labels are those of single points: every SCF begins from the same guess and with the same
coordinates, and none is believed that a single point would not be.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.engines.cp2k.identity import program_of_log
from nucleops.engines.cp2k.inputs import PROJECT, placed_A
from nucleops.engines.cp2k.log import (
    LARGEST_FORCE_EV_A,
    SCF_START,
    read_evaluation,
    read_log,
    scf_steps,
)
from nucleops.engines.cp2k.md_inputs import SERIES, cell_of_all, series_input
from nucleops.engines.cp2k.md_log import check_step, parts_of_steps
from nucleops.engines.cp2k.settings import LevelOfTheory
from nucleops.engines.cp2k.single_point import PROGRAM, SinglePoint
from nucleops.engines.cp2k.xyz import frames_by_step, positions_of
from nucleops.engines.runner import run
from nucleops.errors import FatalFailure, TimeLimit, TruncatedOutput
from nucleops.systems.system import FloatArray, System

LOG = "series.out"
_LAST_LINE = "MD| Potential energy [hartree]"
_POSITION_A = 1.0e-7
_ATOMS, _FRAMES = 2000, 20
"""Most of them in a series: what its end costs if it is killed, and more would save nothing."""


@dataclass(frozen=True)
class Series:
    """What a series gave.

    Attributes
    ----------
    points : dict of int to SinglePoint
        Labels that can be believed, by the configurations' numbers from 0. The costs are equal
        shares of the whole.
    begun : int
        Configurations that were begun: those of them without a label are to be tried on their own.
    """

    points: dict[int, SinglePoint]
    begun: int


def longest_series(systems: Sequence[System]) -> int:
    """Return how many of the systems, from the first on, one series can and should hold."""
    first = systems[0]
    alike = 0
    for system in systems[: min(_FRAMES, max(1, _ATOMS // first.n_atoms))]:
        if not same_atoms(first, system):
            break
        alike += 1
    return alike


def same_atoms(one: System, other: System) -> bool:
    """Whether two systems have the same atoms in one order, and the same cell if it repeats."""
    return (
        one.symbols == other.symbols
        and one.periodic == other.periodic
        and (not one.periodic or np.array_equal(one.cell, other.cell))
    )


def label_series(
    systems: Sequence[System],
    level: LevelOfTheory,
    folder: Path,
    *,
    cell: FloatArray | None = None,
    program: str = PROGRAM,
    threads: int = 1,
    timeout_s: float | None = None,
    largest_force_eV_A: float = LARGEST_FORCE_EV_A,
) -> Series:
    """Compute energies and forces of configurations in one process, as far as it comes.

    Parameters
    ----------
    systems : sequence of System
        Configurations for which :func:`same_atoms` holds.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    folder : Path
        Where everything is written (``series.inp``, ``series.out`` ...); made if missing. What an
        earlier try left there is removed.
    cell : ndarray or None
        Edges of the cell in angstrom, shape (3,), with room for each of the systems; None: those of
        :func:`nucleops.engines.cp2k.md_inputs.cell_of_all`. If it is the same, a label is that of
        any other series and of a single point, to the last digit.
    program, threads, largest_force_eV_A
        As for a single point.
    timeout_s : float or None
        Wall-clock limit of the whole series in seconds; what is done by then counts.

    Returns
    -------
    Series
        The labels; no error for what CP2K did not do, which single points will tell.

    Raises
    ------
    Preempted, OutOfMemory, MissingProgram
        As :func:`nucleops.engines.runner.run`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in [folder / LOG, *folder.glob(f"{PROJECT}-*")]:
        old.unlink(missing_ok=True)  # CP2K appends
    text, configurations = series_input(
        systems, level, cell_of_all(systems) if cell is None else cell
    )
    (folder / "series.inp").write_text(text, encoding="utf-8")
    (folder / SERIES).write_text(configurations, encoding="utf-8")
    started_s = time.monotonic()
    try:
        result = run(
            [program, "-i", "series.inp", "-o", LOG],
            folder,
            folder / "cp2k.log",
            threads=threads,
            timeout_s=timeout_s,
        )
        wall_s, cpu_s = result.wall_s, result.cpu_s
    except TimeLimit:  # which does not say what it used
        wall_s = time.monotonic() - started_s
        cpu_s = threads * wall_s
    try:
        frames, steps = read_series(
            folder, systems, largest_force_eV_A=largest_force_eV_A, level=level
        )
    except TruncatedOutput:
        return Series({}, 0)
    shares = max(1, len(frames))
    return Series(
        {
            index: SinglePoint(frame, 1, "as set", steps[index], wall_s / shares, cpu_s / shares)
            for index, frame in frames.items()
        },
        len(steps),
    )


def read_series(
    folder: Path,
    systems: Sequence[System],
    *,
    largest_force_eV_A: float = LARGEST_FORCE_EV_A,
    level: LevelOfTheory | None = None,
) -> tuple[dict[int, LabelledFrame], list[int]]:
    """Read a series that may have ended early, each configuration judged on its own.

    Parameters
    ----------
    folder : Path
        Where :func:`label_series` ran.
    systems : sequence of System
        What was to be computed.
    largest_force_eV_A : float
        Largest norm of a force that is accepted, in eV/A.
    level : Gfn1Xtb, PbeD3 or None
        Level of theory that the log has to be of; None: any.

    Returns
    -------
    frames : dict of int to LabelledFrame
        The number of each configuration that can be believed, and its label: its part of the log is
        complete, its SCF converged, log, trajectory and file of forces agree, and its positions
        are those that were asked for.
    scf_steps : list of int
        SCF steps of each configuration that was begun.

    Raises
    ------
    TruncatedOutput
        If a file is missing, or the log is of another series or level.
    """
    log = folder / LOG
    text = read_log(log)
    positions = frames_by_step(folder / f"{PROJECT}-pos-1.xyz", systems[0])
    forces = frames_by_step(folder / f"{PROJECT}-frc-1.xyz", systems[0])
    parts = parts_of_steps(text, systems[0], positions, level, log)
    if len(parts) > len(systems):
        raise TruncatedOutput(f"{len(parts)} SCF runs for {len(systems)} systems", log=log)
    program = program_of_log(text)
    frames: dict[int, LabelledFrame] = {}
    for index, (system, rest) in enumerate(zip(systems, parts, strict=False)):
        part, step = SCF_START + rest, index + 1
        try:
            check_step(part, step, log, first=1, last_line=_LAST_LINE)
            energy, forces_eV_A = read_evaluation(part, system.symbols, log, largest_force_eV_A)
            here = positions_of(step, (energy, forces_eV_A), positions, forces, log)
        except FatalFailure:
            continue
        if np.abs(here.values - placed_A(system)).max() <= _POSITION_A:
            frames[index] = LabelledFrame(system, energy, forces_eV_A, program=program)
    return frames, [scf_steps(part) for part in parts]
