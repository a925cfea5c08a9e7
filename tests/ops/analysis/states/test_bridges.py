"""Bonded, bridged, apart: told from structures that were put together so."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from nucleops.analysis.settings import BridgeSettings
from nucleops.analysis.states.bridges import MODE_WORDS, MODES, junction_of, modes_of
from nucleops.analysis.states.named import usual_distances
from nucleops.systems.motifs import motif
from nucleops.systems.system import Molecule, System

sys.path.insert(0, str(Path(__file__).parent))
from two_halves import (  # beside this file, which is not a package
    APART,
    BONDED,
    BRIDGED,
    EDGE,
    PROTON,
    atom,
    joined,
    two_halves,
)

SYSTEM = two_halves()
CASES = {
    "A": ((BONDED, BONDED), (), 0),
    "B": ((BONDED, BRIDGED), (1,), 1),
    "C": ((BRIDGED, BRIDGED), (0, 1), 2),
    "D": ((APART, APART), (), 0),
    "half": ((BONDED, APART), (), 0),
}


def tell(x: np.ndarray, settings: BridgeSettings | None = None) -> tuple[str, int]:
    junction = junction_of(SYSTEM)
    assert junction is not None
    cells = np.full((1, 3), EDGE)
    settings = settings or BridgeSettings()
    mode, bridges = modes_of(x[None], cells, True, junction, settings)
    return MODES[mode[0]], int(bridges[0])


@pytest.mark.parametrize("name", CASES)
def test_each_way_of_being_joined(name: str) -> None:
    ends, bridges, count = CASES[name]
    x = joined(SYSTEM, ends, bridges)
    assert tell(x) == (name, count)
    shifted = (x + np.array([17.0, 19.5, -6.0])) % EDGE
    assert tell(shifted) == (name, count), "the cell's border must not matter"
    assert MODE_WORDS[name]


def test_both_at_one_end_are_two_bridges_too() -> None:
    assert tell(joined(SYSTEM, (BRIDGED, APART), (0, 0))) == ("C", 2)


def test_a_bridge_needs_its_oxygen_and_its_proton() -> None:
    x = joined(SYSTEM, (BRIDGED, BRIDGED), (0, 1))
    turned = x.copy()
    turned[atom(SYSTEM, 2, "HO")] += [0.0, 0.0, 2.5]
    assert tell(turned) == ("B", 1)
    away = x.copy()
    away[atom(SYSTEM, 3, "O")] += [0.0, 2.5, 0.0]
    assert tell(away) == ("B", 1)


def test_a_proton_given_over_to_nitrogen_still_bridges() -> None:
    x = joined(SYSTEM, (BRIDGED, BRIDGED), (0, 1))
    nitrogen, proton = atom(SYSTEM, 1, "N1"), atom(SYSTEM, 2, "HO")
    x[proton] = x[nitrogen] - [1.0, 0.0, 0.0]
    assert tell(x) == ("C", 2)


def test_cut_offs_decide() -> None:
    x = joined(SYSTEM, (BRIDGED, BRIDGED), (0, 1))
    assert tell(x, BridgeSettings(metal_nitrogen_A=4.5)) == ("A", 0)
    assert tell(x, BridgeSettings(nitrogen_hydrogen_A=1.4)) == ("D", 0)
    assert tell(x, BridgeSettings(metal_oxygen_A=2.3)) == ("D", 0)


def test_distances_of_the_two_halves() -> None:
    junction = junction_of(SYSTEM)
    x = joined(SYSTEM, (BONDED, BRIDGED), (1,))
    found = {
        one.name: float(one.of(x[None], np.full((1, 3), EDGE), True)[0])
        for one in usual_distances(SYSTEM, junction)
    }
    assert list(found) == ["Ag1-Ag2", "Ag1-N2", "Ag2-N1", "N1-H", "N2-H"]
    assert found["Ag1-N2"] == pytest.approx(BONDED)
    assert found["Ag2-N1"] == pytest.approx(BRIDGED)
    assert found["Ag1-Ag2"] == pytest.approx(3.0)
    assert found["N1-H"] == pytest.approx(PROTON)
    assert found["N2-H"] > 2.0


def test_a_dimer_has_the_same_places_as_two_monomers() -> None:
    junction = junction_of(two_halves(("dimer",)))
    assert junction is not None
    dimer = motif("dimer")
    roles = dict(zip(dimer.roles, range(12), strict=True))
    places = list(zip(junction.metals.tolist(), junction.nitrogens.tolist(), strict=True))
    assert places == [(roles["M1"], roles["N2"]), (roles["M2"], roles["N1"])]
    lengths = [np.linalg.norm(dimer.positions[m] - dimer.positions[n]) for m, n in places]
    assert max(lengths) < 2.5, "in the dimer these are the bonds between the halves"
    assert len(junction.hydrogens) == 3


def test_systems_of_other_kinds_have_no_junction() -> None:
    assert junction_of(two_halves(("octahedron",))) is None
    bare = System("x", SYSTEM.symbols, SYSTEM.positions, SYSTEM.cell, True)
    assert junction_of(bare) is None
    assert usual_distances(bare, None) == ()


def test_without_roles_places_can_be_named() -> None:
    bare = System("x", SYSTEM.symbols, SYSTEM.positions, SYSTEM.cell, True)
    places = [(atom(SYSTEM, 0, "M1"), atom(SYSTEM, 1, "N1"))]
    places += [(atom(SYSTEM, 1, "M1"), atom(SYSTEM, 0, "N1"))]
    junction, known = junction_of(bare, places), junction_of(SYSTEM)
    assert junction is not None
    assert known is not None
    for mine, theirs in zip(vars(junction).values(), vars(known).values(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_ligands_own_hydroxyl_is_no_solvent() -> None:
    """An O-H in a molecule that holds a metal does not bridge."""
    solvents = SYSTEM.molecules[2]
    joined_to_half = Molecule(
        "monomer",
        SYSTEM.molecules[0].indices + solvents.indices,
        SYSTEM.molecules[0].roles + solvents.roles,
    )
    system = System(
        "x", SYSTEM.symbols, SYSTEM.positions, SYSTEM.cell, True,
        (joined_to_half, SYSTEM.molecules[1], *SYSTEM.molecules[3:]),
    )  # fmt: skip
    junction = junction_of(system)
    assert junction is not None
    assert len(junction.oxygens) == 2
