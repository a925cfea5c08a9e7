"""Structures drawn in two dimensions, for readers without WebGL and for paper."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from nucleops.analysis.grid import FloatArray
from nucleops.reporting.structures import Structure
from nucleops.reporting.style import ELEMENTS, PURPLE, Book
from nucleops.systems.system import METALS

_PICTURE_IN = (4.2, 3.4)
_ON_TOP = 200
_PICTURE_RADII = {"H": 0.30, "C": 0.45, "N": 0.48, "O": 0.46, "S": 0.62}


def picture(book: Book, structure: Structure) -> str:
    """Draw a structure in two dimensions, nearer atoms over farther ones; return inline SVG."""
    made = book.add(
        f"structure_{structure.key.removeprefix('s-')}",
        drawn(structure),
        caption=f"{structure.title}: {structure.note}.",
        alt=f"Picture of {structure.title}, {structure.note}; bonds and atoms of the cluster, "
        "solvent as thin lines.",
    )
    del book.figures[made.name]
    return made.svg


def drawn(structure: Structure, marked: Collection[int] = ()) -> Any:
    """Return a matplotlib figure of a structure, with rings round the atoms that are marked."""
    import matplotlib.pyplot as plt
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Circle

    x = _best_view(structure)
    wet = np.array(structure.solvent)
    fig, ax = plt.subplots(figsize=_PICTURE_IN, layout="none")
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
        if i in marked:
            at, wide = (x[i, 0], x[i, 1]), radius + 0.25
            ax.add_patch(Circle(at, wide, fc="none", ec=PURPLE, lw=1.6, zorder=_ON_TOP))
    core = x[~wet, :2] if np.any(~wet) else x[:, :2]
    middle, half = core.min(axis=0) / 2 + core.max(axis=0) / 2, np.ptp(core, axis=0) / 2 + 1.2
    # one scale for both axes, chosen so that the whole cluster is in the picture
    scale = float(np.max(half / _PICTURE_IN))
    ax.set_xlim(middle[0] - scale * _PICTURE_IN[0], middle[0] + scale * _PICTURE_IN[0])
    ax.set_ylim(middle[1] - scale * _PICTURE_IN[1], middle[1] + scale * _PICTURE_IN[1])
    ax.axis("off")
    return fig


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
