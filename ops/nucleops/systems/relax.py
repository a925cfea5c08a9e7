"""Relaxation of an isolated molecule with CP2K's GFN1-xTB, for making the motif library.

Self-contained on purpose: the library is made once, by hand, and what made it must stay readable
beside it. Studies run CP2K through ``nucleops.engines``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleops.errors import (
    MissingProgram,
    NucleoError,
    ProgramFailed,
    ScfNotConverged,
    TimeLimit,
    TruncatedOutput,
)
from nucleops.systems.system import FloatArray

HARTREE_EV = 27.211386245988
BOHR_A = 0.529177210903
PROGRAMS = ("cp2k.psmp", "cp2k.ssmp", "cp2k.popt", "cp2k")

# MOPAC guess and direct mixing at 0.2: larger mixing diverges on distorted silver thiolates.
# ScaLAPACK as everywhere (`nucleops.engines.cp2k.inputs`): ELPA is slower for matrices this small.
_INPUT = """\
&GLOBAL
  PROJECT motif
  RUN_TYPE {run_type}
  PRINT_LEVEL MEDIUM
  PREFERRED_DIAG_LIBRARY ScaLAPACK
&END GLOBAL
&FORCE_EVAL
  METHOD QS
  &DFT
    CHARGE 0
    MULTIPLICITY 1
    &QS
      METHOD xTB
      &XTB
        DO_EWALD F
        CHECK_ATOMIC_CHARGES F
        &PARAMETER
          PARAM_FILE_NAME xTB_parameters
          DISPERSION_PARAMETER_FILE dftd3.dat
        &END PARAMETER
      &END XTB
    &END QS
    &POISSON
      PERIODIC NONE
    &END POISSON
    &SCF
      SCF_GUESS MOPAC
      EPS_SCF 1.0E-7
      MAX_SCF 200
      &MIXING
        METHOD DIRECT_P_MIXING
        ALPHA 0.2
      &END MIXING
    &END SCF
  &END DFT
  &SUBSYS
    &CELL
      ABC {edge:.6f} {edge:.6f} {edge:.6f}
      PERIODIC NONE
    &END CELL
    &COORD
{coordinates}
    &END COORD
  &END SUBSYS
  &PRINT
    &FORCES ON
    &END FORCES
  &END PRINT
&END FORCE_EVAL
&MOTION
  &GEO_OPT
    OPTIMIZER BFGS
    MAX_ITER 500
    MAX_FORCE 2.0E-5
    RMS_FORCE 1.0E-5
    MAX_DR 1.0E-3
    RMS_DR 5.0E-4
  &END GEO_OPT
&END MOTION
&VIBRATIONAL_ANALYSIS
  NPROC_REP 1
  DX 0.01
