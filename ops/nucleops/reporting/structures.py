"""Final structures: what is shown, with which bonds, for the viewer and as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.grid import FloatArray
from nucleops.analysis.settings import BondSettings
from nucleops.analysis.stages.files import LAST
from nucleops.reporting.style import ELEMENTS, Book
from nucleops.systems.elements import COVALENT_RADIUS_A
from nucleops.systems.system import METALS, System

SOLVENT_SHELL_A = 7.0
"""Solvent molecules with an atom this close to a metal are shown."""
MOST_ATOMS = 3000
"""Atoms of one structure that are shown; the farthest solvent is left out first."""
_PICTURE_RADII = {"H": 0.30, "C": 0.45, "N": 0.48, "O": 0.46, "S": 0.62}


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
    for molecule in system.of_motif("methanol"):
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
    for molecule in system.of_motif("methanol"):
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
        Covalent bonds within 1.25 times the covalent radii, metal-S and metal-N within the
        analyses' cut-offs; and metal-metal contacts within theirs.
    """
    from scipy.spatial import cKDTree

    limits = BondSettings()
    bonds, contacts = [], []
    for i, j in sorted(cKDTree(positions).query_pairs(limits.metal_metal_A)):
        a, b = sorted((symbols[i], symbols[j]), key=lambda s: s not in METALS)
        d = float(np.linalg.norm(positions[i] - positions[j]))
        if a in METALS and b in METALS:
            contacts.append((int(i), int(j)))
        elif a in METALS:
            limit = {"S": limits.metal_sulfur_A, "N": limits.metal_nitrogen_A}.get(b, 0.0)
            if d < limit:
                bonds.append((int(i), int(j)))
        elif d < 1.25 * (COVALENT_RADIUS_A[a] + COVALENT_RADIUS_A[b]) and (a, b) != ("H", "H"):
            bonds.append((int(i), int(j)))
    return tuple(bonds), tuple(contacts)


def collect(stages: dict[str, Path], summaries: dict[str, Any], most: int) -> list[Structure]:
    """Gather final structures of the stages that are there, at most `most`."""
    from nucleops.systems.files import read_extxyz

    wanted: list[tuple[str, str, str, Path]] = []
    if "unbiased" in stages:
        path = stages["unbiased"] / "md" / LAST
        wanted.append(("unbiased", "cluster, unbiased run", "last trusted frame", path))
    if "nucleate" in stages:
        replicas = sorted(summaries["nucleate"]["replicas"], key=lambda r: -r["largest"])
        for r in replicas:
            kinds = ", ".join(f"{n} × {k}" for k, n in r["kinds"].items())
            path = stages["nucleate"] / r["name"] / LAST
            wanted.append((r["name"], r["name"], f"last trusted frame: {kinds}", path))
    if "metad" in stages:
        for s in summaries["metad"].get("states_written") or []:
            path = stages["metad"] / "states" / f"{s['name']}.extxyz"
            note = f"frame nearest to the state's minimum, {s['time_ps']:.3g} ps"
            wanted.append((f"state-{s['name']}", f"state: {s['name']}", note, path))
        for r in summaries["metad"]["runs"]:
            path = stages["metad"] / r["name"] / LAST
            wanted.append((r["name"], f"metadynamics {r['name']}", "last trusted frame", path))
    return [
        make(f"s-{key}", title, note, read_extxyz(path))
        for key, title, note, path in wanted
        if path.is_file()
    ][:most]


def picture(book: Book, structure: Structure) -> str:
    """Draw a structure in two dimensions, nearer atoms over farther ones; return inline SVG."""
    import matplotlib.pyplot as plt
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Circle

    x = _best_view(structure)
    wet = np.array(structure.solvent)
    fig, ax = plt.subplots(figsize=(4.2, 3.4), layout="none")
    fig.subplots_adjust(0, 0, 1, 1)
    low, high = float(x[:, 2].min()), float(np.ptp(x[:, 2]) or 1.0)
    order = 10 + 80 * (x[:, 2] - low) / high
    for k, ((i, j), contact) in enumerate(
        [(b, False) for b in structure.bonds] + [(c, True) for c in structure.contacts]
    ):
        faint = wet[i] or wet[j]
        lines = LineCollection(
            [_between_balls(x[i], x[j], structure.symbols[i], structure.symbols[j], bool(faint))],
            colors="#9aa3ad" if faint else (ELEMENTS["Ag"] if contact else "#6b7178"),
            linewidths=0.5 if faint else (1.2 if contact else 2.2),
            linestyles="dotted" if contact else "solid",
            zorder=(order[i] + order[j]) / 2 - (80 if faint else 0.01) - 1e-6 * k,
            alpha=0.6 if faint else 1.0,
        )
        ax.add_collection(lines)
    for i in np.flatnonzero(~wet).tolist():
        element = structure.symbols[i]
        radius = _radius(element)
        colour = ELEMENTS.get(element, ELEMENTS["Ag"])
        ball = Circle((x[i, 0], x[i, 1]), radius, fc=colour, ec="#33383e", lw=0.6, zorder=order[i])
        shine = Circle(
            (x[i, 0] + 0.3 * radius, x[i, 1] + 0.3 * radius),
            0.28 * radius,
            fc="white",
            ec="none",
            alpha=0.5,
            zorder=order[i] + 1e-3,
        )
        ax.add_patch(ball)
        ax.add_patch(shine)
    core = x[~wet] if np.any(~wet) else x
    ax.set_xlim(core[:, 0].min() - 2.2, core[:, 0].max() + 2.2)
    ax.set_ylim(core[:, 1].min() - 2.2, core[:, 1].max() + 2.2)
    ax.set_aspect("equal", adjustable="datalim")
    ax.axis("off")
    made = book.add(
        f"structure_{structure.key.removeprefix('s-')}",
        fig,
        caption=f"{structure.title}: {structure.note}.",
        alt=f"Picture of {structure.title}, {structure.note}; bonds and atoms of the cluster, "
        "solvent as thin lines.",
    )
    del book.figures[made.name]
    return made.svg


def _radius(element: str) -> float:
    return 0.85 if element in METALS else _PICTURE_RADII.get(element, 0.45)


def _between_balls(a: FloatArray, b: FloatArray, first: str, second: str, faint: bool) -> Any:
    """Ends of a bond as drawn: where it leaves the balls, so that none is crossed."""
    along = (b - a) / np.linalg.norm(b - a)
    ends = (0.0, 0.0) if faint else (0.9 * _radius(first), 0.9 * _radius(second))
    return [(a + ends[0] * along)[:2], (b - ends[1] * along)[:2]]


def _best_view(structure: Structure) -> FloatArray:
    """Turn the cluster so that its two longest axes lie in the plane, then tilt a little."""
    x = np.asarray(structure.positions)
    core = x[~np.array(structure.solvent)] if not all(structure.solvent) else x
    _, _, axes = np.linalg.svd(core - core.mean(axis=0), full_matrices=False)
    if len(axes) < 3 or np.linalg.det(axes) < 0:
        axes = np.vstack([axes[:2], np.cross(axes[0], axes[1])])
    tilt, turn = np.radians(18), np.radians(14)
    rx = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    ry = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    return np.asarray((x - core.mean(axis=0)) @ axes.T @ ry.T @ rx.T, dtype=np.float64)


def legend(structures: Sequence[Structure]) -> list[tuple[str, str]]:
    """Elements that occur in the structures, with their colours."""
    present = {s for structure in structures for s in structure.symbols}
    return [(e, c) for e, c in ELEMENTS.items() if e in present]
