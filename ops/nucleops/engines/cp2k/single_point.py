"""Single points: run one, judge it, try once more if its SCF did not converge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.engines.cp2k.inputs import safer_level, single_point_input
from nucleops.engines.cp2k.log import (
    LARGEST_FORCE_EV_A,
    SCF_START,
    check_exit,
    check_frame_of_log,
    read_evaluation,
    read_log,
)
from nucleops.engines.cp2k.sections import Section
from nucleops.engines.cp2k.settings import LevelOfTheory
from nucleops.engines.runner import run
from nucleops.errors import ScfNotConverged, TruncatedOutput
from nucleops.systems.system import System

PROGRAM = "cp2k.psmp"
"""Name of the CP2K binary (OpenMP and MPI) in Debian and in most builds."""


@dataclass(frozen=True)
class SinglePoint:
    """A label and what it cost.

    Attributes
    ----------
    frame : LabelledFrame
        Energy and forces.
    tries : int
        1, or 2 where the safer settings were needed.
    wall_s, cpu_s : float
        Seconds of all tries.
    """

    frame: LabelledFrame
    tries: int
    wall_s: float
    cpu_s: float


def label(
    system: System,
    level: LevelOfTheory,
    folder: Path,
    *,
    program: str = PROGRAM,
    threads: int = 1,
    timeout_s: float | None = None,
    largest_force_eV_A: float = LARGEST_FORCE_EV_A,
    dft_print: Section | None = None,
) -> SinglePoint:
    """Compute energy and forces of a configuration, with one retry at safer SCF settings.

    Parameters
    ----------
    system : System
        The configuration.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    folder : Path
        Where input and log are written (``try-1.inp``, ``try-1.out`` ...); made if missing.
    program : str
        CP2K binary.
    threads : int
        OpenMP threads.
    timeout_s : float or None
        Wall-clock limit of each try in seconds.
    largest_force_eV_A : float
        Largest norm of a force that is accepted, in eV/A.
    dft_print : mapping or None
        What else CP2K is to write, see :func:`nucleops.engines.cp2k.inputs.single_point_input`.

    Returns
    -------
    SinglePoint
        The label.

    Raises
    ------
    ScfNotConverged
        If neither try converged.
    TruncatedOutput, ForcesTooLarge, ProgramFailed
        If a try converged but cannot be believed, or CP2K failed.
    TimeLimit, Preempted, OutOfMemory, MissingProgram
        As :func:`nucleops.engines.runner.run`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wall_s = cpu_s = 0.0
    for attempt, settings in enumerate((level, safer_level(level)), start=1):
        source, output = folder / f"try-{attempt}.inp", folder / f"try-{attempt}.out"
        source.write_text(single_point_input(system, settings, dft_print), encoding="utf-8")
        output.unlink(missing_ok=True)  # CP2K appends
        result = run(
            [program, "-i", source.name, "-o", output.name],
            folder,
            folder / "cp2k.log",
            threads=threads,
            timeout_s=timeout_s,
        )
        wall_s, cpu_s = wall_s + result.wall_s, cpu_s + result.cpu_s
        try:
            if "NOT converged" not in read_log(output):  # newer versions exit with 1 then
                result.check(advice=f"see also {output}")
            frame = read_single_point(
                output,
                system,
                returncode=result.returncode,
                largest_force_eV_A=largest_force_eV_A,
            )
        except ScfNotConverged:
            if attempt == 2:
                raise
        else:
            return SinglePoint(frame, attempt, wall_s, cpu_s)
    raise AssertionError("unreachable: the second try returns or raises")


def read_single_point(
    path: Path,
    system: System,
    *,
    returncode: int = 0,
    largest_force_eV_A: float = LARGEST_FORCE_EV_A,
) -> LabelledFrame:
    """Read a single point's log; coordinates and cell are the system's, not the rounded ones.

    Parameters
    ----------
    path : Path
        CP2K's output file.
    system : System
        What was computed.
    returncode : int
        CP2K's exit code.
    largest_force_eV_A : float
        Largest norm of a force that is accepted, in eV/A.

    Returns
    -------
    LabelledFrame
        Energy and forces, in the system's order of atoms.

    Raises
    ------
    ScfNotConverged
        If the SCF did not converge.
    TruncatedOutput
        If the log is incomplete, damaged, or of something else.
    ForcesTooLarge
        If a force is larger than ``largest_force_eV_A``.
    ProgramFailed
        If the exit code is not 0.
    """
    text = read_log(path)
    check_frame_of_log(text, path)
    check_exit(returncode, path)
    if text.count(SCF_START) != 1:
        raise TruncatedOutput(f"{text.count(SCF_START)} SCF runs instead of one", log=path)
    energy, forces = read_evaluation(text, system.symbols, path, largest_force_eV_A)
    return LabelledFrame(system, energy, forces)
