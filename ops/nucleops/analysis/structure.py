"""Distances and angles of a ligand-protected cluster, by bonding role.

Bonded pairs are chosen by stated cut-offs in one structure (the first) and followed from there,
whatever their distance becomes: a cut-off applied in every frame would cut the densities' tails.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.density import Density, density
from nucleops.analysis.geometry import angles, bonded_pairs, distances
from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.settings import BondSettings
from nucleops.systems.system import METALS

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


def structure_series(
    symbols: Sequence[str],
    positions: ArrayLike,
    cells: ArrayLike,
    periodic: bool,
    cutoffs: BondSettings,
) -> dict[str, FloatArray]:
    """Bonded distances (A) and angles (degrees) through time.

    Parameters
    ----------
    symbols : sequence of str
        Shape (N,).
    positions, cells : array_like
        Shapes (F, N, 3) and (F, 3), in A; bonds are chosen in the first frame.
    periodic : bool
        Whether the cell repeats.
    cutoffs : BondSettings
        Largest bonded distances.

    Returns
    -------
    dict
        ``"Ag-Ag"``, ``"Ag-S"``, ``"Ag-N"``, ``"Ag-Ag-Ag"``, ``"S-Ag-S"``, ``"N-Ag-Ag"``,
        ``"N-Ag-S"`` (with the system's own metal) -> shape (F, P); kinds of which there are none
        are left out.
    """
    x, box = np.asarray(positions), np.asarray(cells)
    metal = next((s for s in symbols if s in METALS), "Ag")
    bonds = cluster_bonds(symbols, x[0], box[0], periodic, cutoffs)
    series = {k: distances(x, box, periodic, p) for k, p in bonds.items() if len(p)}
    triples = angle_triples(bonds)
    series |= {k: angles(x, box, periodic, t) for k, t in triples.items() if len(t)}
    return {"-".join(metal if s == "M" else s for s in k.split("-")): v for k, v in series.items()}


def densities(series: dict[str, FloatArray], n_blocks: int = 5) -> dict[str, Density]:
    """Density of each kind of distance or angle, from series of shape (F, P)."""
    return {kind: density(values, n_blocks=n_blocks) for kind, values in series.items()}
