"""Reading CP2K's log, sceptically.

CP2K ends with exit code 0 and a complete log when the SCF did not converge, when its wall-clock
limit passed and when it was told to stop, so a number is taken from a log only after everything
that belongs around it has been found, once. Numbers that CP2K prints twice have to agree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nucleops.engines.cp2k.frames import ForcesTooLarge
from nucleops.engines.cp2k.units import FORCE_EV_A, HARTREE_EV
from nucleops.errors import ProgramFailed, ScfNotConverged, TruncatedOutput
from nucleops.systems.system import FloatArray

LARGEST_FORCE_EV_A = 100.0
"""Forces beyond this are never believed, whatever the study allows."""
SCF_START = "SCF WAVEFUNCTION OPTIMIZATION"

_NUMBER = r"(-?\d+\.\d+)"
# as many digits as CP2K prints and our input asks for: a number that lost some is damaged
_FINAL = r"(-?\d+\.\d{15})"
_FORCE = r"(-?\d+\.\d{12})"
_ENERGY = re.compile(rf"^ ENERGY\| Total FORCE_EVAL \( QS \) energy \[a\.u\.\]: +{_FINAL}$", re.M)
_SCF_ENERGY = re.compile(rf"^  Total energy: +{_NUMBER}$", re.M)
_CONVERGED = re.compile(r"SCF run converged in")
_NOT_CONVERGED = re.compile(r"NOT converged|outer SCF loop FAILED|FAILED to converge")
_CUT_SHORT = re.compile(r"exceeded requested execution time|EXTERNAL.*EXIT|EXIT.*external", re.I)
_FORCES = re.compile(
    r"^ ATOMIC FORCES in \[a\.u\.\]\n\n # Atom   Kind   Element +X +Y +Z\n"
    r"(?P<rows>(?: +\d+ +\d+ .*\n)*) SUM OF ATOMIC FORCES +(?P<sum>.*)\n",
    re.M,
)
_ROW = re.compile(rf"^ +(\d+) +\d+ +([A-Z][a-z]?) +{_FORCE} +{_FORCE} +{_FORCE}$")
_SUM = re.compile(rf"{_FORCE} +{_FORCE} +{_FORCE} +{_FORCE}$")
# The SCF's last energy and the final one differ by what the density still had to converge.
_ENERGY_TOLERANCE_HARTREE = 1.0e-6
_LAST_DIGIT_HARTREE_BOHR = 1.0e-12


def read_log(path: Path) -> str:
    """Return a log's text; bytes that are no text are replaced.

    Raises
    ------
    TruncatedOutput
        If there is no such file, or it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise TruncatedOutput(f"CP2K left no readable log: {error}", log=path) from error


def check_frame_of_log(text: str, path: Path) -> None:
    """Check that a log is that of one run, from its first line to its last.

    Raises
    ------
    ScfNotConverged
        If CP2K says so (newer versions stop there, with an incomplete log).
    TruncatedOutput
        If the run did not end by itself, the end is missing, or there is more than one run in it.
    """
    if _NOT_CONVERGED.search(text):
        raise ScfNotConverged("the SCF did not converge", log=path)
    if _CUT_SHORT.search(text):
        raise TruncatedOutput("CP2K was told to stop before it was done", log=path)
    counts = [text.count("PROGRAM STARTED AT"), text.count("PROGRAM ENDED AT")]
    if counts != [1, 1]:
        raise TruncatedOutput(
            f"the log has {counts[0]} beginnings and {counts[1]} ends instead of one each", log=path
        )
    # The last thing in a log is the folder, over several lines if it is long; the first lines say
    # it too, and end with an empty line.
    began, ended = _folder(text, "PROGRAM STARTED IN"), _folder(text, "PROGRAM STOPPED IN")
    if not text.endswith("\n") or not ended or began != ended:
        raise TruncatedOutput("the log is cut off in its last lines", log=path)


