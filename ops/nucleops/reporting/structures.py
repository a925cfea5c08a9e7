"""Final structures: which are shown, and with which bonds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.grid import FloatArray
from nucleops.analysis.nuclei.naming import KINDS
from nucleops.analysis.settings import BondSettings
from nucleops.analysis.stages.files import LAST
from nucleops.reporting.sections import Result, Results
from nucleops.reporting.style import ELEMENTS
from nucleops.systems.elements import COVALENT_RADIUS_A
from nucleops.systems.system import METALS, System
from nucleops.systems.topology import BOND_TOLERANCE, DONORS

SOLVENT_SHELL_A = 7.0
"""Solvent molecules with an atom this close to a metal are shown."""
MOST_ATOMS = 3000
"""Atoms of one structure that are shown; the farthest solvent is left out first."""


@dataclass(frozen=True)
class Structure:
    """One structure as it is shown.

    Attributes
    ----------
    key : str
        Unique id.
    title, note : str
        Name on the button, and a sentence about it.
    symbols : tuple of str
        Elements, shape (n,).
    positions : ndarray
        Shape (n, 3), in A, about the cluster's centre.
    solvent : tuple of bool
        Which atoms are solvent.
    bonds, contacts : tuple of (int, int)
        Bonds to draw, and metal-metal contacts.
    """

    key: str
    title: str
    note: str
    symbols: tuple[str, ...]
    positions: FloatArray
    solvent: tuple[bool, ...]
    bonds: tuple[tuple[int, int], ...]
    contacts: tuple[tuple[int, int], ...]

    def data(self) -> dict[str, Any]:
        """Return what the page's script needs, small."""
        return {
            "key": self.key,
            "title": self.title,
            "note": self.note,
            "el": list(self.symbols),
            "xyz": [[round(float(v), 3) for v in row] for row in self.positions],
            "solvent": [int(s) for s in self.solvent],
            "bonds": [list(b) for b in self.bonds],
            "contacts": [list(c) for c in self.contacts],
        }


def make(key: str, title: str, note: str, system: System) -> Structure:
    """Choose what is shown of a system: the cluster, and the solvent near it."""
    solvent = np.zeros(system.n_atoms, dtype=np.bool_)
    for molecule in system.without_metal():
        solvent[list(molecule.indices)] = True
    x = np.asarray(system.positions, dtype=np.float64)
    keep = _shown(system, x, solvent)
    symbols = tuple(system.symbols[i] for i in keep)
    own, wet = x[keep], solvent[keep]
    middle = own[~wet].mean(axis=0) if np.any(~wet) else own.mean(axis=0)
    bonds, contacts = find_bonds(symbols, own)
    return Structure(
        key, title, note, symbols, own - middle, tuple(bool(w) for w in wet), bonds, contacts
    )


def _shown(system: System, x: FloatArray, solvent: Any) -> Any:
    metals = [i for i, s in enumerate(system.symbols) if s in METALS]
    if not metals or not system.molecules:
        return np.arange(min(system.n_atoms, MOST_ATOMS))
    near: list[tuple[float, tuple[int, ...]]] = []
    for molecule in system.without_metal():
        own = x[list(molecule.indices)]
        d = np.linalg.norm(own[:, None] - x[metals][None], axis=-1).min()
        if d < SOLVENT_SHELL_A:
            near.append((float(d), molecule.indices))
    chosen = np.flatnonzero(~solvent).tolist()
    for _, indices in sorted(near):
        if len(chosen) + len(indices) > MOST_ATOMS:
            break
        chosen += indices
    return np.array(sorted(chosen))


