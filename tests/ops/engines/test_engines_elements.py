"""Elements beyond the six of the article, at every engine that has to know them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.cp2k.dft import VALENCE
from nucleops.engines.cp2k.inputs import single_point_input
from nucleops.engines.cp2k.settings import Gfn1Xtb, PbeD3
from nucleops.engines.deepmd.data_range import composition
from nucleops.engines.deepmd.inputs import training_input
from nucleops.engines.deepmd.settings import Descriptor, Schedule, TrainSettings
from nucleops.engines.deepmd.task import read_train_task
from nucleops.engines.lammps.geometry import kept_bonds
from nucleops.engines.lammps.inputs import lammps_input
from nucleops.engines.lammps.settings import MdSettings
from nucleops.errors import WrongInput
from nucleops.systems.molecules import read_molecule
from nucleops.systems.system import Molecule, System, type_map

GOLD = Path(__file__).parents[2] / "data" / "studies" / "gold"
TYPES = ("Au", "S", "N", "C", "H", "O", "P")
SCHEDULE = Schedule(steps=10)


def complex_() -> System:
    """One (methanethiolato)(phosphine)gold(I) in a vacuum cell, in a study of gold."""
    part = read_molecule(GOLD / "gold-phosphine.extxyz").as_motif("gold-phosphine")
    cell = np.full(3, 30.0)
    molecule = Molecule(part.name, tuple(range(len(part.symbols))), part.roles)
    return System("c", part.symbols, part.positions + 15.0, cell, False, (molecule,), TYPES)


def bonds(system: System) -> set[frozenset[str]]:
    roles = system.molecules[0].roles
    pairs, _ = kept_bonds(system)
    return {frozenset((roles[i], roles[j])) for i, j in pairs.tolist()}


def test_bonds_that_must_hold_are_those_between_non_metals() -> None:
    expected = [("C1", "S1"), *(("P1", f"HP{k}") for k in (1, 2, 3))]
    expected += [("C1", f"HC{k}") for k in (1, 2, 3)]
    assert bonds(complex_()) == {frozenset(pair) for pair in expected}


def test_a_hydrogen_that_is_exchanged_may_leave() -> None:
    system = complex_()
    symbols = list(system.symbols)
    symbols[1] = "S"  # the hydrogens of the phosphine on a thiol instead
    acidic = bonds(replace(system, symbols=tuple(symbols)))
    assert not any("P1" in pair for pair in acidic)


def test_phosphorus_has_basis_potential_and_type() -> None:
    text = single_point_input(complex_(), PbeD3())
    assert "&KIND P" in text
    kind = text[text.index("&KIND P") :]
    assert "BASIS_SET DZVP-MOLOPT-SR-GTH-q5" in kind
    assert "POTENTIAL GTH-PBE-q5" in kind
    assert "&KIND" not in single_point_input(complex_(), Gfn1Xtb())


@pytest.mark.parametrize(
    ("element", "basis"), [("Cl", "TZVP-MOLOPT-GTH-q7"), ("Se", "TZVP-MOLOPT-SR-GTH-q6")]
)
def test_triple_zeta_is_short_ranged_where_there_is_no_other(element: str, basis: str) -> None:
    system = complex_()
    symbols = tuple(element if s == "P" else s for s in system.symbols)
    text = single_point_input(replace(system, symbols=symbols), PbeD3(basis="TZVP-MOLOPT-GTH"))
    assert f"BASIS_SET {basis}" in text


def test_an_element_without_settings_names_those_there() -> None:
    system = complex_()
    symbols = tuple("Xe" if s == "P" else s for s in system.symbols)
    with pytest.raises(WrongInput, match=rf"element Xe; allowed: {', '.join(VALENCE)}"):
        single_point_input(replace(system, symbols=symbols), PbeD3())


def test_lammps_input_names_every_element_and_guards_the_new_ones() -> None:
    settings = MdSettings(steps=10, stride=5, contact_guard_eV_A2=20.0)
    closest = {"Au-P": 2.1, "H-H": 1.4, "Ag-S": 2.0}
    text = lammps_input(complex_(), ["a.pb", "b.pb"], settings, 1, closest_A=closest)
    assert f"pair_coeff * * deepmd {' '.join(TYPES)}" in text
    assert "pair_coeff 1 7 harmonic/cut 20 2.0800 # Au-P" in text
    assert "Ag-S" not in text


def test_training_needs_one_neighbour_number_for_each_element() -> None:
    train = TrainSettings(
        descriptor=Descriptor(sel=(4, 4, 4, 8, 20, 6, 2)),
        first=SCHEDULE,
        again=SCHEDULE,
        last=SCHEDULE,
    )
    task = {"train": train.model_dump(mode="json"), "type_map": list(TYPES), "seed": 3}
    assert read_train_task(task, "train").type_map == TYPES
    script = training_input(train, "first", TYPES, 3, [Path("d")], [])
    assert script["model"]["type_map"] == list(TYPES)
    assert script["model"]["descriptor"]["sel"] == [4, 4, 4, 8, 20, 6, 2]
    with pytest.raises(WrongInput, match="sel has 7 numbers for 6 elements: Au S N C H O"):
        read_train_task({**task, "type_map": list(TYPES[:6])}, "train")


def test_compositions_are_named_in_the_order_of_the_types() -> None:
    symbols = ["Br", "H", "Cl", "Au", "P", "F"]
    assert composition(symbols) == "Au1H1F1P1Cl1Br1"
    assert [s for s in type_map("Au", symbols) if s in symbols] == ["Au", "H", "F", "P", "Cl", "Br"]
