"""Single points: run one, judge it, try again with safer settings if its SCF did not converge."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from nucleops.engines.cp2k.attempts import attempts
from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.engines.cp2k.identity import (
    check_configuration,
    check_level,
    check_one_process,
    program_of_log,
)
from nucleops.engines.cp2k.inputs import PROJECT, WAVEFUNCTION, Wavefunction, single_point_input
from nucleops.engines.cp2k.log import (
    LARGEST_FORCE_EV_A,
    SCF_START,
    check_exit,
    check_frame_of_log,
    read_evaluation,
    read_log,
    scf_steps,
)
from nucleops.engines.cp2k.sections import Section
from nucleops.engines.cp2k.settings import LevelOfTheory
from nucleops.engines.runner import run
from nucleops.errors import ScfNotConverged, TruncatedOutput
from nucleops.systems.system import FloatArray, System

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
        Number of the try that converged, from 1.
    settings : str
        What its SCF settings were, see :mod:`nucleops.engines.cp2k.attempts`.
    scf_steps : int
        SCF steps of it.
    wall_s, cpu_s : float
        Seconds of all tries.
    wavefunction : Path or None
        The converged wavefunction, where it was to be kept.
    """

    frame: LabelledFrame
    tries: int
    settings: str
    scf_steps: int
    wall_s: float
    cpu_s: float
    wavefunction: Path | None = None


def label(
    system: System,
    level: LevelOfTheory,
    folder: Path,
    *,
    program: str = PROGRAM,
    threads: int = 1,
    timeout_s: float | None = None,
    largest_force_eV_A: float = LARGEST_FORCE_EV_A,
    guess: Path | None = None,
    keep_wavefunction: bool = False,
    dft_print: Section | None = None,
    cell: FloatArray | None = None,
) -> SinglePoint:
    """Compute energy and forces of a configuration; where the SCF fails, with safer settings.

    Parameters
    ----------
    system : System
        The configuration.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    folder : Path
        Where input and log are written (``try-1.inp``, ``try-1.out`` ...); made if missing. What a
        run that was killed left there is removed, so that none of it is taken for this one's.
    program : str
        CP2K binary.
    threads : int
        OpenMP threads.
    timeout_s : float or None
        Wall-clock limit of each try in seconds.
    largest_force_eV_A : float
        Largest norm of a force that is accepted, in eV/A.
    guess : Path or None
        Wavefunction of a configuration of the same atoms, which the first try begins from.
    keep_wavefunction : bool
        Whether the converged wavefunction is kept.
    dft_print : mapping or None
        What else CP2K is to write, see :func:`nucleops.engines.cp2k.inputs.single_point_input`.
    cell : ndarray or None
        Edges of the cell in angstrom, shape (3,), for another than the system's own, see
        :func:`nucleops.engines.cp2k.md_inputs.cell_of_all`.

    Returns
    -------
    SinglePoint
        The label.

    Raises
    ------
    ScfNotConverged
        If no try converged; the message says what was tried.
    TruncatedOutput, ForcesTooLarge, ProgramFailed
        If a try converged but cannot be believed, or CP2K failed.
    TimeLimit, Preempted, OutOfMemory, MissingProgram
        As :func:`nucleops.engines.runner.run`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in ("try-*.inp", "try-*.out", f"{PROJECT}-*.wfn", "cp2k.log"):
        for old in folder.glob(pattern):
            old.unlink()
    wall_s = cpu_s = 0.0
    tries = attempts(level)
    for number, attempt in enumerate(tries, start=1):
        first_guess = guess if attempt.may_reuse else None
        files = Wavefunction("guess.wfn" if first_guess else "", keep_wavefunction)
        if first_guess:
            shutil.copyfile(first_guess, folder / files.guess)
        source, output = folder / f"try-{number}.inp", folder / f"try-{number}.out"
        text = single_point_input(system, attempt.level, dft_print, files, cell)
        source.write_text(text, encoding="utf-8")
        result = run(
            [program, "-i", source.name, "-o", output.name],
            folder,
            folder / "cp2k.log",
            threads=threads,
            timeout_s=timeout_s,
        )
        wall_s, cpu_s = wall_s + result.wall_s, cpu_s + result.cpu_s
        (folder / "guess.wfn").unlink(missing_ok=True)  # as large as the one that is kept
        with contextlib.suppress(ScfNotConverged):
            if "NOT converged" not in read_log(output):  # newer versions exit with 1 then
                result.check(advice=f"see also {output}")
            frame = read_single_point(
                output,
                system,
                returncode=result.returncode,
                largest_force_eV_A=largest_force_eV_A,
                level=attempt.level,
            )
            kept = folder / WAVEFUNCTION
            return SinglePoint(
                frame,
                number,
                attempt.says,
                scf_steps(read_log(output)),
                wall_s,
                cpu_s,
                kept if kept.is_file() else None,
            )
    tried = "; then ".join(attempt.says for attempt in tries)
    raise ScfNotConverged(f"the SCF did not converge; tried: {tried}", log=folder)


def read_single_point(
    path: Path,
    system: System,
    *,
    returncode: int = 0,
    largest_force_eV_A: float = LARGEST_FORCE_EV_A,
    level: LevelOfTheory | None = None,
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
    level : Gfn1Xtb, PbeD3 or None
        Level of theory that the log has to be of; None: any.

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
    check_one_process(text, path)
    check_configuration(text, system, path)
    if level is not None:
        check_level(text, level, path)
    if text.count(SCF_START) != 1:
        raise TruncatedOutput(f"{text.count(SCF_START)} SCF runs instead of one", log=path)
    energy, forces = read_evaluation(text, system.symbols, path, largest_force_eV_A)
    return LabelledFrame(system, energy, forces, program=program_of_log(text))