def find_bonds(
    symbols: Sequence[str], positions: FloatArray
) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """Bonds and metal-metal contacts to draw, by distance alone.

    Parameters
    ----------
    symbols : sequence of str
        Shape (n,).
    positions : ndarray
        Shape (n, 3), in A; open boundaries.

    Returns
    -------
    bonds, contacts : tuple of (int, int)
        Covalent bonds within 1.25 times the covalent radii, also of a metal with P, halogens and
        the like; metal-S and metal-N within the analyses' cut-offs; and metal-metal contacts
        within theirs. Metal-O, of passing solvent, is not drawn.
    """
    from scipy.spatial import cKDTree

    limits = BondSettings()
    bonds, contacts = [], []
    for i, j in sorted(cKDTree(positions).query_pairs(limits.metal_metal_A)):
        a, b = sorted((symbols[i], symbols[j]), key=lambda s: s not in METALS)
        d = float(np.linalg.norm(positions[i] - positions[j]))
        covalent = BOND_TOLERANCE * (COVALENT_RADIUS_A[a] + COVALENT_RADIUS_A[b])
        if a in METALS and b in METALS:
            contacts.append((int(i), int(j)))
        elif a in METALS:
            own = {"S": limits.metal_sulfur_A, "N": limits.metal_nitrogen_A, "O": 0.0}
            if b in DONORS and d < own.get(b, covalent):
                bonds.append((int(i), int(j)))
        elif d < covalent and (a, b) != ("H", "H"):
            bonds.append((int(i), int(j)))
    return tuple(bonds), tuple(contacts)


def collect(results: Results, most: int) -> list[Structure]:
    """Gather final structures of the stages that are there, at most `most`."""
    from nucleops.systems.files import read_extxyz

    return [
        make(f"s-{key}", title, note, read_extxyz(path))
        for key, title, note, path in _wanted(results)
        if path.is_file()
    ][:most]


def _wanted(results: Results) -> Iterator[tuple[str, str, str, Path]]:
    """Key, title, note and file of each structure, those that say most first."""
    for r in results["unbiased"]:
        title = f"{r.name or 'cluster'}, unbiased run"
        yield f"unbiased{r.tag}", title, _last(r.summary["runs"][0]), r.folder / "md" / LAST
    for r in results["metad"]:
        yield from _states(r)
    for r in results["nucleate"]:
        ends = {run["name"]: run for run in r.summary["runs"]}
        for x in sorted(r.summary["replicas"], key=lambda x: -x["largest"]):
            kinds = ", ".join(f"{n} × {k}" for k, n in x["kinds"].items())
            note = f"{_last(ends[x['name']])}; {kinds}"
            yield f"{x['name']}{r.tag}", x["name"], note, r.folder / x["name"] / LAST
        for key, title, note, path in _nuclei(r):
            yield f"{key}{r.tag}", title, note, path
    for r in results["metad"]:
        of = f"{r.name}, " if r.tag else "metadynamics "
        for run in r.summary["runs"]:
            key = f"{run['name']}{r.tag}"
            yield key, f"{of}{run['name']}", _last(run), r.folder / run["name"] / LAST


def _states(r: Result) -> Iterator[tuple[str, str, str, Path]]:
    """First frame of each state; those along the path are too many to show."""
    of = f"{r.name}: " if r.tag else ""
    for s in r.summary.get("states_written") or []:
        key, time = f"state-{s['name']}{r.tag}", f"{s['time_ps']:.3g} ps"
        if s["by"] == "joined":
            title, note = s["name"].replace("-", " as "), f"most probable frame: {s['meaning']}"
        else:
            title, note = f"state {s['name']}", "frame nearest to the state's minimum"
        if s["by"] != "path":
            yield key, f"{of}{title}", f"{note}, {time}", r.folder / s["file"]


def _nuclei(r: Result) -> Iterator[tuple[str, str, str, Path]]:
    """Nuclei of every replica, the most ordered and largest first."""
    found = [(KINDS.index(n["kind"]), n["n_metal"], x["name"], n)
             for x in r.summary["replicas"] for n in x["nuclei"]]  # fmt: skip
    for _, n_metal, replica, nucleus in sorted(found, key=lambda f: (-f[0], -f[1], f[2])):
        number = nucleus["number"]
        measure = nucleus["shape_measure"]
        shape = "" if measure is None else f", shape measure {measure:.2f}"
        note = f"{nucleus['kind']} of {n_metal} metals{shape}"
        path = r.folder / replica / f"nucleus-{number}.extxyz"
        yield f"nucleus-{replica}-{number}", f"{replica}, nucleus {number}", note, path


def _last(run: Mapping[str, Any]) -> str:
    if run["trusted_ps"] <= 0:
        return "first frame; no later one is trusted"
    return f"last trusted frame, {run['trusted_ps']:.3g} ps"


def legend(structures: Sequence[Structure]) -> list[tuple[str, str]]:
    """Elements that occur in the structures, with their colours."""
    present = {s for structure in structures for s in structure.symbols}
    return [(e, c) for e, c in ELEMENTS.items() if e in present]
