"""Distances that are followed by name: those of the article's figure, or any that are given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleops.analysis.geometry import distances
from nucleops.analysis.grid import FloatArray
from nucleops.analysis.states.bridges import Junction
from nucleops.systems.system import System


@dataclass(frozen=True)
class NamedDistance:
    """A distance: that of the closest of its pairs of atoms, zero-based."""

    name: str
    pairs: tuple[tuple[int, int], ...]

    def of(self, positions: FloatArray, cells: FloatArray, periodic: bool) -> FloatArray:
        """Return it in each frame, in A: (F, N, 3) and (F, 3) -> (F,)."""
        return np.asarray(distances(positions, cells, periodic, self.pairs).min(axis=1))


def usual_distances(system: System, junction: Junction | None) -> tuple[NamedDistance, ...]:
    """Return what is followed of two halves where nothing else is asked for.

    The metals from each other, each metal from the N of the other half's ligand (Ag1-N2: the
    article calls it Ag1-N1), and each N from the nearest proton that is not its ligand's own: about
    1.0 A where it is protonated, 1.5 A where it shares the proton with a solvent molecule. The
    ligand's own N-H bond is left out: it is always there.
    """
    if junction is None or len(junction.metals) != 2:
        return ()
    metal = system.symbols[int(junction.metals[0])]
    (m1, m2), (n2, n1) = junction.metals.tolist(), junction.nitrogens.tolist()
    made = [
        NamedDistance(f"{metal}1-{metal}2", ((m1, m2),)),
        NamedDistance(f"{metal}1-N2", ((m1, n2),)),
        NamedDistance(f"{metal}2-N1", ((m2, n1),)),
    ]
    if len(junction.hydrogens):
        protons = junction.hydrogens.tolist()
        for name, nitrogen in (("N1-H", n1), ("N2-H", n2)):
            made.append(NamedDistance(name, tuple((nitrogen, h) for h in protons)))
    return tuple(made)
