"""CP2K inputs at both levels of theory, from typed settings, through one code path.

Charge 0, multiplicity 1, restricted: every system of the study is a closed shell.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleops.engines.cp2k.sections import LINES, PARAMETER, Section, write_sections
from nucleops.engines.cp2k.settings import AimdRun, Gfn1Xtb, LevelOfTheory, PbeD3
from nucleops.errors import WrongInput
from nucleops.systems.system import METALS, FloatArray, System

VALENCE = {
    "Ag": 11, "Au": 11, "Cu": 11, "S": 6, "N": 5, "C": 4, "H": 1, "O": 6, "B": 3, "F": 7, "Si": 4,
    "P": 5, "Cl": 7, "Ge": 4, "As": 5, "Se": 6, "Br": 7, "Te": 6, "I": 7,
}  # fmt: skip
"""Valence electrons of each element's GTH pseudopotential."""
SHORT_TZVP = ("B", "Ge", "As", "Se", "Te", "I", *METALS)
"""Elements whose triple-zeta basis exists in the short-range form only (BASIS_MOLOPT_UCL)."""
DROPLET_MARGIN_A = 6.0
"""Least space in angstrom between a droplet's atoms and the faces of its cell."""
_OT_INNER_STEPS = 20
_FORCE_DIGITS = 12
PROJECT = "label"
"""CP2K's project name; the names of its output files begin with it."""


