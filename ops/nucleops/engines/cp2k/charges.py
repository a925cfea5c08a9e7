"""Atomic charges from CP2K: Mulliken at both levels, Hirshfeld and the density cube with PBE-D3.

CP2K weighs Hirshfeld's atoms with Gaussians unless told otherwise, which is not Hirshfeld's scheme
(the carbon of methanol comes out at -1.06 e); ``SHAPE_FUNCTION DENSITY`` takes the free atoms'
densities, as F. L. Hirshfeld, Theor. Chim. Acta 44, 129 (1977) did (-0.06 e).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleops.engines.cp2k.dft import VALENCE
from nucleops.engines.cp2k.inputs import PROJECT
from nucleops.engines.cp2k.log import LARGEST_FORCE_EV_A, read_log
from nucleops.engines.cp2k.sections import PARAMETER, Section
from nucleops.engines.cp2k.settings import LevelOfTheory, PbeD3
from nucleops.engines.cp2k.single_point import PROGRAM, label
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.systems.system import FloatArray, System

CUBE = f"{PROJECT}-ELECTRON_DENSITY-1_0.cube"
"""CP2K's name for the cube of the valence electron density."""
_LEAKED_E_PER_ATOM = 0.002
"""Hirshfeld charges come from a grid: an integral may miss so much of a charge for each atom."""

_NUMBER = r"(-?\d+\.\d+)"
_MULLIKEN = re.compile(
    r"^ +MULLIKEN POPULATION ANALYSIS\n\n +# +Atom +Element +Kind +Atomic population +Net charge\n"
    rf"(?P<rows>(?: +\d+ .*\n)*) # Total charge +{_NUMBER} +{_NUMBER}\n",
    re.M | re.I,
)
_HIRSHFELD = re.compile(
    r"^ +Hirshfeld Charges\n\n +#Atom +Element +Kind +Ref Charge +Population +Net charge\n"
    rf"(?P<rows>(?: +\d+ .*\n)*)\n +Total Charge +{_NUMBER}\n",
    re.M,
)
_ROW = {
    "Mulliken": re.compile(rf"^ +(\d+) +([A-Z][a-z]?) +\d+ +{_NUMBER} +{_NUMBER}$"),
    "Hirshfeld": re.compile(rf"^ +(\d+) +([A-Z][a-z]?) +\d+ +{_NUMBER} +{_NUMBER} +{_NUMBER}$"),
}
_NO_E = re.compile(r"(\d)([+-]\d{3})\b")
_LAST_DIGIT_E = {"Mulliken": 1.0e-6, "Hirshfeld": 1.0e-3}


@dataclass(frozen=True)
class AtomicCharges:
    """Charges of the atoms of one configuration, and what they cost.

    Attributes
    ----------
    charges : dict of str to ndarray
        ``mulliken``, ``hirshfeld``, ``ddec6`` where computed -> net charges in e, in the system's
        order of atoms, shape (n_atoms,).
    energy_eV : float
        Potential energy in eV.
    wall_s, cpu_s : float
        Seconds of all programs.
    cube : Path or None
        File of the valence electron density, where asked for.
    """

    charges: dict[str, FloatArray]
    energy_eV: float
    wall_s: float
    cpu_s: float
    cube: Path | None = None


def schemes(level: LevelOfTheory) -> tuple[str, ...]:
    """Names of the population analyses that CP2K has at a level; Hirshfeld needs a density."""
    return ("mulliken", "hirshfeld") if isinstance(level, PbeD3) else ("mulliken",)


def charge_print(level: LevelOfTheory, *, cube: bool = False) -> Section:
    """Return the section ``DFT/PRINT`` that has CP2K write charges, and the density if wanted.

    Parameters
    ----------
    level : Gfn1Xtb or PbeD3
        Level of theory.
    cube : bool
        Write the valence electron density at every point of CP2K's grid.

    Raises
    ------
    WrongInput
        If a cube is asked of GFN1-xTB: its grid is too coarse to integrate (47 of the dimer's 56
        electrons are on it).
    """
    if cube and not isinstance(level, PbeD3):
        raise WrongInput(
            f"level {level.method} has no electron density that can be integrated",
            advice="allowed for density cubes and DDEC6: pbe-d3",
        )
    printed: dict[str, Section] = {"MULLIKEN": {PARAMETER: "ON"}}
    if isinstance(level, PbeD3):
        printed["HIRSHFELD"] = {PARAMETER: "ON", "SHAPE_FUNCTION": "DENSITY"}
    else:
        printed["HIRSHFELD"] = {PARAMETER: "OFF"}
    if cube:
        printed["E_DENSITY_CUBE"] = {PARAMETER: "ON", "STRIDE": "1 1 1"}
    return printed


