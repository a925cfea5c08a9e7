"""Build one system of a study and write it in the format that a file name asks for."""

from __future__ import annotations

import difflib
from pathlib import Path

from nucleoflow.study.model import Study
from nucleops.errors import WrongInput
from nucleops.seeds import derive_seed
from nucleops.systems.system import System

SUFFIXES = {
    ".extxyz": "extended XYZ",
    ".xyz": "extended XYZ",
    ".data": "LAMMPS data",
    ".inc": "CP2K",
}


def build_one(study: Study, name: str, out: Path) -> System:
    """Pack a system and write it.

    Parameters
    ----------
    study : Study
        Where the system is described.
    name : str
        Name of the system, or ``nucleate`` for the first replica of that stage.
    out : Path
        ``.extxyz`` or ``.xyz`` (extended XYZ), ``.data`` (LAMMPS) or ``.inc`` (CP2K sections).

    Returns
    -------
    System
        What was written.

    Raises
    ------
    WrongInput
        No such system, an unknown suffix, or a box that the molecules do not fit into.
    """
    from nucleops.systems import files

    writers = {
        ".extxyz": files.write_extxyz,
        ".xyz": files.write_extxyz,
        ".data": files.write_lammps_data,
        ".inc": files.write_cp2k_coordinates,
    }
    if out.suffix not in writers:
        known = ", ".join(f"{suffix} ({what})" for suffix, what in SUFFIXES.items())
        raise WrongInput(f"{out}: unknown suffix '{out.suffix}'; allowed: {known}")
    system = study_system(study, name)
    out.parent.mkdir(parents=True, exist_ok=True)
    writers[out.suffix](system, out)
    return system


def study_system(study: Study, name: str) -> System:
    """Pack a system as the study's runs do, to the last digit.

    Parameters
    ----------
    study : Study
        Where it is described.
    name : str
        Name of the system, or ``nucleate`` for the first replica of that stage.

    Raises
    ------
    WrongInput
        No such system, or a box that the molecules do not fit into.
    """
    from nucleops.systems.folder import system_seed
    from nucleops.systems.packing import build_system

    metal, own = study.chemistry.metal, study.molecules
    if name in study.systems:
        seed = system_seed(study.seed, name)
        return build_system(name, study.systems[name], metal, seed, own)
    if name == "nucleate" and study.nucleate is not None:
        # as the stage derives it: its own seed, the replica's, its box's
        replica = derive_seed(derive_seed(study.seed, "nucleate"), "number", 0)
        return build_system(name, study.nucleate.system, metal, derive_seed(replica, "box"), own)
    names = sorted({*study.systems, *(["nucleate"] if study.nucleate is not None else [])})
    near = difflib.get_close_matches(name, names, n=1)
    raise WrongInput(
        f"study '{study.name}' has no system '{name}'; it has: {', '.join(names)}",
        advice=f"did you mean '{near[0]}'?" if near else "",
    )
