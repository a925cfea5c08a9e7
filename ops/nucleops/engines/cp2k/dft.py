"""CP2K's section DFT at both levels of theory, and the basis of each kind of atom."""

from __future__ import annotations

from typing import Any

from nucleops.engines.cp2k.sections import PARAMETER
from nucleops.engines.cp2k.settings import Gfn1Xtb, LevelOfTheory, PbeD3
from nucleops.systems.system import METALS

VALENCE = {
    "Ag": 11, "Au": 11, "Cu": 11, "S": 6, "N": 5, "C": 4, "H": 1, "O": 6, "B": 3, "F": 7, "Si": 4,
    "P": 5, "Cl": 7, "Ge": 4, "As": 5, "Se": 6, "Br": 7, "Te": 6, "I": 7,
}  # fmt: skip
"""Valence electrons of each element's GTH pseudopotential."""
SHORT_TZVP = ("B", "Ge", "As", "Se", "Te", "I", *METALS)
"""Elements whose triple-zeta basis exists in the short-range form only (BASIS_MOLOPT_UCL)."""
_OT_INNER_STEPS = 20


def dft_section(level: LevelOfTheory, periodic: str, *, dynamics: bool) -> dict[str, Any]:
    """Return what the level of theory says of section DFT.

    Parameters
    ----------
    level : Gfn1Xtb or PbeD3
        Level of theory.
    periodic : str
        CP2K's word for the directions that repeat: ``XYZ`` or ``NONE``.
    dynamics : bool
        Whether wavefunctions are extrapolated from step to step.
    """
    if isinstance(level, PbeD3):
        return _pbe_d3(level, periodic, dynamics=dynamics)
    return _gfn1_xtb(level, periodic)


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
        "SCF": {"SCF_GUESS": "ATOMIC", **scf},
        "XC": {
            "XC_FUNCTIONAL": {PARAMETER: "PBE"},
            "VDW_POTENTIAL": {"POTENTIAL_TYPE": "PAIR_POTENTIAL", "PAIR_POTENTIAL": dispersion},
        },
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


def kind_section(symbol: str, level: PbeD3) -> dict[str, str]:
    """Return section KIND of an element: its basis and its pseudopotential."""
    charge = f"q{VALENCE[symbol]}"
    short = level.basis == "TZVP-MOLOPT-GTH" and symbol in SHORT_TZVP
    basis = "TZVP-MOLOPT-SR-GTH" if short else level.basis
    return {
        PARAMETER: symbol,
        "BASIS_SET": f"{basis}-{charge}",
        "POTENTIAL": f"GTH-PBE-{charge}",
    }