def compute_charges(
    system: System,
    level: LevelOfTheory,
    folder: Path,
    *,
    cube: bool = False,
    program: str = PROGRAM,
    threads: int = 1,
    timeout_s: float | None = None,
    largest_force_eV_A: float = LARGEST_FORCE_EV_A,
) -> AtomicCharges:
    """Compute the atomic charges of a configuration, judged as any label is.

    Parameters
    ----------
    system : System
        The configuration.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    folder : Path
        Where CP2K runs, made if missing.
    cube : bool
        Keep the valence electron density as :data:`CUBE` in `folder`.
    program, threads, timeout_s, largest_force_eV_A
        See :func:`nucleops.engines.cp2k.single_point.label`.

    Returns
    -------
    AtomicCharges

    Raises
    ------
    ScfNotConverged, TruncatedOutput, ForcesTooLarge, ProgramFailed, TimeLimit, Preempted, ...
        As :func:`nucleops.engines.cp2k.single_point.label`; `TruncatedOutput` also where the
        charges are missing or damaged.
    """
    printed = charge_print(level, cube=cube)
    for old in folder.glob(f"{CUBE}*"):
        old.unlink()  # CP2K renames it to .bak, and it is large
    point = label(
        system,
        level,
        folder,
        program=program,
        threads=threads,
        timeout_s=timeout_s,
        largest_force_eV_A=largest_force_eV_A,
        dft_print=printed,
    )
    charges = read_charges(folder / f"try-{point.tries}.out", system.symbols, schemes(level))
    written = folder / CUBE if cube else None
    if written is not None:
        check_cube(written, system)
    return AtomicCharges(charges, point.frame.energy_eV, point.wall_s, point.cpu_s, written)


def read_charges(
    path: Path, symbols: Sequence[str], wanted: Sequence[str] = ("mulliken",)
) -> dict[str, FloatArray]:
    """Read the charges of a single point's log.

    Parameters
    ----------
    path : Path
        CP2K's output file.
    symbols : sequence of str
        Elements of the atoms, in order; the log has to have the same. (GFN1-xTB lists the atoms
        element by element; they are put back into order.)
    wanted : sequence of str
        ``mulliken``, ``hirshfeld``.

    Returns
    -------
    dict of str to ndarray
        Net charges in e, shape (n_atoms,).

    Raises
    ------
    TruncatedOutput
        If the file cannot be read, or charges are missing, repeated, malformed, of other atoms, or
        do not add up.
    """
    text = read_log(path)
    readers = {"mulliken": (_MULLIKEN, "Mulliken"), "hirshfeld": (_HIRSHFELD, "Hirshfeld")}
    return {name: _read_table(text, symbols, path, *readers[name]) for name in wanted}


def _read_table(
    text: str, symbols: Sequence[str], path: Path, table: re.Pattern[str], name: str
) -> FloatArray:
    found = list(table.finditer(text))
    if len(found) != 1:
        raise TruncatedOutput(f"{len(found)} whole tables of {name} charges instead of 1", log=path)
    lines = found[0]["rows"].splitlines()
    charges = np.full(len(symbols), np.nan)
    for line in lines:
        row = _ROW[name].match(line)
        place = int(row[1]) - 1 if row else -1
        if row is None or not 0 <= place < len(symbols) or row[2] != symbols[place]:
            raise TruncatedOutput(f"{name} charges: row {line.strip()!r} is damaged", log=path)
        population, charge = map(float, row.groups()[-2:])
        away = abs(VALENCE[symbols[place]] - population - charge)
        if not np.isnan(charges[place]) or away > 2 * _LAST_DIGIT_E[name]:
            raise TruncatedOutput(f"{name} charges: row {line.strip()!r} is damaged", log=path)
        charges[place] = charge
    if np.isnan(charges).any():
        raise TruncatedOutput(f"{len(lines)} {name} charges for {len(symbols)} atoms", log=path)
    _check_sum(charges, float(found[0].groups()[-1]), name, path)
    return charges


def _check_sum(charges: FloatArray, total: float, name: str, path: Path) -> None:
    """Check that charges add up to the total printed, and that to a neutral system."""
    rounding = (len(charges) + 1) * _LAST_DIGIT_E[name]
    leaked = _LEAKED_E_PER_ATOM * len(charges) if name == "Hirshfeld" else 0.0
    if abs(charges.sum() - total) > rounding or abs(total) > rounding + leaked:
        raise TruncatedOutput(
            f"{name} charges add up to {charges.sum():.4f} e, the log says {total:.4f} e, the "
            "system is neutral",
            log=path,
        )


def check_cube(path: Path, system: System) -> None:
    """Check that a density cube is whole, of these atoms, and holds their valence electrons.

    Raises
    ------
    TruncatedOutput
        If it is not; a hundredth of the electrons may be missing.
    """
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            head = [next(file, "") for _ in range(6)]
            numbers = [list(map(float, line.split())) for line in head[2:]]
            (n_atoms, *_), axes = numbers[0], np.array(numbers[1:])
            atoms = [next(file, "").split()[:2] for _ in range(int(n_atoms))]
            valence = [float(words[1]) for words in atoms]
            count, total = 0, 0.0
            for line in file:
                # Fortran leaves the E out where the exponent has three digits
                values = np.array(_NO_E.sub(r"\1E\2", line).split(), dtype=np.float64)
                count, total = count + len(values), total + float(values.sum())
    except (OSError, ValueError, IndexError) as error:
        raise TruncatedOutput(f"the density cube cannot be read: {error}", log=path) from error
    expected = [float(VALENCE[s]) for s in system.symbols]
    electrons = total * abs(float(np.linalg.det(axes[:, 1:])))
    whole = count == int(np.prod(axes[:, 0])) and len(valence) == len(expected)
    if not whole or abs(electrons - sum(expected)) > 0.01 * sum(expected):
        raise TruncatedOutput(
            f"the density cube holds {electrons:.2f} electrons at {count} points of "
            f"{len(valence)} atoms; {sum(expected):g} of {len(expected)} belong there",
            log=path,
        )
