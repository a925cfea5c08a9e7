"""Two monomers and three methanols, put by hand into each way of being joined."""

from __future__ import annotations

import numpy as np

from nucleops.systems.motifs import motif
from nucleops.systems.system import Molecule, System

EDGE = 24.0
BONDED, BRIDGED, APART = 2.3, 4.4, 7.0
"""Metal to N of the other half, in A."""
PROTON = 1.5
"""Bridging proton to N, in A."""


def two_halves(motifs: tuple[str, ...] = ("monomer", "monomer")) -> System:
    symbols: list[str] = []
    positions: list[np.ndarray] = []
    molecules = []
    wanted = [*motifs, "methanol", "methanol", "methanol"]
    for k, name in enumerate(wanted):
        made = motif(name)
        first = len(symbols)
        symbols += made.symbols
        at = np.array([4.0 + 5.0 * (k % 3), 4.0 + 6.0 * (k // 3), 20.0])
        positions.append(made.positions + at)
        molecules.append(Molecule(name, tuple(range(first, len(symbols))), made.roles))
    x = np.concatenate(positions)
    return System(
        "halves", tuple(symbols), x, np.full(3, EDGE), periodic=True, molecules=tuple(molecules)
    )


def atom(system: System, molecule: int, role: str) -> int:
    own = system.molecules[molecule]
    return own.indices[own.roles.index(role)]


def joined(system: System, ends: tuple[float, float], bridges: tuple[int, ...] = ()) -> np.ndarray:
    """Positions with the two M-N distances given; `bridges` says at which end each methanol is.

    The four atoms lie in the corners of a trapezium, M1-N2 along one side and M2-N1, 3 A above,
    along the other: M1 and M2 are diagonal to each other.
    """
    x = system.positions.copy()
    origin = np.array([5.0, 5.0, 5.0])
    for k, (half, other) in enumerate(((0, 1), (1, 0))):
        metal, nitrogen = atom(system, half, "M1"), atom(system, other, "N1")
        way = np.array([1.0, 0.0, 0.0])
        x[metal] = origin + np.array([0.0, 3.0 * k, 0.0])
        x[nitrogen] = x[metal] + ends[k] * way
    for methanol, end in enumerate(bridges):
        half, other = ((0, 1), (1, 0))[end]
        metal, nitrogen = atom(system, half, "M1"), atom(system, other, "N1")
        # a second one at the same end comes from the other side
        side = np.array([0.0, 0.0, -0.4 if methanol else 0.4])
        x[atom(system, 2 + methanol, "O")] = x[metal] + [2.4, 0.0, 0.0] + side
        x[atom(system, 2 + methanol, "HO")] = x[nitrogen] - [PROTON, 0.0, 0.0]
    return x
