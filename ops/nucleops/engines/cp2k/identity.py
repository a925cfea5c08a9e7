"""Whether a log is that of this configuration at this level of theory, and of one process."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from nucleops.engines.cp2k.inputs import placed_A
from nucleops.engines.cp2k.settings import Gfn1Xtb, LevelOfTheory
from nucleops.errors import TruncatedOutput
from nucleops.systems.system import FloatArray, System

_COORDINATES = re.compile(
    r"^ MODULE QUICKSTEP: +ATOMIC COORDINATES IN ANGSTROM\n\n.*\n(?P<rows>(?: +\d+ +\d+ .*\n)*)",
    re.M,
)
_LAST_DIGIT_A = 1.0e-6
_PROCESS = re.compile(r"PROGRAM PROCESS ID +(\d+)$", re.M)
_VERSION = re.compile(r"^ CP2K\| version string: +CP2K version (\S+)", re.M)


def program_of_log(text: str) -> str:
    """Return program and version as the log says them, ``CP2K 2023.1``; ``CP2K`` if it does not."""
    found = _VERSION.search(text)
    return f"CP2K {found[1]}" if found else "CP2K"


def check_one_process(text: str, path: Path) -> None:
    """Check that beginning and end of a log are of one process: a file may hold parts of two.

    Raises
    ------
    TruncatedOutput
        If the numbers are missing or differ.
    """
    numbers = _PROCESS.findall(text)
    if len(numbers) != 2 or numbers[0] != numbers[1]:
        raise TruncatedOutput("beginning and end of the log are of different runs", log=path)


def check_configuration(
    text: str, system: System, path: Path, moved_A: FloatArray | None = None
) -> None:
    """Check that a log prints the atoms that it should be of, to the six decimals it has.

    Parameters
    ----------
    text : str
        The log.
    system : System
        The atoms.
    path : Path
        The log's file, for the error.
    moved_A : ndarray or None
        Where they should be in CP2K's cell, shape (n_atoms, 3), in angstrom; None: where the system
        has them.

    Raises
    ------
    TruncatedOutput
        If the coordinates are missing, repeated, malformed, or those of something else.
    """
    blocks = list(_COORDINATES.finditer(text))
    rows = [line.split() for line in blocks[0]["rows"].splitlines()] if len(blocks) == 1 else []
    wanted = placed_A(system) if moved_A is None else moved_A
    try:
        symbols = tuple(row[2] for row in rows)
        found = np.array([[float(number) for number in row[4:7]] for row in rows])
    except (ValueError, IndexError):
        symbols, found = (), np.zeros(0)
    same = symbols == system.symbols and found.shape == wanted.shape
    if not (same and np.abs(found - wanted).max() <= _LAST_DIGIT_A):
        raise TruncatedOutput("the log is not of this configuration", log=path)


def check_level(text: str, level: LevelOfTheory, path: Path) -> None:
    """Check that a log is of a level of theory: labels of two must not meet in one data set.

    Raises
    ------
    TruncatedOutput
        If the log says another method, functional, damping or cut-off, or does not say it.
    """
    semi_empirical = " xTB| Parameter file" in text
    if isinstance(level, Gfn1Xtb):
        right = semi_empirical and " FUNCTIONAL|" not in text
    else:
        damping = {"D3": "Zero Damping", "D3(BJ)": "BJ Damping"}[level.dispersion]
        cutoff = re.search(r"^ QS\| Density cutoff \[a\.u\.\]: +(\d+\.\d)$", text, re.M)
        right = (
            not semi_empirical
            and " FUNCTIONAL| PBE:" in text
            and f" vdW POTENTIAL|          {damping}" in text
            and cutoff is not None
            and abs(2 * float(cutoff[1]) - level.cutoff_Ry) <= 0.1
        )
    if not right:
        raise TruncatedOutput(f"the log is not of {level.method} as it was asked for", log=path)
