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
    from nucleops.systems.packing import build_system

    specs = dict(study.systems)
    if study.nucleate is not None:
        specs["nucleate"] = study.nucleate.system
    if name not in specs:
        near = difflib.get_close_matches(name, specs, n=1)
        raise WrongInput(
            f"study '{study.name}' has no system '{name}'; it has: {', '.join(sorted(specs))}",
            advice=f"did you mean '{near[0]}'?" if near else "",
        )
    writers = {
        ".extxyz": files.write_extxyz,
        ".xyz": files.write_extxyz,
        ".data": files.write_lammps_data,
        ".inc": files.write_cp2k_coordinates,
    }
    if out.suffix not in writers:
        known = ", ".join(f"{suffix} ({what})" for suffix, what in SUFFIXES.items())
        raise WrongInput(f"{out}: unknown suffix '{out.suffix}'; allowed: {known}")
    seed = derive_seed(study.seed, name)
    system = build_system(name, specs[name], study.chemistry.metal, seed, study.molecules)
    out.parent.mkdir(parents=True, exist_ok=True)
    writers[out.suffix](system, out)
    return system