def read_evaluation(
    text: str, symbols: Sequence[str], path: Path, largest_force_eV_A: float = LARGEST_FORCE_EV_A
) -> tuple[float, FloatArray]:
    """Read energy and forces from the part of a log that belongs to one configuration.

    Parameters
    ----------
    text : str
        That part, from its SCF to its forces.
    symbols : sequence of str
        Elements of the atoms, in order; the log has to have the same.
    path : Path
        The log, for messages.
    largest_force_eV_A : float
        Largest believable norm of the force on an atom, in eV/A.

    Returns
    -------
    energy_eV : float
        Potential energy in eV.
    forces_eV_A : ndarray
        Forces in eV/A, shape (n_atoms, 3).

    Raises
    ------
    ScfNotConverged
        If the SCF did not converge.
    TruncatedOutput
        If anything is missing, repeated, malformed or not finite.
    ForcesTooLarge
        If a force is larger than ``largest_force_eV_A``.
    """
    if _NOT_CONVERGED.search(text):
        raise ScfNotConverged("the SCF did not converge", log=path)
    converged = len(_CONVERGED.findall(text))
    if converged != 1 or text.count(SCF_START) != 1:
        raise TruncatedOutput(f"{converged} converged SCF runs instead of one", log=path)
    energy = _energy(text, path)
    forces = _forces(text, symbols, path) * FORCE_EV_A
    largest = float(np.sqrt((forces**2).sum(axis=1)).max())
    if largest > largest_force_eV_A:
        raise ForcesTooLarge(
            f"a force of {largest:.1f} eV/A (allowed: {largest_force_eV_A:g} eV/A)", log=path
        )
    return energy * HARTREE_EV, forces


def scf_steps(text: str) -> int:
    """Return the number of SCF steps that a log says, those of all of OT's inner loops."""
    outer = re.findall(r"outer SCF loop converged in +\d+ iterations or +(\d+) steps", text)
    inner = re.findall(r"SCF run converged in +(\d+) steps", text)
    return sum(map(int, outer or inner))


def check_exit(returncode: int, path: Path) -> None:
    """Raise ``ProgramFailed`` unless CP2K's exit code is 0."""
    if returncode != 0:
        raise ProgramFailed(f"CP2K ended with exit code {returncode}", log=path)


def _folder(text: str, heading: str) -> str:
    words, _, _ = text.rpartition(heading)[2].partition("\n\n")
    return "".join(words.split()) if heading in text else ""


def _energy(text: str, path: Path) -> float:
    final, scf = _ENERGY.findall(text), _SCF_ENERGY.findall(text)
    # Lines that begin like an energy but do not read as one are damage, not something else. OT
    # prints a total energy after each of its inner loops; the last one is that of the end.
    damaged = len(final) != text.count("ENERGY|") or len(scf) != text.count("Total energy:")
    if damaged or len(final) != 1 or not scf:
        raise TruncatedOutput("the energy is missing, repeated or malformed", log=path)
    energy = float(final[0])
    if abs(energy - float(scf[-1])) > _ENERGY_TOLERANCE_HARTREE:
        raise TruncatedOutput(f"two energies, {final[0]} and {scf[-1]} hartree", log=path)
    return energy


def _forces(text: str, symbols: Sequence[str], path: Path) -> FloatArray:
    """Return the forces in hartree/bohr, shape (n_atoms, 3)."""
    blocks = list(_FORCES.finditer(text))
    if len(blocks) != 1 or text.count("ATOMIC FORCES") != 2:  # heading and sum
        raise TruncatedOutput("the forces are missing, repeated or malformed", log=path)
    rows = [_ROW.match(line) for line in blocks[0]["rows"].splitlines()]
    if len(rows) != len(symbols):
        raise TruncatedOutput(f"{len(rows)} forces for {len(symbols)} atoms", log=path)
    forces = np.empty((len(symbols), 3))
    for index, (row, symbol) in enumerate(zip(rows, symbols, strict=True)):
        if row is None or (int(row[1]), row[2]) != (index + 1, symbol):
            raise TruncatedOutput(f"the force on atom {index + 1} ({symbol}) is damaged", log=path)
        forces[index] = [float(number) for number in row.groups()[2:]]
    total = _SUM.match(blocks[0]["sum"])
    if total is None:
        raise TruncatedOutput("the sum of the forces is damaged", log=path)
    error = np.abs(forces.sum(axis=0) - [float(number) for number in total.groups()[:3]]).max()
    if error > (len(symbols) + 1) * _LAST_DIGIT_HARTREE_BOHR:
        raise TruncatedOutput("the forces do not add up to their sum", log=path)
    return forces
