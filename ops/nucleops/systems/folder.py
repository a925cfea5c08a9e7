"""The systems folder: what the build stage leaves for every stage after it."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from nucleops.seeds import derive_seed
from nucleops.systems.files import read_extxyz, write_extxyz, write_lammps_data
from nucleops.systems.molecules import Molecules, elements_of
from nucleops.systems.packing import Packed, pack
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import System

SUMMARY = "systems.json"


def system_seed(seed: int, name: str) -> int:
    """Seed of one system of a study, the same whichever other systems are built."""
    return derive_seed(seed, "build", name)


def write_systems_folder(
    specs: Mapping[str, SystemSpec],
    metal: str,
    seed: int,
    folder: Path,
    molecules: Molecules | None = None,
) -> Path:
    """Build systems and write each as extended XYZ and LAMMPS data, with a summary.

    Parameters
    ----------
    specs : mapping of str to SystemSpec
        The systems by name.
    metal : str
        ``Ag``, ``Au`` or ``Cu``.
    seed : int
        The study's seed; each system's own follows from it and its name.
    folder : Path
        Made if missing.
    molecules : mapping of str to MoleculeSpec, optional
        The study's own molecules.

    Returns
    -------
    Path
        ``folder``, with ``<name>.extxyz`` and ``<name>.data`` for each system and
        ``systems.json``: composition, cell, seeds, distances, digests, provenance.

    Raises
    ------
    WrongInput
        A system cannot be packed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name, spec in specs.items():
        packed = pack(name, spec, metal, system_seed(seed, name), molecules)
        files = {"extxyz": folder / f"{name}.extxyz", "lammps": folder / f"{name}.data"}
        origin = f"packmol {packmol_version()}, seed {packed.seed}, motifs by GFN1-xTB"
        write_extxyz(packed.system, files["extxyz"], provenance=origin)
        write_lammps_data(packed.system, files["lammps"])
        entries[name] = _entry(packed, spec, system_seed(seed, name), files)
    summary = {
        "metal": metal,
        "type_map": list(elements_of(metal, molecules)),
        "seed": seed,
        "packmol": packmol_version(),
        "systems": entries,
    }
    (folder / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return folder


def read_system(folder: Path, name: str) -> System:
    """Read one system of a systems folder.

    Raises
    ------
    WrongInput
        It is not there or malformed.
    """
    return read_extxyz(Path(folder) / f"{name}.extxyz")


def packmol_version() -> str:
    """Version of the packmol package, or ``unknown`` for a packmol from elsewhere."""
    try:
        return metadata.version("packmol")
    except metadata.PackageNotFoundError:
        return "unknown"


def _entry(packed: Packed, spec: SystemSpec, seed: int, files: dict[str, Path]) -> dict[str, Any]:
    system = packed.system
    closest = packed.minimum_distance_A
    return {
        "n_atoms": system.n_atoms,
        "n_molecules": len(system.molecules),
        "motifs": packed.counts,
        "elements": dict(Counter(system.symbols)),
        "cell_A": system.cell.tolist(),
        "periodic": system.periodic,
        "density_g_cm3": round(packed.density_g_cm3, 6),
        # JSON has no infinity: a single molecule has no distance to another.
        "minimum_intermolecular_distance_A": None if math.isinf(closest) else round(closest, 6),
        "seed": seed,
        "packing_seed": packed.seed,
        "packing_attempts": packed.attempts,
        "spec": spec.model_dump(mode="json"),
        "motif_provenance": packed.provenance,
        "files": {
            kind: {"path": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for kind, path in files.items()
        },
    }
