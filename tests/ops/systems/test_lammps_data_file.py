"""LAMMPS data files as topologies: ours, and what others write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nucleops.errors import WrongInput
from nucleops.systems.files import read_topology, write_extxyz, write_lammps_data
from nucleops.systems.system import System, type_map

TEXT = """anything at all

3 atoms
6 atom types
1 bonds

-1.0 9.0 xlo xhi
0 12.5 ylo yhi
0.0 7 zlo zhi

Masses

1 107.868  # Ag
2 32.06
3 14.007
4 12.011
5 1.008
6 15.999

Pair Coeffs # zero

1
2

Atoms # full

3 1 5 0.41 3.0 0.0 0.5 0 0 0
1 1 6 -0.82 1.0 2.0 0.25 1 0 -1
2 1 5 0.41 2.0 0.0 0.5 0 0 0

Velocities

1 0 0 0
"""


@given(st.integers(0, 1000), st.sampled_from(["Ag", "Au", "Cu"]))
@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_we_write_comes_back(tmp_path: Path, seed: int, metal: str) -> None:
    rng = np.random.default_rng(seed)
    symbols = (metal, *rng.choice(type_map(metal), size=rng.integers(1, 12)))
    positions = rng.uniform(-5, 25, size=(len(symbols), 3))
    system = System("made", symbols, positions, rng.uniform(8, 20, size=3), True)
    write_lammps_data(system, tmp_path / "made.data", metal=metal)
    back = read_topology(tmp_path / "made.data")
    assert back.symbols == system.symbols
    assert back.molecules == ()
    assert back.periodic
    np.testing.assert_allclose(back.positions, positions, rtol=0, atol=1e-10)
    np.testing.assert_allclose(back.cell, system.cell, rtol=0, atol=1e-10)


@pytest.mark.parametrize("style", ["atomic", "charge", "molecular", "full", ""])
def test_styles_of_others(tmp_path: Path, style: str) -> None:
    kept = {"atomic": (0, 2), "": (0, 2), "charge": (0, 2, 3), "molecular": (0, 1, 2)}
    head, _, rows = TEXT.partition("Atoms # full\n\n")
    rows, _, tail = rows.partition("\n\n")
    words = [row.split() for row in rows.splitlines()]
    first = [[row[k] for k in kept.get(style, (0, 1, 2, 3))] + row[4:] for row in words]
    body = "\n".join(" ".join(row) for row in first)
    title = f"Atoms # {style}" if style else "Atoms"
    (tmp_path / "s.data").write_text(f"{head}{title}\n\n{body}\n\n{tail}")
    system = read_topology(tmp_path / "s.data")
    assert system.symbols == ("O", "H", "H")
    assert system.cell.tolist() == [10.0, 12.5, 7.0]
    assert system.positions.tolist() == [[1.0, 2.0, 0.25], [2.0, 0.0, 0.5], [3.0, 0.0, 0.5]]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("zlo zhi", "zlo zhi\n1.5 0 0 xy xz yz", "triclinic"),
        ("0 12.5 ylo yhi", "", "no line `... ylo yhi`"),
        ("Masses", "Bond Coeffs", "no section Masses"),
        ("1 107.868", "1 1x7", "Masses has the row '1 1x7'"),
        ("15.999", "25.0", "type 6 has the mass 25; allowed: 1.008 (H)"),
        ("6 15.999\n", "", "type 6 has no mass"),
        ("Atoms # full", "Bodies", "no section Atoms; its sections: Masses, Pair Coeffs"),
        ("# full", "# body", "style 'body'; allowed: atomic, charge, molecular, full"),
        ("# full", "", "style 'unknown'"),
        ("1 1 6 -0.82", "2 1 6 -0.82", "an id comes twice"),
        ("-0.82 1.0", "-0.82 one", "row of Atoms is malformed"),
        ("1 1 6 -0.82 1.0 2.0 0.25 1 0 -1", "1 1 6 -0.82", "row of Atoms is malformed"),
        ("-0.82 1.0", "-0.82 nan", "not finite"),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in TEXT
    (tmp_path / "bad.data").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(WrongInput, match=r"bad\.data: ") as caught:
        read_topology(tmp_path / "bad.data")
    assert words in caught.value.message


def test_topologies_are_told_by_their_content(tmp_path: Path) -> None:
    system = System("two", ("O", "H"), np.eye(3)[:2], np.full(3, 9.0), True)
    write_extxyz(system, tmp_path / "named.data")
    assert read_topology(tmp_path / "named.data").name == "two"
    (tmp_path / "x").write_text("HEADER a protein\nATOM 1\n")
    with pytest.raises(WrongInput, match="begins with 'HEADER a protein'"):
        read_topology(tmp_path / "x")
    with pytest.raises(WrongInput, match="cannot be read"):
        read_topology(tmp_path / "none")
