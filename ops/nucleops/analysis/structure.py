"""Distances and angles of a ligand-protected cluster, by bonding role.

Bonded pairs are chosen by stated cut-offs in one structure (the first) and followed from there,
whatever their distance becomes: a cut-off applied in every frame would cut the densities' tails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.geometry import angles, bonded_pairs, distances
from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.settings import BondSettings
from nucleops.systems.elements import COVALENT_RADIUS_A
from nucleops.systems.system import METALS
from nucleops.systems.topology import BOND_TOLERANCE

Bonds = dict[str, IntArray]


def cluster_bonds(
    symbols: Sequence[str],
    positions: ArrayLike,
    cell: ArrayLike,
    periodic: bool,
    cutoffs: BondSettings,
) -> Bonds:
    """Bonded pairs of the cluster in one structure.

    Parameters
    ----------
    symbols : sequence of str
        Element of each atom, shape (N,).
    positions : array_like
        Shape (N, 3), in A.
    cell : array_like
        Edge lengths, shape (3,), in A.
    periodic : bool
        Whether the cell repeats.
    cutoffs : BondSettings
        Largest bonded distances.

    Returns
    -------
    dict
        ``"M-M"``, ``"M-S"``, ``"M-N"`` -> pairs, shape (P, 2), the metal first.
    """
    of = _by_element(symbols)
    limits = {
        "M": cutoffs.metal_metal_A,
        "S": cutoffs.metal_sulfur_A,
        "N": cutoffs.metal_nitrogen_A,
    }
    return {
        f"M-{kind}": bonded_pairs(positions, cell, periodic, of["M"], of[kind], limit)
        for kind, limit in limits.items()
    }


def _by_element(symbols: Sequence[str]) -> dict[str, IntArray]:
    kinds = np.array(["M" if s in METALS else s for s in symbols])
    return {k: np.flatnonzero(kinds == k) for k in ("M", "S", "N")}


def angle_triples(bonds: Bonds) -> dict[str, IntArray]:
    """Triples whose angle is at the middle atom, from bonded pairs.

    Returns
    -------
    dict
        ``"M-M-M"``: corners of triangles of mutually bonded metals (the octahedron's faces);
        ``"S-M-S"``: both S on the middle metal; ``"N-M-M"``: N and metal on the middle metal;
        ``"N-M-S"``: N and S on the middle metal. Shapes (T, 3).
    """
    metal: dict[int, set[int]] = {}
    for i, j in bonds["M-M"].tolist():
        metal.setdefault(i, set()).add(j)
        metal.setdefault(j, set()).add(i)
    sulfur: dict[int, list[int]] = {}
    nitrogen: dict[int, list[int]] = {}
    for name, store in (("M-S", sulfur), ("M-N", nitrogen)):
        for m, ligand in bonds[name].tolist():
            store.setdefault(m, []).append(ligand)
    rows: dict[str, list[tuple[int, int, int]]] = {
        k: [] for k in ("M-M-M", "S-M-S", "N-M-M", "N-M-S")
    }
    for m in sorted(set(metal) | set(sulfur) | set(nitrogen)):
        near, s, n = sorted(metal.get(m, ())), sulfur.get(m, []), nitrogen.get(m, [])
        rows["M-M-M"] += [(a, m, b) for a in near for b in near if a < b and b in metal[a]]
        rows["S-M-S"] += [(a, m, b) for a in s for b in s if a < b]
        rows["N-M-M"] += [(a, m, b) for a in n for b in near]
        rows["N-M-S"] += [(a, m, b) for a in n for b in s]
    return {k: np.array(v, dtype=np.int64).reshape(-1, 3) for k, v in rows.items()}


@dataclass(frozen=True)
class Kind:
    """Bonded distances, or angles between bonds, of one kind.

    Attributes
    ----------
    name : str
        Elements, such as ``Ag-S`` or ``N-Ag-Ag`` with the system's own metal.
    atoms : ndarray of int
        Pairs, shape (P, 2), or triples with the middle atom in the middle, shape (P, 3).
    roles : dict of str to ndarray of int
        Bonding role to its rows of `atoms`: of two metals, whether one S is on both
        (``S-bridged``, ``unbridged``); of N on a metal and a second metal, whether that bears the S
        of the same ligand (``own ligand``, ``other ligands``).
    """

    name: str
    atoms: IntArray
    roles: dict[str, IntArray] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """``A`` for distances, ``degree`` for angles."""
        return "A" if self.atoms.shape[1] == 2 else "degree"

    def values(self, positions: ArrayLike, cells: ArrayLike, periodic: bool) -> FloatArray:
        """Values through time, shape (F, P), from positions (F, N, 3) and cells (F, 3), in A."""
        measure = distances if self.unit == "A" else angles
        return measure(positions, cells, periodic, self.atoms)


def bonded_kinds(
    symbols: Sequence[str],
    positions: ArrayLike,
    cell: ArrayLike,
    periodic: bool,
    cutoffs: BondSettings,
) -> list[Kind]:
    """Choose the distances and angles to be followed, in one structure.

    Parameters
    ----------
    symbols : sequence of str
        Shape (N,).
    positions : array_like
        Shape (N, 3), in A.
    cell : array_like
        Edge lengths, shape (3,), in A.
    periodic : bool
        Whether the cell repeats.
    cutoffs : BondSettings
        Largest bonded distances.

    Returns
    -------
    list of Kind
        ``M-M``, ``M-S``, ``M-N``, ``M-M-M``, ``S-M-S``, ``N-M-M``, ``N-M-S``, M being the system's
        metal; kinds of which there are none are left out.
    """
    metal = next((s for s in symbols if s in METALS), "Ag")
    bonds = cluster_bonds(symbols, positions, cell, periodic, cutoffs)
    sulfurs: dict[int, set[int]] = {}
    for m, s in bonds["M-S"].tolist():
        sulfurs.setdefault(m, set()).add(s)
    own = ligand_sulfur(symbols, positions, cell, periodic)
    bridged = [bool(sulfurs.get(a, set()) & sulfurs.get(b, set())) for a, b in bonds["M-M"]]
    triples = angle_triples(bonds)
    near = [own.get(n, -1) in sulfurs.get(b, set()) for n, _, b in triples["N-M-M"].tolist()]
    roles = {
        "M-M": _split(bridged, "S-bridged", "unbridged"),
        "N-M-M": _split(near, "own ligand", "other ligands"),
    }
    return [
        Kind(
            "-".join(metal if s == "M" else s for s in name.split("-")), atoms, roles.get(name, {})
        )
        for name, atoms in (bonds | triples).items()
        if len(atoms)
    ]


def _split(first: Sequence[bool], name: str, other: str) -> dict[str, IntArray]:
    """Rows of both roles; none where only one of them occurs."""
    mask = np.array(first, dtype=np.bool_)
    rows = {name: np.flatnonzero(mask), other: np.flatnonzero(~mask)}
    return rows if all(map(len, rows.values())) else {}


def ligand_sulfur(
    symbols: Sequence[str], positions: ArrayLike, cell: ArrayLike, periodic: bool
) -> dict[int, int]:
    """Return for each N the S of its own ligand: the one on the same C, by covalent radii."""
    kinds = np.array(symbols)
    of = {s: np.flatnonzero(kinds == s) for s in ("C", "S", "N")}
    on: dict[str, dict[int, int]] = {}
    for donor in ("S", "N"):
        limit = BOND_TOLERANCE * (COVALENT_RADIUS_A["C"] + COVALENT_RADIUS_A[donor])
        pairs = bonded_pairs(positions, cell, periodic, of["C"], of[donor], limit)
        on[donor] = dict(pairs.tolist())
    return {n: on["S"][c] for c, n in on["N"].items() if c in on["S"]}
