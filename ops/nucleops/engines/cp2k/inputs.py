"""CP2K inputs at both levels of theory, from typed settings, through one code path.

Charge 0, multiplicity 1, restricted: every system of the study is a closed shell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nucleops.engines.cp2k.dft import VALENCE, dft_section, kind_section
from nucleops.engines.cp2k.sections import LINES, PARAMETER, Section, write_sections
from nucleops.engines.cp2k.settings import LevelOfTheory, PbeD3
from nucleops.errors import WrongInput
from nucleops.systems.system import FloatArray, System

DROPLET_MARGIN_A = 6.0
"""Least space in angstrom between a droplet's atoms and the faces of its cell."""
_FORCE_DIGITS = 12
PROJECT = "label"
"""CP2K's project name; the names of its output files begin with it."""
WAVEFUNCTION = f"{PROJECT}-RESTART.wfn"
"""File that CP2K writes a converged wavefunction to."""
RESTART = f"{PROJECT}-1.restart"
"""File that AIMD goes on from: positions, velocities, and the thermostat's random numbers."""


@dataclass(frozen=True)
class Wavefunction:
    """What a single point does with files of wavefunctions.

    Attributes
    ----------
    guess : str
        File in the folder it runs in to begin the SCF from; empty: a guess from atoms.
    keep : bool
        Whether the converged one is written.
    """

    guess: str = ""
    keep: bool = False


_NO_FILES = Wavefunction()


def single_point_input(
    system: System,
    level: LevelOfTheory,
    dft_print: Section | None = None,
    wavefunction: Wavefunction = _NO_FILES,
    cell: FloatArray | None = None,
) -> str:
    """Write the input of an energy and force calculation.

    Parameters
    ----------
    system : System
        Atoms; droplets are computed without periodic images.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    dft_print : mapping or None
        Section ``DFT/PRINT``: what else CP2K is to write, such as charges.
    wavefunction : Wavefunction
        Which files of wavefunctions are read and written.
    cell : ndarray or None
        Edges of the cell in angstrom, shape (3,); None: those of :func:`cell_and_shift`.

    Returns
    -------
    str
        CP2K input text.

    Raises
    ------
    WrongInput
        If an element has no pseudopotential or basis here.
    """
    evaluation = force_eval(system, level, dynamics=False, cell=cell)
    dft = evaluation["DFT"]
    if dft_print is not None:
        dft["PRINT"] = dft_print
    if wavefunction.guess:
        dft["WFN_RESTART_FILE_NAME"] = wavefunction.guess
        dft["SCF"]["SCF_GUESS"] = "RESTART"
    if wavefunction.keep:
        dft["SCF"]["PRINT"]["RESTART"] = {PARAMETER: "ON", "BACKUP_COPIES": 0}
    return write_sections({"GLOBAL": global_section("ENERGY_FORCE"), "FORCE_EVAL": evaluation})


def cell_and_shift(system: System) -> tuple[FloatArray, FloatArray]:
    """Return the cell that CP2K is given, and by how much the atoms are moved in it.

    A droplet is put into the middle of the smallest cube that leaves 6 A around it: without
    periodic images neither matters to the physics, the density has only to vanish at the faces, and
    plane waves cost by volume.

    Returns
    -------
    cell : ndarray
        Edges in angstrom, shape (3,).
    shift : ndarray
        Vector in angstrom added to every position, shape (3,); zero for a periodic system.
    """
    if system.periodic:
        return np.asarray(system.cell, dtype=np.float64), np.zeros(3)
    low, high = system.positions.min(axis=0), system.positions.max(axis=0)
    edge = float(np.max(high - low)) + 2 * DROPLET_MARGIN_A
    return np.full(3, edge), edge / 2 - (low + high) / 2


def placed_A(system: System) -> FloatArray:
    """Return where CP2K is given the atoms, in angstrom, shape (n_atoms, 3)."""
    return np.asarray(system.positions + cell_and_shift(system)[1])


def coordinate_lines(system: System) -> str:
    """Return a line for each atom: its element and where CP2K is given it."""
    return "\n".join(
        f"{symbol:2s} {x:18.10f} {y:18.10f} {z:18.10f}"
        for symbol, (x, y, z) in zip(system.symbols, placed_A(system), strict=True)
    )


def global_section(run_type: str) -> dict[str, Any]:
    """Return section GLOBAL of a run of a type that CP2K knows, such as ``MD``."""
    return {
        "PROJECT": PROJECT,
        "RUN_TYPE": run_type,
        "PRINT_LEVEL": "MEDIUM",
        # ELPA, the default where CP2K has it, is the slower one for matrices of molecules, and in
        # some builds it ends with an error or, on many processes, with wrong numbers.
        "PREFERRED_DIAG_LIBRARY": "ScaLAPACK",
    }


def force_eval(
    system: System, level: LevelOfTheory, *, dynamics: bool, cell: FloatArray | None = None
) -> dict[str, Any]:
    """Return section FORCE_EVAL: the level of theory, the cell and the atoms.

    Parameters
    ----------
    system : System
        The atoms.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    dynamics : bool
        Whether wavefunctions are extrapolated from step to step.
    cell : ndarray or None
        Edges of the cell in angstrom, shape (3,); None: those of :func:`cell_and_shift`.

    Raises
    ------
    WrongInput
        If an element has no pseudopotential or basis here.
    """
    unknown = sorted(set(system.symbols) - set(VALENCE))
    if unknown:
        raise WrongInput(
            f"system {system.name}: no CP2K settings for element {', '.join(unknown)}",
            advice=f"allowed: {', '.join(VALENCE)}",
        )
    periodic = "XYZ" if system.periodic else "NONE"
    edges = cell_and_shift(system)[0] if cell is None else cell
    subsys: dict[str, Any] = {
        "CELL": {
            "ABC": [float(edge) for edge in edges],
            "PERIODIC": periodic,
        },
        "COORD": {LINES: coordinate_lines(system)},
    }
    if isinstance(level, PbeD3):
        subsys["KIND"] = [kind_section(symbol, level) for symbol in dict.fromkeys(system.symbols)]
    dft = dft_section(level, periodic, dynamics=dynamics)
    off = {PARAMETER: "OFF"}
    dft["SCF"]["PRINT"] = {"RESTART": off, "RESTART_HISTORY": off}
    return {
        "METHOD": "QS",
        "DFT": {"CHARGE": 0, "MULTIPLICITY": 1, "UKS": False, **dft},
        "SUBSYS": subsys,
        "PRINT": {"FORCES": {PARAMETER: "ON", "NDIGITS": _FORCE_DIGITS}},
    }
