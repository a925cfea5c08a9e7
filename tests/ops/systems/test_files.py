"""Files written and read back are the same system; malformed ones are refused by line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nucleops.errors import WrongInput
from nucleops.systems.extxyz import parse_comment, quote
from nucleops.systems.files import (
    cp2k_coordinates,
    frames_of,
    read_extxyz,
    read_provenance,
    read_trajectory,
    write_cp2k_coordinates,
    write_extxyz,
    write_lammps_data,
    write_trajectory,
)
from nucleops.systems.motifs import motif
from nucleops.systems.system import Molecule, System

SAME_FOLDER = settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _system(seed: int = 0, periodic: bool = True, n_methanol: int = 2) -> System:
    rng = np.random.default_rng(seed)
    dimer, methanol = motif("dimer"), motif("methanol")
    symbols, blocks, molecules = list(dimer.symbols), [dimer.positions], []
    molecules.append(Molecule("dimer", tuple(range(12)), dimer.roles))
    for k in range(n_methanol):
        start = len(symbols)
        molecules.append(Molecule("methanol", tuple(range(start, start + 6)), methanol.roles))
        symbols += methanol.symbols
        blocks.append(methanol.positions + np.array([0.0, 0.0, 5.0 * (k + 1)]))
    positions = np.vstack(blocks) + rng.uniform(-20, 20, size=3)
    cell = rng.uniform(10, 30, size=3)
    return System("a-dimer", tuple(symbols), positions, cell, periodic, tuple(molecules))


@given(st.integers(0, 1000), st.booleans(), st.integers(0, 4))
@SAME_FOLDER
def test_extxyz_round_trip(tmp_path: Path, seed: int, periodic: bool, n_methanol: int) -> None:
    system = _system(seed, periodic, n_methanol)
    write_extxyz(system, tmp_path / "a.extxyz", provenance='made "here"; a=b')
    back = read_extxyz(tmp_path / "a.extxyz")
    np.testing.assert_allclose(back.positions, system.positions, atol=1e-10)
    np.testing.assert_allclose(back.cell, system.cell, atol=1e-10)
    assert back.molecules == system.molecules
    assert (back.name, back.symbols, back.periodic) == (system.name, system.symbols, periodic)
    assert read_provenance(tmp_path / "a.extxyz") == 'made "here"; a=b'


@given(
    st.dictionaries(
        st.text("abcXYZ_-09", min_size=1),
        st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
        max_size=6,
    )
)
def test_comment_line_round_trip(pairs: dict[str, str]) -> None:
    assert parse_comment(" ".join(f"{k}={quote(v)}" for k, v in pairs.items())) == pairs


def test_ase_reads_what_we_write_and_we_read_what_ase_writes(tmp_path: Path) -> None:
    from ase.io import read, write

    system = _system()
    write_extxyz(system, tmp_path / "ours.extxyz")
    atoms = read(tmp_path / "ours.extxyz")
    np.testing.assert_allclose(atoms.positions, system.positions, atol=1e-9)
    assert atoms.pbc.all()
    assert list(atoms.arrays["role"]) == [r for m in system.molecules for r in m.roles]
    write(tmp_path / "theirs.extxyz", atoms, format="extxyz")
    assert read_extxyz(tmp_path / "theirs.extxyz").molecules == system.molecules


def test_foreign_file_without_roles(tmp_path: Path) -> None:
    path = tmp_path / "foreign.xyz"
    path.write_text(
        '2\nenergy=-1.5 Lattice="9 0 0 0 8 0 0 0 7" Properties=species:S:1:forces:R:3:pos:R:3\n'
        "O 9 9 9 0.0 0.0 0.0\nH 9 9 9 0.0 0.0 0.96\n"
    )
    system = read_extxyz(path)
    assert system.molecules == ()
    assert system.name == "foreign"
    assert system.periodic
    assert system.cell.tolist() == [9, 8, 7]
    assert system.positions[1].tolist() == [0.0, 0.0, 0.96]
    write_extxyz(system, tmp_path / "again.extxyz")
    assert read_extxyz(tmp_path / "again.extxyz").molecules == ()


def test_plain_xyz_is_a_molecule_in_vacuum(tmp_path: Path) -> None:
    path = tmp_path / "plain.xyz"
    path.write_text("2\nwater, partly\nO 0 0 0\nH 0 0 1\n")
    system = read_extxyz(path)
    assert not system.periodic
    assert system.cell.tolist() == [16.0, 16.0, 17.0]


CELL = 'Lattice="9 0 0 0 9 0 0 0 9"'
ROLES = "Properties=species:S:1:pos:R:3:molecule:I:1:motif:S:1:role:S:1"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("two\n\nO 0 0 0\n", 1, "number of atoms"),
        (f"2\n{CELL}\nO 0 0 0\n", 3, "ends early, 1 of 2"),
        (f"1\n{CELL}\nO 0 0\n", 3, "3 columns"),
        (f"1\n{CELL}\nO 0 0 x\n", 3, "not numbers"),
        (f"1\n{CELL}\nO 0 0 nan\n", 3, "not finite"),
        (f"1\n{CELL}\nXx 0 0 0\n", 3, "'Xx'"),
        ('1\nLattice="9 0 0 1 9 0 0 0 9"\nO 0 0 0\n', 2, "orthorhombic"),
        ('1\nLattice="9 0 0"\nO 0 0 0\n', 2, "nine numbers"),
        (f'1\n{CELL} pbc="T F T"\nO 0 0 0\n', 2, "agree"),
        (f"1\n{CELL} Properties=species:S:1\nO 0 0 0\n", 2, "pos"),
        (f"1\n{CELL} Properties=species:S:1:pos:R\nO 0 0 0\n", 2, "malformed"),
        (f"1\n{CELL} Properties=species:S:1:pos:R:3:role:S:1\nO 0 0 0 O\n", 2, "all or none"),
        (f"1\n{CELL} {ROLES}\nO 0 0 0 a methanol O\n", 3, "not a number"),
        (f"2\n{CELL} {ROLES}\nO 0 0 0 1 methanol O\nO 0 0 0 1 dimer O\n", 3, "one molecule with"),
    ],
)
def test_malformed_files_are_refused_by_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    path = tmp_path / "bad.extxyz"
    path.write_text(text)
    with pytest.raises(WrongInput) as caught:
        read_extxyz(path)
    assert f"bad.extxyz, line {line}:" in str(caught.value)
    assert words in str(caught.value)


def test_missing_empty_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="cannot be read"):
        read_extxyz(tmp_path / "none.extxyz")
    (tmp_path / "empty.extxyz").write_text("\n")
    with pytest.raises(WrongInput, match="holds no frame"):
        read_extxyz(tmp_path / "empty.extxyz")
    (tmp_path / "binary.extxyz").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(WrongInput, match="not text"):
        read_extxyz(tmp_path / "binary.extxyz")


def test_an_atom_of_no_molecule_is_refused(tmp_path: Path) -> None:
    system = _system(n_methanol=1)
    broken = System("x", system.symbols, system.positions, system.cell, True, system.molecules[1:])
    with pytest.raises(WrongInput, match="atom 1 belongs to no molecule"):
        write_extxyz(broken, tmp_path / "x.extxyz")


def test_trajectory_round_trip(tmp_path: Path) -> None:
    system = _system()
    rng = np.random.default_rng(1)
    positions = system.positions + rng.normal(size=(4, system.n_atoms, 3))
    cells = rng.uniform(9, 12, size=(4, 3))
    path = tmp_path / "t.extxyz"
    assert write_trajectory(frames_of(system, positions, cells), path) == 4
    back, back_cells = read_trajectory(path)
    np.testing.assert_allclose(back, positions, atol=1e-10)
    np.testing.assert_allclose(back_cells, cells, atol=1e-10)
    with path.open("a") as out:
        out.write(f"1\n{CELL}\nO 0 0 0\n")
    with pytest.raises(WrongInput, match=r"t\.extxyz, line 105: the atoms differ"):
        read_trajectory(path)


def test_lammps_data_declares_every_type_in_order(tmp_path: Path) -> None:
    system = _system(n_methanol=1)
    write_lammps_data(system, tmp_path / "s.data", metal="Ag")
    lines = (tmp_path / "s.data").read_text().splitlines()
    assert lines[2:4] == ["18 atoms", "6 atom types"]
    masses = lines[lines.index("Masses") + 2 :][:6]
    assert [m.split("# ")[1] for m in masses] == ["Ag", "S", "N", "C", "H", "O"]
    atoms = [line.split() for line in lines[lines.index("Atoms # atomic") + 2 :]]
    assert [int(a[0]) for a in atoms] == list(range(1, 19))
    order = ["Ag", "S", "N", "C", "H", "O"]
    assert [order[int(a[1]) - 1] for a in atoms] == list(system.symbols)
    np.testing.assert_allclose(
        np.array([a[2:] for a in atoms], dtype=float), system.positions, atol=1e-10
    )
    with pytest.raises(WrongInput, match="type map"):
        write_lammps_data(system, tmp_path / "s.data", metal="Au")


@pytest.mark.parametrize(("periodic", "word"), [(True, "XYZ"), (False, "NONE")])
def test_cp2k_coordinates(tmp_path: Path, periodic: bool, word: str) -> None:
    system = _system(periodic=periodic)
    text = cp2k_coordinates(system)
    assert f"PERIODIC {word}" in text
    rows = text.split("&COORD\n")[1].split("&END")[0].splitlines()
    assert [row.split()[0] for row in rows] == list(system.symbols)
    write_cp2k_coordinates(system, tmp_path / "c.inc")
    assert (tmp_path / "c.inc").read_text() == text
