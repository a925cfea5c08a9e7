"""Molecules that a study brings along: read, refused, packed, and written for the engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nucleops.engines.cp2k.dft import VALENCE
from nucleops.errors import WrongInput
from nucleops.systems import elements
from nucleops.systems.files import read_extxyz, write_extxyz, write_lammps_data
from nucleops.systems.molecules import MoleculeSpec, elements_of, find_motif, read_molecule
from nucleops.systems.packing import build_system, pack
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import type_map
from nucleops.systems.topology import bonds_by_role
from nucleops.systems.volume import fill_count

GOLD = Path(__file__).parents[2] / "data" / "studies" / "gold"
WATER = {
    "atoms": [
        {"element": "O", "role": "O", "at_A": [0.0, 0.0, 0.0]},
        {"element": "H", "role": "H1", "at_A": [0.96, 0.0, 0.0]},
        {"element": "H", "role": "H2", "at_A": [-0.24, 0.93, 0.0]},
    ]
}
HEAD = "Properties=species:S:1:pos:R:3:role:S:1"


def molecules() -> dict[str, MoleculeSpec]:
    return {
        "gold-phosphine": read_molecule(GOLD / "gold-phosphine.extxyz"),
        "gold-ring": read_molecule(GOLD / "gold-ring.extxyz"),
        "water": MoleculeSpec.model_validate(WATER),
    }


def spec(*contents: dict[str, object], **more: object) -> SystemSpec:
    return SystemSpec.model_validate({"contents": contents, **more})


def test_every_table_knows_the_same_elements() -> None:
    known = set(elements.MASS_G_MOL)
    assert set(elements.ATOMIC_NUMBER) == known
    assert set(elements.COVALENT_RADIUS_A) == known
    assert set(elements.VAN_DER_WAALS_RADIUS_A) == known
    assert set(VALENCE) == known


def test_tables_agree_with_ase() -> None:
    from ase.data import atomic_masses_iupac2016, atomic_numbers, covalent_radii
    from ase.data.vdw_alvarez import vdw_radii

    for symbol, number in elements.ATOMIC_NUMBER.items():
        assert atomic_numbers[symbol] == number
        assert elements.MASS_G_MOL[symbol] == pytest.approx(
            atomic_masses_iupac2016[number], rel=5e-5
        )
        assert elements.COVALENT_RADIUS_A[symbol] == pytest.approx(covalent_radii[number])
        assert elements.VAN_DER_WAALS_RADIUS_A[symbol] == pytest.approx(vdw_radii[number])


def test_a_molecule_file_keeps_geometry_roles_and_origin() -> None:
    spec = molecules()["gold-phosphine"]
    molecule = spec.as_motif("gold-phosphine")
    assert molecule.roles == ("M1", "P1", "S1", "C1", "HP1", "HP2", "HP3", "HC1", "HC2", "HC3")
    assert molecule.symbols[:4] == ("Au", "P", "S", "C")
    assert "GFN1-xTB" in molecule.provenance
    np.testing.assert_allclose(molecule.positions.mean(axis=0), 0.0, atol=1e-12)
    system = read_extxyz(GOLD / "gold-phosphine.extxyz")
    moved = molecule.positions - molecule.positions[0] + system.positions[0]
    np.testing.assert_allclose(moved, system.positions, atol=1e-9)
    bonds = bonds_by_role(molecule.symbols, molecule.positions, molecule.roles)
    assert {frozenset(("M1", "P1")), frozenset(("M1", "S1"))} <= bonds
    assert len(bonds) == 9


def test_the_ring_is_a_ring() -> None:
    molecule = molecules()["gold-ring"].as_motif("gold-ring")
    bonds = bonds_by_role(molecule.symbols, molecule.positions, molecule.roles)
    gold = [b for b in bonds if any(role.startswith("M") for role in b)]
    assert len(gold) == 8
    for k in range(1, 5):
        assert sum(f"M{k}" in b for b in gold) == 2
        assert sum(f"S{k}" in b for b in gold) == 2


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (f"1\n{HEAD}\nXe 0 0 0 X1\n", ["line 3: found element 'Xe'", "allowed: H, B", "mean '"]),
        (f"2\n{HEAD}\nO 0 0 0 O\nH 0 0 1 h1\n", ["line 4: role: found 'h1'", "match pattern"]),
        ("1\nProperties=species:S:1:pos:R:3:rôle:S:1\nO 0 0 0 O\n", ["no column role:S:1"]),
        ("1\nProperties=species:S:1:pos:R:3:roles:S:1\nO 0 0 0 O\n", ["'roles' meant to be"]),
        ("1\n\nO 0 0 0\n", ["line 2", "no column role:S:1; found: pos, species"]),
        (f"2\n{HEAD}\nH 0 0 0 H1\nH 0 0 1 H1\n", ["'H1' is given to atoms 1 and 2;"]),
        (
            f"2\n{HEAD}\nH 0 0 0 H1\nH 0 0 0.4 H2\n",
            ["atoms 1 (H1) and 2 (H2) are 0.40 A apart", "0.5 A or more"],
        ),
        (f"1\n{HEAD}\nO 0 0 0 O\n" * 2, ["holds 2 frames; allowed: one"]),
        (f"2\n{HEAD}\nO 0 0 0 O\n", ["ends early"]),
        ("", ["holds 0 frames"]),
    ],
)
def test_a_wrong_molecule_file_is_refused(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "mine.extxyz"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WrongInput) as caught:
        read_molecule(path)
    assert str(path) in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_a_missing_file_names_those_there(tmp_path: Path) -> None:
    (tmp_path / "phosphine.extxyz").write_text(f"1\n{HEAD}\nP 0 0 0 P1\n")
    with pytest.raises(WrongInput, match=r"phosphin\.extxyz.*did you mean 'phosphine\.extxyz'"):
        read_molecule(tmp_path / "phosphin.extxyz")
    with pytest.raises(WrongInput, match="in that folder: none"):
        read_molecule(tmp_path / "nowhere" / "phosphine.extxyz")


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({}, "neither file nor atoms"),
        ({"file": "a.extxyz"}, "allowed here: atoms"),
        ({"file": "a.extxyz", **WATER}, "both file and atoms"),
        ({"atoms": [WATER["atoms"][0]] * 2}, "role 'O' is given to atoms 1 and 2"),
        ({"atoms": [{**WATER["atoms"][0], "element": "Ox"}]}, "found element 'Ox'"),
        ({"atoms": [{**WATER["atoms"][0], "at_A": [0, 0, float("nan")]}]}, "finite number"),
    ],
)
def test_a_wrong_description_is_refused(values: dict[str, object], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        MoleculeSpec.model_validate(values)


def test_plain_data_gives_the_same_molecule() -> None:
    for molecule in molecules().values():
        plain = molecule.model_dump(mode="json")
        assert "file" not in plain
        assert MoleculeSpec.model_validate(plain) == molecule


def test_an_unknown_molecule_names_the_nearest() -> None:
    with pytest.raises(WrongInput, match=r"'gold-rings'.*octahedron.*mean 'gold-ring'"):
        find_motif("gold-rings", "Au", molecules())
    wrong = spec({"motif": "dimers", "count": 1}, box={"shape": "droplet", "radius_A": 5})
    with pytest.raises(WrongInput, match=r"system 'x': molecule 'dimers'.*mean 'dimer'"):
        pack("x", wrong, "Ag", 1)


@given(st.lists(st.sampled_from(sorted(elements.MASS_G_MOL))))
def test_element_order_depends_on_the_set_alone(others: list[str]) -> None:
    order = type_map("Au", others)
    assert order[:6] == ["Au", "S", "N", "C", "H", "O"]
    assert order == type_map("Au", reversed(others))
    assert set(order) == {*order[:6], *others}
    numbers = [elements.ATOMIC_NUMBER[s] for s in order[6:]]
    assert numbers == sorted(set(numbers))


def test_elements_of_a_study() -> None:
    assert elements_of("Ag") == ("Ag", "S", "N", "C", "H", "O")
    assert elements_of("Au", molecules()) == ("Au", "S", "N", "C", "H", "O", "P")
    # in a silver study the gold of a molecule is one more element
    assert elements_of("Ag", molecules()) == ("Ag", "S", "N", "C", "H", "O", "P", "Au")


def test_own_molecules_are_packed_whole_and_centred(tmp_path: Path) -> None:
    mine = molecules()
    box = {"shape": "droplet", "radius_A": 7.0}
    contents = ({"motif": "gold-ring", "count": 1}, {"motif": "water", "count": 4})
    packed = pack("mix", spec(*contents, box=box, minimum_distance_A=2.2), "Au", 3, mine)
    assert [m.motif for m in packed.system.molecules] == ["gold-ring", *["water"] * 4]
    assert packed.provenance["water"] == "given in the study"
    for molecule in packed.system.molecules:
        stored = mine[molecule.motif].as_motif(molecule.motif)
        positions = packed.system.positions[list(molecule.indices)]
        ours = np.linalg.norm(positions[:, None] - positions[None], axis=2)
        theirs = np.linalg.norm(stored.positions[:, None] - stored.positions[None], axis=2)
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert molecule.roles == stored.roles
    gold = packed.system.positions[packed.system.of_element("Au")]
    np.testing.assert_allclose(gold.mean(axis=0), packed.system.cell / 2, atol=1e-6)
    again = build_system("mix", spec(*contents, box=box, minimum_distance_A=2.2), "Au", 3, mine)
    np.testing.assert_array_equal(again.positions, packed.system.positions)


def test_a_system_knows_the_studys_elements_that_its_atoms_do_not_show(tmp_path: Path) -> None:
    mine = {"gold-phosphine": molecules()["gold-phosphine"]}
    box = {"shape": "droplet", "radius_A": 5.0}
    solvent = build_system("s", spec({"motif": "methanol", "count": 2}, box=box), "Au", 1, mine)
    write_extxyz(solvent, tmp_path / "s.extxyz")
    back = read_extxyz(tmp_path / "s.extxyz")
    assert back.type_map == solvent.type_map == ["Au", "S", "N", "C", "H", "O", "P"]
    assert back.metal == "Au"
    write_lammps_data(back, tmp_path / "s.data")
    text = (tmp_path / "s.data").read_text()
    assert "7 atom types" in text
    assert "7 30.974 # P" in text
    assert "1 196.96657 # Au" in text


def test_a_type_map_that_lacks_an_element_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.extxyz"
    path.write_text('1\nLattice="9 0 0 0 9 0 0 0 9" type_map="Au S N C H O"\nP 0 0 0\n')
    with pytest.raises(WrongInput, match=r"s\.extxyz, line 2: type_map=.*lacks P"):
        read_extxyz(path)


def test_own_solvent_fills_a_box_to_its_density() -> None:
    mine = molecules()
    density = 0.997
    alone = fill_count(20.0, density, [], "Au", "water", mine)
    assert alone == pytest.approx(8000 * density * 0.602214 / 18.015, abs=0.5)
    beside = fill_count(20.0, density, [("gold-ring", 1)], "Au", "water", mine)
    assert 5 < alone - beside < 40
    contents = ({"motif": "gold-ring", "count": 1}, {"motif": "water", "count": "fill"})
    wet = spec(*contents, box={"edge_A": 13.0}, solvent_density_g_cm3=0.6, minimum_distance_A=1.8)
    packed = pack("wet", wet, "Au", 1, mine)
    assert packed.counts["water"] == fill_count(13.0, 0.6, [("gold-ring", 1)], "Au", "water", mine)


def test_filling_with_another_solvent_needs_its_density() -> None:
    box = {"edge_A": 13.0}
    with pytest.raises(ValidationError, match="fill with water needs solvent_density_g_cm3"):
        spec({"motif": "water", "count": "fill"}, box=box)
    with pytest.raises(ValidationError, match="did you mean methanol"):
        spec({"motif": "methanl", "count": "fill"}, box=box)
    with pytest.raises(ValidationError, match="only methanol can have count: fill, not dimer"):
        spec({"motif": "dimer", "count": "fill"}, box=box, solvent_density_g_cm3=1.0)
