"""DDEC6 charges by Chargemol, from the electron-density cube that CP2K wrote.

T. A. Manz and N. Gabaldon Limas, RSC Adv. 6, 47771 (2016). Chargemol reads ``job_control.txt`` and
``valence_density.cube`` in its working folder, puts the core electrons that the pseudopotentials
left out back in from its own table of atomic densities, and writes
``DDEC6_even_tempered_net_atomic_charges.xyz``. Version 3.5 (26 September 2017) is meant.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from nucleops.engines.chargemol.settings import Chargemol
from nucleops.engines.cp2k.dft import VALENCE
from nucleops.engines.runner import run
from nucleops.errors import MissingProgram, TruncatedOutput, WrongInput
from nucleops.systems.distances import minimum_image
from nucleops.systems.elements import ATOMIC_NUMBER
from nucleops.systems.system import FloatArray, System

JOB = "job_control.txt"
DENSITY = "valence_density.cube"
OUTPUT = "DDEC6_even_tempered_net_atomic_charges.xyz"
DENSITIES_VARIABLE = "DDEC6_ATOMIC_DENSITIES_DIR"
"""Environment variable with the folder of atomic densities; pymatgen reads the same."""
_ENDED = "Normal termination of Chargemol program"
_LONGEST_PATH = 200
"""Characters that Chargemol reads of a line."""
_LEAKED_E = 0.01
_MOVED_A = 0.01


def job_control(system: System, atomic_densities: Path) -> str:
    """Write Chargemol's input: net charge 0, DDEC6, no bond orders.

    Parameters
    ----------
    system : System
        The atoms; the density of a droplet does not repeat.
    atomic_densities : Path
        Folder of Chargemol's atomic densities.

    Raises
    ------
    WrongInput
        If the folder's path is longer than Chargemol can read.
    """
    folder = f"{atomic_densities.resolve()}/"
    if len(folder) > _LONGEST_PATH:
        raise WrongInput(
            f"{folder}: a path of {len(folder)} characters", advice=f"allowed: {_LONGEST_PATH}"
        )
    elements = sorted(set(system.symbols), key=lambda s: ATOMIC_NUMBER[s])
    core = [f"{ATOMIC_NUMBER[s]} {ATOMIC_NUMBER[s] - VALENCE[s]}" for s in elements]
    periodic = ".true." if system.periodic else ".false."
    entries = {
        "net charge": ["0.0"],
        "charge type": ["DDEC6"],
        "compute BOs": [".false."],
        "periodicity along A, B, and C vectors": [periodic] * 3,
        "number of core electrons": core,
        "atomic densities directory complete path": [folder],
    }
    blocks = ("\n".join([f"<{k}>", *lines, f"</{k}>"]) for k, lines in entries.items())
    return "\n\n".join(blocks) + "\n"


def find_program(settings: Chargemol) -> None:
    """Check that Chargemol and its atomic densities are here, before hours of CP2K.

    Raises
    ------
    MissingProgram
        If either is not.
    """
    find_densities(settings)
    if shutil.which(settings.program) is None:
        raise MissingProgram(
            f"DDEC6 charges need Chargemol: there is no program {settings.program}",
            advice="it is in no package registry (ddec.sourceforge.net); name its binary, or do "
            "without DDEC6",
        )


def find_densities(settings: Chargemol) -> Path:
    """Return the folder of atomic densities, from the settings or from the environment.

    Raises
    ------
    MissingProgram
        If neither names a folder that is there.
    """
    named = settings.atomic_densities or os.environ.get(DENSITIES_VARIABLE, "")
    if not named or not Path(named).is_dir():
        found = f"found {named!r}" if named else "nothing is set"
        raise MissingProgram(
            f"Chargemol needs the folder atomic_densities of its distribution: {found}",
            advice=f"set atomic_densities, or {DENSITIES_VARIABLE}",
        )
    return Path(named)


def compute_ddec6(
    system: System,
    cube: Path,
    folder: Path,
    settings: Chargemol,
    *,
    threads: int = 1,
    timeout_s: float | None = None,
) -> tuple[FloatArray, float, float]:
    """Run Chargemol on a density cube.

    Parameters
    ----------
    system : System
        The atoms of the cube.
    cube : Path
        Valence electron density as CP2K writes it, at every point of its grid.
    folder : Path
        Where Chargemol runs; made if missing.
    settings : Chargemol
        Program and folder of atomic densities.
    threads : int
        OpenMP threads.
    timeout_s : float or None
        Wall-clock limit in seconds.

    Returns
    -------
    charges : ndarray
        DDEC6 net charges in e, in the system's order of atoms, shape (n_atoms,).
    wall_s, cpu_s : float
        What it cost.

    Raises
    ------
    MissingProgram
        If Chargemol or its atomic densities are not installed.
    TruncatedOutput, ProgramFailed, TimeLimit, Preempted, OutOfMemory
        If it did not end well, or its output is incomplete.
    """
    densities = find_densities(settings)
    folder.mkdir(parents=True, exist_ok=True)
    for old in (folder / OUTPUT, *folder.glob("*_DDEC_analysis.output")):
        old.unlink(missing_ok=True)
    (folder / JOB).write_text(job_control(system, densities), encoding="ascii")
    density = folder / DENSITY
    density.unlink(missing_ok=True)
    density.symlink_to(cube.resolve())
    log = folder / "chargemol.log"
    result = run([settings.program], folder, log, threads=threads, timeout_s=timeout_s).check()
    return read_ddec6(folder, system), result.wall_s, result.cpu_s


def read_ddec6(folder: Path, system: System) -> FloatArray:
    """Read the DDEC6 charges of a folder in which Chargemol ran.

    Returns
    -------
    ndarray
        Net charges in e, shape (n_atoms,).

    Raises
    ------
    TruncatedOutput
        If Chargemol stopped early (it ends with exit code 0 then), or the charges are missing,
        malformed, of other atoms, or do not add up to zero.
    """
    said = sorted(folder.glob("*_DDEC_analysis.output"))
    path = folder / OUTPUT
    last = said[-1].read_text(encoding="utf-8", errors="replace") if said else ""
    if _ENDED not in last:
        lines = [line.strip() for line in last.splitlines() if line.strip()]
        words = f"; its last line: {lines[-1]}" if lines else ""
        raise TruncatedOutput(f"Chargemol stopped early{words}", log=said[-1] if said else folder)
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        count = int(rows[0][0])
        atoms = rows[2 : 2 + count]
        symbols = tuple(row[0] for row in atoms)
        values = np.array([[float(x) for x in row[1:]] for row in atoms])
    except (OSError, ValueError, IndexError) as error:
        raise TruncatedOutput(f"Chargemol's charges cannot be read: {error}", log=path) from error
    if symbols != system.symbols or values.shape != (system.n_atoms, 4):
        raise TruncatedOutput(
            f"charges of {len(atoms)} atoms ({' '.join(symbols[:6])} ...) for the system's "
            f"{system.n_atoms} ({' '.join(system.symbols[:6])} ...)",
            log=path,
        )
    _check(values, system, path)
    return np.array(values[:, 3])


def _check(values: FloatArray, system: System, path: Path) -> None:
    """Check that the atoms keep their distances from the first, and that the system is neutral."""
    # CP2K centres a droplet in its cell and Chargemol wraps atoms into it
    moved = values[:, :3] - system.positions
    moved = minimum_image(moved - moved[0], system.cell, system.periodic)
    if np.abs(moved).max() > _MOVED_A:
        raise TruncatedOutput("Chargemol's coordinates are not those of the system", log=path)
    total = float(values[:, 3].sum())
    if not abs(total) < _LEAKED_E:
        raise TruncatedOutput(f"DDEC6 charges add up to {total:.4f} e instead of 0", log=path)
