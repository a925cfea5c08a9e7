"""Whether molecules are whole and atoms apart, in a frame of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.engines.lammps.criteria import Ending, Failure
from nucleops.engines.lammps.settings import Trust
from nucleops.systems.distances import minimum_image
from nucleops.systems.elements import COVALENT_RADIUS_A
from nucleops.systems.system import METALS, FloatArray, System
from nucleops.systems.topology import BOND_TOLERANCE

IntArray = NDArray[np.int64]

_HOLDS_H = ("B", "C", "Si", "Ge", "P", "As")
"""Elements whose hydrogen stays; what O, N, S and halogens hold is exchanged with the solvent."""
_NEAR_A = 2.5
_STRAINED = 1.2


class Geometry:
    """Judges frames against the start of the run.

    Parameters
    ----------
    system : System
        The start, with whole molecules.
    trust : Trust
        How far bonds may stretch, and how close atoms may come.
    """

    def __init__(self, system: System, trust: Trust) -> None:
        self._system = system
        self._trust = trust
        self._pairs, self._first = kept_bonds(system)

    def failure(self, step: int, positions: FloatArray, cell: FloatArray) -> Failure | None:
        """Judge a frame.

        Parameters
        ----------
        step : int
            MD step.
        positions, cell : ndarray
            Coordinates, shape (N, 3), and edges, shape (3,), in angstrom. A droplet's coordinates
            are wrapped into its cell by LAMMPS too.
        """
        from scipy.spatial import cKDTree

        if not np.isfinite(positions).all():
            lost = np.flatnonzero(~np.isfinite(positions).all(axis=1))
            reason = f"positions are not numbers at step {step}"
            return Failure(step, reason, Ending.LOST, tuple(lost.tolist()))
        growth = float(np.prod(cell) / np.prod(self._system.cell))
        if not 1 / self._trust.volume_factor <= growth <= self._trust.volume_factor:
            reason = (
                f"the cell's volume is {growth:.2f} times that of the start at step {step} "
                f"(limit {self._trust.volume_factor:g} times, or one over it)"
            )
            return Failure(step, reason, Ending.VOLUME)
        if len(self._pairs):
            stretch = _lengths(positions, self._pairs, cell, True) / self._first
            worst = int(np.argmax(stretch))
            if stretch[worst] > self._trust.bond_stretch:
                return self._torn(step, worst, float(stretch[worst]))
        tree = _tree(cKDTree, positions, cell, True)
        close = tree.query_pairs(self._trust.closest_contact_A, output_type="ndarray")
        if not len(close):
            return None
        i, j = (int(k) for k in close[0])
        distance = _lengths(positions, close[:1], cell, True)[0]
        reason = (
            f"atoms {self._label(i)} and {self._label(j)} are {distance:.2f} A apart at step {step}"
        )
        return Failure(step, reason, Ending.COLLAPSE, (i, j))

    def most_strained(self, positions: FloatArray, cell: FloatArray) -> tuple[int, ...]:
        """Return the two atoms of the most stretched bond, or the two that are closest.

        Closest is meant relative to their covalent radii, and counts where no bond is stretched by
        a fifth.
        """
        from scipy.spatial import cKDTree

        if len(self._pairs):
            stretch = _lengths(positions, self._pairs, cell, True) / self._first
            if stretch.max() > _STRAINED:
                return tuple(int(k) for k in self._pairs[int(np.argmax(stretch))])
        near = _tree(cKDTree, positions, cell, True).query_pairs(_NEAR_A, output_type="ndarray")
        if not len(near):
            return (0,)
        radii = np.array([COVALENT_RADIUS_A[s] for s in self._system.symbols])
        ratio = _lengths(positions, near, cell, True) / radii[near].sum(axis=1)
        return tuple(int(k) for k in near[int(np.argmin(ratio))])

    def _torn(self, step: int, worst: int, stretch: float) -> Failure:
        i, j = (int(k) for k in self._pairs[worst])
        reason = (
            f"the bond {self._label(i)}-{self._label(j)} is {stretch:.2f} times as long as at the "
            f"start ({stretch * self._first[worst]:.2f} A, limit {self._trust.bond_stretch:g} "
            f"times) at step {step}"
        )
        return Failure(step, reason, Ending.TORN, (i, j))

    def _label(self, index: int) -> str:
        return f"{self._system.symbols[index]}{index + 1}"


def kept_bonds(system: System) -> tuple[IntArray, FloatArray]:
    """Bonds that must not break: those between non-metals, as C-H, C-O, C-N, C-S, P-C.

    O-H, N-H, S-H and hydrogen halides are left out, since protons go back and forth between ligand
    and solvent; so are bonds to metals, whose making and breaking is what is studied.

    Returns
    -------
    pairs : ndarray
        Zero-based atom indices, shape (B, 2); both atoms in one molecule, or anywhere where the
        system names no molecules.
    lengths : ndarray
        Lengths in angstrom at the start, shape (B,).
    """
    from scipy.spatial import cKDTree

    radii = np.array([COVALENT_RADIUS_A[s] for s in system.symbols])
    covalent = radii[[s not in METALS for s in system.symbols]]
    longest = 2 * BOND_TOLERANCE * float(covalent.max(initial=0.0))
    tree = _tree(cKDTree, system.positions, system.cell, system.periodic)
    near = tree.query_pairs(longest, output_type="ndarray").astype(np.int64).reshape(-1, 2)
    owner = np.zeros(system.n_atoms, dtype=np.int64)
    for number, molecule in enumerate(system.molecules):
        owner[list(molecule.indices)] = number
    lengths = _lengths(system.positions, near, system.cell, system.periodic)
    kind = [_must_hold(system.symbols[i], system.symbols[j]) for i, j in near]
    bonded = np.array(kind, dtype=bool) & (owner[near[:, 0]] == owner[near[:, 1]])
    bonded &= lengths < BOND_TOLERANCE * radii[near].sum(axis=1)
    return near[bonded], lengths[bonded]


def _must_hold(first: str, second: str) -> bool:
    if first in METALS or second in METALS:
        return False
    if "H" in (first, second):
        return first in _HOLDS_H or second in _HOLDS_H
    return True


def _lengths(
    positions: FloatArray, pairs: IntArray, cell: FloatArray, periodic: bool
) -> FloatArray:
    vectors = minimum_image(positions[pairs[:, 1]] - positions[pairs[:, 0]], cell, periodic)
    return np.asarray(np.linalg.norm(vectors, axis=1), dtype=np.float64)


def _tree(tree_class: type, positions: FloatArray, cell: FloatArray, periodic: bool) -> Any:
    if not periodic:
        return tree_class(positions)
    # The tree wants 0 <= x < edge; a rounded-up remainder can equal the edge.
    wrapped = np.mod(positions, cell)
    return tree_class(np.where(wrapped >= cell, 0.0, wrapped), boxsize=cell)
