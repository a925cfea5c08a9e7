"""The one object that says what is simulated: atoms, cell, and which atom plays which role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nucleops.systems.elements import ATOMIC_NUMBER

FloatArray = NDArray[np.float64]

METALS = ("Ag", "Au", "Cu")
"""Metals the motifs are available for."""


def type_map(metal: str, others: Iterable[str] = ()) -> list[str]:
    """Element order of every potential, data set and LAMMPS file.

    Parameters
    ----------
    metal : str
        The cluster's metal.
    others : iterable of str
        Elements of molecules that a study brings along; those of the six are passed over.

    Returns
    -------
    list of str
        Metal, S, N, C, H, O, then the other elements by atomic number.
    """
    first = [metal, "S", "N", "C", "H", "O"]
    return first + sorted(set(others) - set(first), key=atomic_order)


def atomic_order(element: str) -> tuple[int, str]:
    """Sort key of elements: by atomic number, those without one here last."""
    return ATOMIC_NUMBER.get(element, len(ATOMIC_NUMBER) + 1000), element


@dataclass(frozen=True)
class Molecule:
    """A molecule inside a system.

    Attributes
    ----------
    motif : str
        What it is: ``monomer``, ``dimer``, ``octahedron``, ``methanol``, or the name of a
        molecule of the study.
    indices : tuple of int
        Zero-based atom indices in the system, in the motif's own order.
    roles : tuple of str
        Role of each of these atoms (``M1``, ``S1``, ``N1``, ``C1``, ``HC1``, ``HN1`` ... for a
        cluster motif; ``C``, ``H1``, ``H2``, ``H3``, ``O``, ``HO`` for methanol; the study's own
        for its own molecules), parallel to ``indices``.
    """

    motif: str
    indices: tuple[int, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True)
class System:
    """Atoms in an orthorhombic cell, with the molecules they belong to.

    Attributes
    ----------
    name : str
        Name of the system in the study.
    symbols : tuple of str
        Element of each atom, shape (n_atoms,).
    positions : ndarray
        Cartesian coordinates in angstrom, shape (n_atoms, 3).
    cell : ndarray
        Edge lengths in angstrom, shape (3,).
    periodic : bool
        Whether the cell repeats. A droplet in vacuum has a cell but does not repeat.
    molecules : tuple of Molecule
        Every atom belongs to exactly one molecule.
    elements : tuple of str
        The study's element order, which a system of few elements does not show; empty where it
        follows from the atoms (see :attr:`type_map`).
    """

    name: str
    symbols: tuple[str, ...]
    positions: FloatArray
    cell: FloatArray
    periodic: bool
    molecules: tuple[Molecule, ...] = field(default=())
    elements: tuple[str, ...] = field(default=())

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.symbols)

    @property
    def metal(self) -> str:
        """The metal of the cluster (``Ag`` where nothing tells it)."""
        order = self.elements or self.symbols
        return next((s for s in order if s in METALS), "Ag")

    @property
    def type_map(self) -> list[str]:
        """Element order of the system's LAMMPS files: the study's, or that of its own atoms."""
        return list(self.elements) or type_map(self.metal, self.symbols)

    def of_element(self, element: str) -> NDArray[np.int64]:
        """Zero-based indices of all atoms of an element, shape (k,)."""
        return np.array([i for i, s in enumerate(self.symbols) if s == element], dtype=np.int64)

    def of_motif(self, *motifs: str) -> Iterator[Molecule]:
        """Molecules of the given motifs, in order."""
        return (m for m in self.molecules if m.motif in motifs)

    def without_metal(self) -> Iterator[Molecule]:
        """Molecules that hold no metal, in order: solvent, free ligands."""
        return (m for m in self.molecules if not {self.symbols[i] for i in m.indices} & {*METALS})

    def with_positions(self, positions: FloatArray) -> System:
        """Return the same system with other coordinates, shape (n_atoms, 3), in angstrom."""
        return replace(self, positions=np.asarray(positions, dtype=np.float64))
