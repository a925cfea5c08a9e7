"""Aggregates of metal atoms: contact graph, connected components, and what each one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.geometry import cross_distances, make_whole
from nucleops.analysis.grid import BoolArray, IntArray
from nucleops.analysis.settings import NucleationSettings
from nucleops.analysis.shapes import is_octahedral, octahedron_shape
from nucleops.systems.system import METALS

KINDS = ("monomer", "dimer", "open aggregate", "disordered nucleus", "perfect octahedron")
"""What an aggregate can be, from least to most ordered."""


@dataclass(frozen=True)
class Aggregate:
    """One connected group of metal atoms in one frame.

    Attributes
    ----------
    members : tuple of int
        Atom indices of its metals.
    kind : str
        One of :data:`KINDS`.
    mean_contacts : float
        Mean number of metals in contact with a metal.
    shape_measure, rmsd_A : float or None
        Continuous shape measure and root mean square distance from the best regular octahedron;
        only where there are six metals.
    sulfur_per_metal, nitrogen_per_metal : tuple of int
        Ligand atoms bonded to each member.
    reason : str
        Why it is called what it is called.
    """

    members: tuple[int, ...]
    kind: str
    mean_contacts: float
    shape_measure: float | None
    rmsd_A: float | None
    sulfur_per_metal: tuple[int, ...]
    nitrogen_per_metal: tuple[int, ...]
    reason: str


def contact_graph(points: ArrayLike, cell: ArrayLike, periodic: bool, cutoff: float) -> BoolArray:
    """Which points touch: shape (n, 3) in A -> (n, n), False on the diagonal."""
    graph = cross_distances(points, points, cell, periodic) < cutoff
    np.fill_diagonal(graph, False)
    return graph


def components(graph: ArrayLike) -> IntArray:
    """Label of the connected component of each node, shape (n,), numbered from 0."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    _, labels = connected_components(csr_array(np.asarray(graph)), directed=False)
    return np.asarray(labels, dtype=np.int64)


def labels_through_time(
    positions: ArrayLike, cells: ArrayLike, periodic: bool, metals: ArrayLike, cutoff: float
) -> IntArray:
    """Component of each metal in each frame.

    Parameters
    ----------
    positions, cells : array_like
        Shapes (F, N, 3) and (F, 3), in A.
    periodic : bool
        Whether the cell repeats.
    metals : array_like of int
        Indices of the metals, shape (n,).
    cutoff : float
        Contact distance in A.

    Returns
    -------
    ndarray
        Shape (F, n); labels are compared within a frame only.
    """
    x, m = np.asarray(positions), np.asarray(metals, dtype=np.int64)
    rows = [
        components(contact_graph(frame[m], cell, periodic, cutoff))
        for frame, cell in zip(x, np.asarray(cells), strict=True)
    ]
    return np.array(rows, dtype=np.int64).reshape(len(x), len(m))


def sizes(labels: ArrayLike) -> list[IntArray]:
    """Sizes of the aggregates of each frame, largest first, from labels of shape (F, n)."""
    return [np.sort(np.bincount(row))[::-1].astype(np.int64) for row in np.asarray(labels)]


def find_aggregates(
    symbols: Sequence[str],
    positions: ArrayLike,
    cell: ArrayLike,
    periodic: bool,
    settings: NucleationSettings,
) -> list[Aggregate]:
    """Find and name the aggregates of one frame, largest first.

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
    settings : NucleationSettings
        Cut-offs and limits.
    """
    x = np.asarray(positions, dtype=np.float64)
    metals = np.array([i for i, s in enumerate(symbols) if s in METALS], dtype=np.int64)
    if not len(metals):
        return []
    graph = contact_graph(x[metals], cell, periodic, settings.bonds.metal_metal_A)
    bonded = []
    for element, limit in (
        ("S", settings.bonds.metal_sulfur_A),
        ("N", settings.bonds.metal_nitrogen_A),
    ):
        ligands = np.array([i for i, s in enumerate(symbols) if s == element], dtype=np.int64)
        close = cross_distances(x[metals], x[ligands], cell, periodic) < limit
        bonded.append(close.sum(axis=1))
    labels = components(graph)
    found = []
    for label in range(labels.max() + 1):
        own = np.flatnonzero(labels == label)
        whole = make_whole(x[metals[own]], cell, periodic)
        touching, (s, n) = graph[np.ix_(own, own)], (b[own] for b in bonded)
        found.append(_name(metals[own], touching, whole, s, n, settings))
    return sorted(found, key=lambda a: (-len(a.members), a.members))


def _name(
    members: IntArray,
    graph: BoolArray,
    whole: ArrayLike,
    sulfur: IntArray,
    nitrogen: IntArray,
    settings: NucleationSettings,
) -> Aggregate:
    n, contacts = len(members), float(graph.sum() / len(members))
    shape = octahedron_shape(whole) if n == 6 else None
    measure = shape.measure if shape else None
    if n <= 2:
        kind, reason = KINDS[n - 1], f"{n} metal atom{'s' if n > 1 else ''}"
    else:
        faults = _faults(graph, measure, sulfur, nitrogen, settings)
        if not faults:
            kind = "perfect octahedron"
            reason = f"octahedral contacts, 2 S and 1 N on every metal, shape measure {measure:.2f}"
        elif n >= 5 and contacts >= settings.compact_degree:
            kind, reason = "disordered nucleus", "compact, but " + "; ".join(faults)
        else:
            kind, reason = "open aggregate", f"{contacts:.1f} metal contacts per metal"
    return Aggregate(
        members=tuple(int(i) for i in members),
        kind=kind,
        mean_contacts=contacts,
        shape_measure=measure,
        rmsd_A=shape.rmsd if shape else None,
        sulfur_per_metal=tuple(int(k) for k in sulfur),
        nitrogen_per_metal=tuple(int(k) for k in nitrogen),
        reason=reason,
    )


def _faults(
    graph: BoolArray,
    measure: float | None,
    sulfur: IntArray,
    nitrogen: IntArray,
    settings: NucleationSettings,
) -> list[str]:
    """Say what keeps an aggregate from being the perfect octahedron of the article."""
    if len(graph) != 6:
        return [f"{len(graph)} metal atoms"]
    faults = []
    if not is_octahedral(graph):
        faults.append("metal contacts are not those of an octahedron")
    if measure is not None and measure > settings.shape_limit:
        faults.append(f"shape measure {measure:.2f} exceeds {settings.shape_limit:g}")
    if np.any(sulfur != 2):
        faults.append(f"{int(np.sum(sulfur != 2))} metals without exactly two S")
    if np.any(nitrogen != 1):
        faults.append(f"{int(np.sum(nitrogen != 1))} metals without exactly one N")
    return faults
