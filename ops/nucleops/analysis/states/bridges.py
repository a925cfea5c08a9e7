"""How two halves of a dimer are joined: by their own bonds, by bridging solvent, or not at all.

The states of the monomer-to-dimer transition are told by the number and coordination mode of the
solvent molecules between the halves: none in the dimer A, one in B, two in C; in D the monomers
are apart. A bridging molecule has its oxygen at the metal of one half and its hydroxyl proton at
the nitrogen of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.geometry import cross_distances, distances
from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.settings import BridgeSettings
from nucleops.systems.system import Molecule, System

MODES = ("A", "B", "C", "D", "half")
"""Joined by both bonds; by one bridging molecule; by two or more; apart; by one bond alone."""
MODE_WORDS = {
    "A": "both bonds and no solvent between",
    "B": "one bridging molecule",
    "C": "two bridging molecules",
    "D": "neither bond nor bridge",
    "half": "one bond and no bridge",
}
_HYDROXYL_A = 1.3
"""An H of the topology belongs to the O that is closer than this."""


@dataclass(frozen=True)
class Junction:
    """The places where two halves can be joined, and the solvent that can come between.

    Attributes
    ----------
    metals, nitrogens : ndarray of int
        Atoms of each place, the metal of one half and the N of the other's ligand, shape (E,).
    hydrogens, oxygens : ndarray of int
        Hydroxyl protons of the solvent, and the O that each is on, shape (h,).
    """

    metals: IntArray
    nitrogens: IntArray
    hydrogens: IntArray
    oxygens: IntArray


def junction_of(system: System, places: Sequence[tuple[int, int]] | None = None) -> Junction | None:
    """Find the places where two halves can be joined.

    Parameters
    ----------
    system : System
        Topology, with its coordinates.
    places : sequence of (int, int), optional
        Metal and nitrogen of each place, zero-based; where left out they are told by the roles of
        one dimer or of two monomers.

    Returns
    -------
    Junction or None
        None where roles tell of no such pair of halves.
    """
    found = list(places) if places else _by_roles(system)
    if not found:
        return None
    pairs = np.array(found, dtype=np.int64)
    solvent = {i for molecule in system.without_metal() for i in molecule.indices}
    if not system.molecules:
        solvent = set(range(system.n_atoms))
    o = np.array([i for i in system.of_element("O") if int(i) in solvent], dtype=np.int64)
    h = np.array([i for i in system.of_element("H") if int(i) in solvent], dtype=np.int64)
    x = system.positions
    near = cross_distances(x[o], x[h], system.cell, system.periodic) < _HYDROXYL_A
    on, which = np.nonzero(near)
    return Junction(pairs[:, 0], pairs[:, 1], h[which], o[on])


def _by_roles(system: System) -> list[tuple[int, int]]:
    """Metal of each half with the N of the other, of one dimer or two monomers."""
    holding = [m for m in system.molecules if any(role[:1] == "M" for role in m.roles)]
    halves = [atoms for molecule in holding for atoms in _units(molecule)]
    if len(halves) != 2:
        return []
    (metal, nitrogen), (other_metal, other_nitrogen) = halves
    return [(metal, other_nitrogen), (other_metal, nitrogen)]


def _units(molecule: Molecule) -> list[tuple[int, int]]:
    """Metal and N of each ligand of a cluster motif: M1 with N1, M2 with N2."""
    atoms = dict(zip(molecule.roles, molecule.indices, strict=True))
    numbers = [role[1:] for role in molecule.roles if role[:1] == "M"]
    return [(atoms[f"M{n}"], atoms[f"N{n}"]) for n in numbers if f"N{n}" in atoms]


def modes_of(
    positions: FloatArray,
    cells: FloatArray,
    periodic: bool,
    junction: Junction,
    settings: BridgeSettings,
) -> tuple[IntArray, IntArray]:
    """Tell how the halves are joined in each frame.

    Parameters
    ----------
    positions : ndarray
        Shape (F, N, 3), in A.
    cells : ndarray
        Edge lengths, shape (F, 3), in A.
    periodic : bool
        Whether the cell repeats.
    junction : Junction
        Atoms.
    settings : BridgeSettings
        Cut-offs.

    Returns
    -------
    mode : ndarray of int
        Place in :data:`MODES`, shape (F,).
    bridges : ndarray of int
        Number of bridging molecules, shape (F,). Nothing bridges where metal and N are bonded.
    """
    ends = np.stack([junction.metals, junction.nitrogens], axis=1)
    bonded = distances(positions, cells, periodic, ends) < settings.metal_nitrogen_A
    between = np.zeros((len(positions), len(junction.oxygens)), dtype=np.bool_)
    for k, (metal, nitrogen) in enumerate(ends):
        at_metal = np.stack([np.full_like(junction.oxygens, metal), junction.oxygens], axis=1)
        at_nitrogen = np.stack([np.full_like(junction.hydrogens, nitrogen), junction.hydrogens], 1)
        between |= (
            (distances(positions, cells, periodic, at_metal) < settings.metal_oxygen_A)
            & (distances(positions, cells, periodic, at_nitrogen) < settings.nitrogen_hydrogen_A)
            & ~bonded[:, k, None]
        )
    bridges = np.zeros(len(positions), dtype=np.int64)
    for oxygen in np.unique(junction.oxygens):
        bridges += np.any(between[:, junction.oxygens == oxygen], axis=1)
    joined = bonded.sum(axis=1)
    mode = np.select(
        [bridges >= 2, bridges == 1, joined == len(ends), joined == 0], [2, 1, 0, 3], default=4
    )
    return np.asarray(mode, dtype=np.int64), bridges
