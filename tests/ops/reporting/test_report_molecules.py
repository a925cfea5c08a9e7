"""Molecules of a study's own in the report: their bonds, colours, and what counts as solvent."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nucleops.reporting.structures import find_bonds, legend, make
from nucleops.reporting.style import ELEMENTS
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.molecules import MoleculeSpec, read_molecule
from nucleops.systems.packing import build_system
from nucleops.systems.spec import SystemSpec

GOLD = Path(__file__).parents[2] / "data" / "studies" / "gold"
WATER = [
    {"element": "O", "role": "O", "at_A": [0.0, 0.0, 0.0]},
    {"element": "H", "role": "H1", "at_A": [0.96, 0.0, 0.0]},
    {"element": "H", "role": "H2", "at_A": [-0.24, 0.93, 0.0]},
]


def test_every_element_has_a_colour_of_its_own() -> None:
    assert set(ELEMENTS) == set(MASS_G_MOL)
    assert len(set(ELEMENTS.values())) == len(ELEMENTS)


def test_gold_is_drawn_bound_to_phosphorus_but_not_to_passing_oxygen() -> None:
    part = read_molecule(GOLD / "gold-phosphine.extxyz").as_motif("gold-phosphine")
    across = np.cross([1.0, 0.0, 0.0], part.positions[1] - part.positions[0])
    near = part.positions[0] + 2.2 * across / np.linalg.norm(across)
    bonds, contacts = find_bonds((*part.symbols, "O"), np.vstack([part.positions, near]))
    assert {(0, 1), (0, 2)} <= set(bonds)
    assert not any(10 in bond for bond in bonds if 0 in bond)
    assert contacts == ()


def test_own_solvent_is_shown_as_solvent() -> None:
    molecules = {
        "gold-ring": read_molecule(GOLD / "gold-ring.extxyz"),
        "water": MoleculeSpec.model_validate({"atoms": WATER}),
    }
    spec = SystemSpec.model_validate(
        {
            "contents": [{"motif": "gold-ring", "count": 1}, {"motif": "water", "count": 3}],
            "box": {"shape": "droplet", "radius_A": 6.5},
        }
    )
    shown = make("s", "ring", "", build_system("wet", spec, "Au", 1, molecules))
    wet = np.array(shown.solvent)
    assert wet.sum() == 9
    assert not wet[[i for i, s in enumerate(shown.symbols) if s in ("Au", "S", "C")]].any()
    assert {element for element, _ in legend([shown])} == {"Au", "S", "C", "H", "O"}
