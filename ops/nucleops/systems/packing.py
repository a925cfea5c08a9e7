"""Systems from their specification: counts, cell, packing with packmol, distances checked."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleops.errors import NucleoError, TimeLimit, WrongInput
from nucleops.seeds import derive_seed
from nucleops.systems.contents import (
    ADVICE,
    check_room,
    counts_of,
    placements_of,
    space_of,
    space_words,
)
from nucleops.systems.distances import minimum_intermolecular_distance
from nucleops.systems.elements import AVOGADRO_PER_CM3_IN_A3
from nucleops.systems.molecules import Molecules, elements_of, find_motif
from nucleops.systems.motifs import Motif
from nucleops.systems.packmol import Placement, run_packmol
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import FloatArray, Molecule, System

MAX_ATTEMPTS = 3
"""Packings tried, each with its own seed, before a system is refused."""

# Packmol counts a packing as done when distances are short of the tolerance by up to 1%.
_PACKMOL_SLACK = 1.015


@dataclass(frozen=True)
class Packed:
    """A packed system and how it came about.

    Attributes
    ----------
    system : System
        The result.
    counts : dict of str to int
        Copies of each motif.
    seed : int
        Seed of the packing that was kept (packmol's).
    attempts : int
        Packings tried.
    minimum_distance_A : float
        Smallest distance in angstrom between atoms of different molecules; infinite for one.
    density_g_cm3 : float
        Mass over the volume of the cube, or of the droplet's sphere.
    provenance : dict of str to str
        How each motif's geometry was made.
    """

    system: System
    counts: dict[str, int]
    seed: int
    attempts: int
    minimum_distance_A: float
    density_g_cm3: float
    provenance: dict[str, str]


def build_system(
    name: str, spec: SystemSpec, metal: str, seed: int, molecules: Molecules | None = None
) -> System:
    """Build a system; the same arguments give the same coordinates to the last digit.

    Parameters
    ----------
    name : str
        Its name in the study.
    spec : SystemSpec
        What is in it and its box. Where it holds exactly one cluster molecule, that one is
        placed at the centre of the box, the solvent round it.
    metal : str
        ``Ag``, ``Au`` or ``Cu``.
    seed : int
        Seed of the packing.
    molecules : mapping of str to MoleculeSpec, optional
        The study's own molecules, which the contents may name beside the shipped motifs.

    Returns
    -------
    System
        Molecules in the order of ``spec.contents``, each whole; the metals' centre of mass is
        at the centre of the cell.

    Raises
    ------
    WrongInput
        The molecules cannot be packed into the box.
    MissingProgram
        Packmol is not installed.
    """
    return pack(name, spec, metal, seed, molecules).system


def pack(
    name: str,
    spec: SystemSpec,
    metal: str,
    seed: int,
    molecules: Molecules | None = None,
    *,
    timeout_s: float = 180.0,
) -> Packed:
    """Build a system as :func:`build_system` does, and say how.

    Parameters
    ----------
    name, spec, metal, seed, molecules
        As for :func:`build_system`.
    timeout_s : float
        Wall-clock limit in seconds of all packings together.
    """
    deadline = time.monotonic() + timeout_s
    try:
        parts = {c.motif: find_motif(c.motif, metal, molecules) for c in spec.contents}
    except WrongInput as error:
        raise WrongInput(f"system {name!r}: {error.message}") from error
    counts = counts_of(name, spec, metal, molecules)
    cell, radius = space_of(spec, counts, parts)
    placements = placements_of(spec, counts, parts, radius, metal)
    volume = check_room(name, spec, counts, parts, cell, radius)
    mass = sum(p.motif.mass_g_mol * p.count for p in placements)
    totals: dict[str, int] = {}
    for placement in placements:
        totals[placement.motif.name] = totals.get(placement.motif.name, 0) + placement.count
    provenance = {m: parts[m].provenance for m in totals}
    elements = elements_of(metal, molecules)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        packing_seed = derive_seed(seed, "packing", attempt)
        try:
            positions = _place(placements, cell, spec, packing_seed, deadline)
        except TimeLimit as error:
            raise WrongInput(f"system {name!r}: {error.message}", advice=ADVICE) from error
        except NucleoError as error:
            raise type(error)(f"system {name!r}: {error.message}", advice=error.advice) from error
        if positions is None:
            continue
        system = _metals_centred(
            _assemble(name, placements, positions, cell, spec.box.shape == "cube", elements)
        )
        closest, _ = minimum_intermolecular_distance(system)
        if closest >= spec.minimum_distance_A:
            density = mass / (volume * AVOGADRO_PER_CM3_IN_A3)
            return Packed(system, totals, packing_seed, attempt, closest, density, provenance)
    raise WrongInput(
        f"system {name!r}: no packing of {_words(totals)} into {space_words(spec, cell)} with"
        f" minimum_distance_A {spec.minimum_distance_A} in {MAX_ATTEMPTS} attempts",
        advice=ADVICE,
    )


def _place(
    placements: list[Placement], cell: FloatArray, spec: SystemSpec, seed: int, deadline: float
) -> FloatArray | None:
    if sum(p.count for p in placements) == 1:
        return placements[0].motif.positions + cell / 2
    with tempfile.TemporaryDirectory(prefix="packmol-") as folder:
        tolerance = spec.minimum_distance_A * _PACKMOL_SLACK
        periodic = spec.box.shape == "cube"
        left_s = max(deadline - time.monotonic(), 1.0)
        return run_packmol(placements, cell, periodic, tolerance, seed, Path(folder), left_s)


def _assemble(
    name: str,
    placements: list[Placement],
    positions: FloatArray,
    cell: FloatArray,
    periodic: bool,
    elements: tuple[str, ...],
) -> System:
    symbols: list[str] = []
    molecules: list[Molecule] = []
    for placement in placements:
        molecule: Motif = placement.motif
        for _ in range(placement.count):
            indices = tuple(range(len(symbols), len(symbols) + len(molecule.symbols)))
            molecules.append(Molecule(molecule.name, indices, molecule.roles))
            symbols += molecule.symbols
    return System(name, tuple(symbols), positions, cell, periodic, tuple(molecules), elements)


def _metals_centred(system: System) -> System:
    """Move everything so that the metals' centre of mass is at the centre of the cell.

    Metadynamics holds it to that point; a start that is off by 2 A has 200 kcal/mol in the
    restraint, and is torn apart in a few steps. Molecules that leave a periodic cell come back
    whole on its other side.
    """
    metals = system.of_element(system.metal)
    if not len(metals):
        return system
    positions = system.positions + system.cell / 2 - system.positions[metals].mean(axis=0)
    if system.periodic:
        for molecule in system.molecules:
            atoms = list(molecule.indices)
            centre = positions[atoms].mean(axis=0)
            positions[atoms] -= system.cell * np.floor(centre / system.cell)
    return system.with_positions(positions)


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items())
