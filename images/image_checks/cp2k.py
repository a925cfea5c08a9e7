"""CP2K: its version, and a label with GFN1-xTB that is what it was when the image was written."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from nucleops.engines.cp2k.settings import Gfn1Xtb
from nucleops.engines.cp2k.single_point import PROGRAM, label
from nucleops.engines.runner import run
from nucleops.errors import ProgramFailed
from nucleops.systems.motifs import motif
from nucleops.systems.system import System

ENERGY_EV = -243.8441
"""GFN1-xTB energy of the shipped methanol, by CP2K 2023.1 with OpenBLAS."""

TOLERANCE_EV = 1e-3


def starts() -> str:
    """Return CP2K's version as it says it itself.

    Raises
    ------
    MissingProgram, ProgramFailed
        If it does not start.
    """
    log = Path("version.log")
    run([PROGRAM, "--version"], Path(), log, threads=1).check()
    return next(
        line.strip()
        for line in log.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith("CP2K version")
    )


def labels_a_molecule() -> str:
    """Compute energy and forces of one methanol.

    Raises
    ------
    ProgramFailed
        If the energy is not the known one: data files or the BLAS are not what they should be.
    NucleoError
        As :func:`nucleops.engines.cp2k.single_point.label`.
    """
    shape = motif("methanol")
    molecule = System("methanol", shape.symbols, shape.positions, np.full(3, 20.0), False)
    energy = label(molecule, Gfn1Xtb(), Path("methanol")).frame.energy_eV
    if not math.isclose(energy, ENERGY_EV, abs_tol=TOLERANCE_EV):
        raise ProgramFailed(f"methanol has {energy:.6f} eV instead of {ENERGY_EV:.6f} eV")
    return f"methanol has {energy:.6f} eV"