&END VIBRATIONAL_ANALYSIS
"""


@dataclass(frozen=True)
class Relaxed:
    """A relaxed molecule.

    Attributes
    ----------
    positions : ndarray
        Coordinates in angstrom, shape (n_atoms, 3).
    energy_eV : float
        Total energy in eV.
    steps : int
        Optimisation steps taken.
    version : str
        CP2K's version, from its own output.
    """

    positions: FloatArray
    energy_eV: float
    steps: int
    version: str


def relax(
    symbols: Sequence[str], positions: FloatArray, folder: Path, *, timeout_s: float = 1200.0
) -> Relaxed:
    """Relax a molecule in vacuum with GFN1-xTB (BFGS, forces below 2e-5 hartree/bohr).

    Parameters
    ----------
    symbols : sequence of str
        Elements, shape (n_atoms,).
    positions : ndarray
        Start coordinates in angstrom, shape (n_atoms, 3).
    folder : Path
        Where input and output go; made if missing.
    timeout_s : float
        Wall-clock limit in seconds.

    Raises
    ------
    MissingProgram
        CP2K is not on the PATH.
    ScfNotConverged, ProgramFailed, TimeLimit, TruncatedOutput
        The run did not end as a converged optimisation.
    """
    log = _run("GEO_OPT", symbols, positions, folder, timeout_s)
    text = log.read_text()
    if "GEOMETRY OPTIMIZATION COMPLETED" not in text:
        raise ProgramFailed("the optimisation did not converge", log=log)
    trajectory = folder / "motif-pos-1.xyz"
    rows = trajectory.read_text().split("\n")[-len(symbols) - 1 : -1]
    try:
        relaxed = np.array([[float(x) for x in row.split()[1:4]] for row in rows])
    except ValueError as error:
        raise TruncatedOutput(f"{trajectory.name} ends early", log=log) from error
    # Each optimisation step opens with this line; the last one counts them.
    steps = len(re.findall(r"OPTIMIZATION STEP:", text))
    return Relaxed(relaxed, _energy(text, log), steps, _version(text))


def forces(
    symbols: Sequence[str], positions: FloatArray, folder: Path, *, timeout_s: float = 300.0
) -> tuple[float, FloatArray]:
    """Energy in eV and forces in eV/A, shape (n_atoms, 3), by one GFN1-xTB single point."""
    log = _run("ENERGY_FORCE", symbols, positions, folder, timeout_s)
    text = log.read_text()
    block = text.rpartition("ATOMIC FORCES in [a.u.]")[2].partition("SUM OF ATOMIC FORCES")[0]
    rows = [line.split()[-3:] for line in block.splitlines() if re.match(r"\s+\d+\s+\d+\s", line)]
    if len(rows) != len(symbols):
        raise TruncatedOutput(f"{len(rows)} force rows for {len(symbols)} atoms", log=log)
    values = np.array(rows, dtype=np.float64) * HARTREE_EV / BOHR_A
    return _energy(text, log), values


def frequencies(
    symbols: Sequence[str], positions: FloatArray, folder: Path, *, timeout_s: float = 1800.0
) -> FloatArray:
    """Harmonic wavenumbers in 1/cm, ascending, shape (3 n_atoms - 6,); imaginary ones negative."""
    log = _run("VIBRATIONAL_ANALYSIS", symbols, positions, folder, timeout_s)
    lines = re.findall(r"VIB\|Frequency \(cm\^-1\)(.*)", log.read_text())
    values = [float(word) for line in lines for word in line.split()]
    if len(values) != 3 * len(symbols) - 6:
        raise TruncatedOutput(f"{len(values)} frequencies for {len(symbols)} atoms", log=log)
    return np.sort(np.array(values))


def _run(
    run_type: str, symbols: Sequence[str], positions: FloatArray, folder: Path, timeout_s: float
) -> Path:
    program = next((p for p in map(shutil.which, PROGRAMS) if p), None)
    if program is None:
        raise MissingProgram(f"none of {', '.join(PROGRAMS)} is on the PATH", advice="install CP2K")
    folder.mkdir(parents=True, exist_ok=True)
    extent = float(np.ptp(positions, axis=0).max())
    edge = extent + 12.0
    centred = positions - positions.mean(axis=0) + edge / 2
    coordinates = "\n".join(
        f"      {s} {x:.10f} {y:.10f} {z:.10f}"
        for s, (x, y, z) in zip(symbols, centred, strict=True)
    )
    for old in folder.glob("motif-*"):
        old.unlink()
    log = folder / f"{run_type.lower()}.out"
    log.unlink(missing_ok=True)  # -o appends
    source = folder / f"{run_type.lower()}.inp"
    source.write_text(_INPUT.format(run_type=run_type, edge=edge, coordinates=coordinates))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [program, "-i", source.name, "-o", log.name],
            cwd=folder,
            env=environment,
            timeout=timeout_s,
            capture_output=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeLimit(f"CP2K did not end within {timeout_s:.0f} s", log=log) from error
    _judge(done.returncode, log)
    return log


def _judge(returncode: int, log: Path) -> None:
    text = log.read_text() if log.exists() else ""
    problem: NucleoError | None = None
    # An unconverged SCF is only a warning to CP2K 2023.1, which then goes on with rc 0.
    if "SCF run NOT converged" in text:
        problem = ScfNotConverged("an SCF did not converge", log=log)
    elif returncode != 0:
        problem = ProgramFailed(f"CP2K ended with status {returncode}", log=log)
    elif "PROGRAM ENDED" not in text:
        problem = TruncatedOutput("CP2K's output ends early", log=log)
    if problem is not None:
        raise problem


def _energy(text: str, log: Path) -> float:
    found = re.findall(r"ENERGY\| Total FORCE_EVAL .*?(-?\d+\.\d+)\s*$", text, flags=re.MULTILINE)
    if not found:
        raise TruncatedOutput("no total energy", log=log)
    return float(found[-1]) * HARTREE_EV


def _version(text: str) -> str:
    found = re.search(r"CP2K\| version string:\s+(.*\S)", text)
    return found.group(1) if found else "CP2K, version not printed"