def single_point_input(
    system: System, level: LevelOfTheory, dft_print: Section | None = None
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

    Returns
    -------
    str
        CP2K input text.

    Raises
    ------
    WrongInput
        If an element has no pseudopotential or basis here.
    """
    force_eval = _force_eval(system, level, dynamics=False)
    if dft_print is not None:
        force_eval["DFT"]["PRINT"] = dft_print
    return write_sections({"GLOBAL": _global("ENERGY_FORCE"), "FORCE_EVAL": force_eval})


def aimd_input(
    system: System, level: LevelOfTheory, run: AimdRun, temperature_K: float, seed: int
) -> str:
    """Write the input of Born-Oppenheimer molecular dynamics, NVT with the CSVR thermostat.

    Parameters
    ----------
    system : System
        Where the dynamics starts.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    run : AimdRun
        Steps, time step and thermostat.
    temperature_K : float
        Temperature in kelvin of the thermostat and of the first velocities.
    seed : int
        Seed, at least 1, of the first velocities and of the thermostat.

    Returns
    -------
    str
        CP2K input text; every step writes positions, forces and energies.

    Raises
    ------
    WrongInput
        If an element has no pseudopotential or basis here.
    """
    every_step = {"EACH": {"MD": 1}}
    motion: Section = {
        "MD": {
            "ENSEMBLE": "NVT",
            "STEPS": run.steps,
            "TIMESTEP": run.time_step_fs,
            "TEMPERATURE": temperature_K,
            "THERMOSTAT": {"TYPE": "CSVR", "CSVR": {"TIMECON": run.thermostat_time_fs}},
        },
        "PRINT": {
            "TRAJECTORY": {PARAMETER: "ON", "FORMAT": "XYZ", **every_step},
            "FORCES": {PARAMETER: "ON", "FORMAT": "XYZ", **every_step},
            "VELOCITIES": {PARAMETER: "OFF"},
            "RESTART": {PARAMETER: "OFF"},
            "RESTART_HISTORY": {PARAMETER: "OFF"},
        },
    }
    return write_sections(
        {
            "GLOBAL": {**_global("MD"), "SEED": seed},
            "FORCE_EVAL": _force_eval(system, level, dynamics=True),
            "MOTION": motion,
        }
    )


def safer_level(level: LevelOfTheory) -> LevelOfTheory:
    """Return the settings for the one retry of an SCF that did not converge.

    GFN1-xTB: the smaller mixing. PBE-D3: diagonalisation with Broyden mixing, at the smaller
    fraction if that was what failed. Twice the steps in either case. The level of theory itself
    (functional, basis, cut-offs, threshold) stays, so that the label stays comparable.
    """
    steps = 2 * level.max_scf
    if isinstance(level, Gfn1Xtb):
        return level.model_copy(update={"mixing_alpha": level.retry_mixing_alpha, "max_scf": steps})
    alpha = level.mixing_alpha if level.scf == "OT" else level.retry_mixing_alpha
    return level.model_copy(
        update={"scf": "diagonalisation", "mixing_alpha": alpha, "max_scf": steps}
    )


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


def _global(run_type: str) -> dict[str, Any]:
    return {"PROJECT": PROJECT, "RUN_TYPE": run_type, "PRINT_LEVEL": "MEDIUM"}


def _force_eval(system: System, level: LevelOfTheory, *, dynamics: bool) -> dict[str, Any]:
    unknown = sorted(set(system.symbols) - set(VALENCE))
    if unknown:
        raise WrongInput(
            f"system {system.name}: no CP2K settings for element {', '.join(unknown)}",
            advice=f"allowed: {', '.join(VALENCE)}",
        )
    periodic = "XYZ" if system.periodic else "NONE"
    cell, shift = cell_and_shift(system)
    coordinates = "\n".join(
        f"{symbol:2s} {x:18.10f} {y:18.10f} {z:18.10f}"
        for symbol, (x, y, z) in zip(system.symbols, system.positions + shift, strict=True)
    )
    subsys: dict[str, Any] = {
        "CELL": {"ABC": [float(edge) for edge in cell], "PERIODIC": periodic},
        "COORD": {LINES: coordinates},
    }
    if isinstance(level, PbeD3):
        dft = _pbe_d3(level, periodic, dynamics=dynamics)
        subsys["KIND"] = [_kind(symbol, level) for symbol in dict.fromkeys(system.symbols)]
    else:
        dft = _gfn1_xtb(level, periodic)
    return {
        "METHOD": "QS",
        "DFT": {"CHARGE": 0, "MULTIPLICITY": 1, "UKS": False, **dft},
        "SUBSYS": subsys,
        "PRINT": {"FORCES": {PARAMETER: "ON", "NDIGITS": _FORCE_DIGITS}},
    }


def _gfn1_xtb(level: Gfn1Xtb, periodic: str) -> dict[str, Any]:
    return {
        "QS": {
            "METHOD": "xTB",
            "XTB": {
                "DO_EWALD": periodic == "XYZ",
                "CHECK_ATOMIC_CHARGES": False,
                "USE_HALOGEN_CORRECTION": True,
                "PARAMETER": {
                    "PARAM_FILE_NAME": "xTB_parameters",
                    "DISPERSION_PARAMETER_FILE": "dftd3.dat",
                },
            },
        },
        "POISSON": {"PERIODIC": periodic},
        "SCF": {
            "SCF_GUESS": "MOPAC",
            **_diagonalisation(level, "DIRECT_P_MIXING"),
            **_NO_WAVEFUNCTION_FILES,
        },
    }


def _pbe_d3(level: PbeD3, periodic: str, *, dynamics: bool) -> dict[str, Any]:
    qs: dict[str, Any] = {"METHOD": "GPW", "EPS_DEFAULT": 1.0e-12}
    if dynamics:
        qs |= {"EXTRAPOLATION": "ASPC", "EXTRAPOLATION_ORDER": 3}
    scf = (
        _orbital_transformation(level)
        if level.scf == "OT"
        else _diagonalisation(level, "BROYDEN_MIXING")
    )
    # Without images the plane waves need a solver that decouples them; wavelets want a cube.
    solver = "PERIODIC" if periodic == "XYZ" else "WAVELET"
    dispersion = {
        "TYPE": {"D3": "DFTD3", "D3(BJ)": "DFTD3(BJ)"}[level.dispersion],
        "PARAMETER_FILE_NAME": "dftd3.dat",
        "REFERENCE_FUNCTIONAL": "PBE",
        "R_CUTOFF": 15.0,
    }
    return {
        "BASIS_SET_FILE_NAME": ["BASIS_MOLOPT", "BASIS_MOLOPT_UCL"],
        "POTENTIAL_FILE_NAME": "GTH_POTENTIALS",
        "QS": qs,
        "MGRID": {"CUTOFF": level.cutoff_Ry, "REL_CUTOFF": level.rel_cutoff_Ry, "NGRIDS": 5},
        "POISSON": {"PERIODIC": periodic, "POISSON_SOLVER": solver},
        "SCF": {"SCF_GUESS": "ATOMIC", **scf, **_NO_WAVEFUNCTION_FILES},
        "XC": {
            "XC_FUNCTIONAL": {PARAMETER: "PBE"},
            "VDW_POTENTIAL": {"POTENTIAL_TYPE": "PAIR_POTENTIAL", "PAIR_POTENTIAL": dispersion},
        },
    }


_NO_WAVEFUNCTION_FILES = {
    "PRINT": {"RESTART": {PARAMETER: "OFF"}, "RESTART_HISTORY": {PARAMETER: "OFF"}}
}


def _diagonalisation(level: LevelOfTheory, mixing: str) -> dict[str, Any]:
    return {
        "EPS_SCF": level.eps_scf,
        "MAX_SCF": level.max_scf,
        "DIAGONALIZATION": {"ALGORITHM": "STANDARD"},
        "MIXING": {"METHOD": mixing, "ALPHA": level.mixing_alpha, "NBROYDEN": 8},
    }


def _orbital_transformation(level: PbeD3) -> dict[str, Any]:
    """Return OT with as many restarts of its inner loop as give ``max_scf`` steps in all."""
    inner = min(level.max_scf, _OT_INNER_STEPS)
    return {
        "EPS_SCF": level.eps_scf,
        "MAX_SCF": inner,
        "OT": {"PRECONDITIONER": "FULL_ALL", "MINIMIZER": "DIIS", "ENERGY_GAP": 0.08},
        "OUTER_SCF": {"EPS_SCF": level.eps_scf, "MAX_SCF": -(-level.max_scf // inner)},
    }


def _kind(symbol: str, level: PbeD3) -> dict[str, str]:
    charge = f"q{VALENCE[symbol]}"
    short = level.basis == "TZVP-MOLOPT-GTH" and symbol in SHORT_TZVP
    basis = "TZVP-MOLOPT-SR-GTH" if short else level.basis
    return {
        PARAMETER: symbol,
        "BASIS_SET": f"{basis}-{charge}",
        "POTENTIAL": f"GTH-PBE-{charge}",
    }
