"""CP2K inputs say what the settings say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.cp2k.attempts import AFTER_THE_FIRST, attempts
from nucleops.engines.cp2k.inputs import (
    DROPLET_MARGIN_A,
    Wavefunction,
    cell_and_shift,
    single_point_input,
)
from nucleops.engines.cp2k.md_inputs import aimd_input
from nucleops.engines.cp2k.sections import write_sections
from nucleops.engines.cp2k.settings import AimdRun, Gfn1Xtb, PbeD3
from nucleops.errors import WrongInput
from nucleops.systems.system import System


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def dimer(metal: str, *, periodic: bool) -> System:
    positions = np.array([[1.0, 1, 1], [1, 1, 4], [3, 1, 1], [3, 1, 4]])
    return System("d", (metal, metal, "S", "S"), positions, np.full(3, 9.0), periodic)


def test_sections():
    tree = {
        "A": {"_": "word", "FLAG": True, "REAL": 1.0e-6, "EDGES": (1.0, 2.5), "B": {}},
        "C": [{"_": "x"}, {"_": "y"}],
        "FILE": ["one", "two"],
        "D": {"*": "raw line 1\nraw line 2"},
    }
    assert write_sections(tree) == (
        "&A word\n  FLAG T\n  REAL 1e-06\n  EDGES 1.0000000000 2.5000000000\n  &B\n  &END B\n"
        "&END A\n&C x\n&END C\n&C y\n&END C\nFILE one\nFILE two\n"
        "&D\n  raw line 1\n  raw line 2\n&END D\n"
    )


def test_xtb_follows_periodicity():
    cube = lines(single_point_input(dimer("Ag", periodic=True), Gfn1Xtb()))
    drop = lines(single_point_input(dimer("Ag", periodic=False), Gfn1Xtb()))
    assert "DO_EWALD T" in cube
    assert cube.count("PERIODIC XYZ") == 2  # cell and Poisson
    assert "DO_EWALD F" in drop
    assert drop.count("PERIODIC NONE") == 2
    for text in (cube, drop):
        assert "METHOD xTB" in text
        assert "CHECK_ATOMIC_CHARGES F" in text
        assert "SCF_GUESS MOPAC" in text
        assert "ALPHA 0.2" in text
        assert "MULTIPLICITY 1" in text
        assert "UKS F" in text
        assert not any(line.startswith("&KIND") for line in text)


def test_small_matrices_are_not_elpas():
    system = dimer("Ag", periodic=False)
    run = AimdRun(system="d", temperatures_K=(300.0,), steps=10)
    for level in (Gfn1Xtb(), PbeD3()):
        for text in (single_point_input(system, level), aimd_input(system, level, run, 300.0, 1)):
            assert "PREFERRED_DIAG_LIBRARY ScaLAPACK" in lines(text)


@pytest.mark.parametrize("metal", ["Ag", "Au", "Cu"])
def test_pbe_kinds(metal):
    text = lines(single_point_input(dimer(metal, periodic=True), PbeD3()))
    at = text.index(f"&KIND {metal}")
    assert text[at + 1 : at + 3] == [
        "BASIS_SET DZVP-MOLOPT-SR-GTH-q11",
        "POTENTIAL GTH-PBE-q11",
    ]
    assert "&XC_FUNCTIONAL PBE" in text
    assert "TYPE DFTD3" in text
    assert "TYPE DFTD3(BJ)" in lines(
        single_point_input(dimer(metal, periodic=True), PbeD3(dispersion="D3(BJ)"))
    )
    triple = lines(single_point_input(dimer(metal, periodic=True), PbeD3(basis="TZVP-MOLOPT-GTH")))
    assert "BASIS_SET TZVP-MOLOPT-SR-GTH-q11" in triple
    assert "BASIS_SET TZVP-MOLOPT-GTH-q6" in triple


def test_pbe_droplet_is_decoupled_from_its_images():
    assert "POISSON_SOLVER WAVELET" in lines(
        single_point_input(dimer("Ag", periodic=False), PbeD3())
    )


def test_droplet_sits_in_the_middle_of_a_cube():
    system = dimer("Ag", periodic=False)
    cell, shift = cell_and_shift(system)
    assert cell == pytest.approx(np.full(3, 3.0 + 2 * DROPLET_MARGIN_A))
    moved = system.positions + shift
    assert (moved.min(axis=0) + moved.max(axis=0)) / 2 == pytest.approx(cell / 2)
    cell, shift = cell_and_shift(dimer("Ag", periodic=True))
    assert cell == pytest.approx(np.full(3, 9.0))
    assert not shift.any()


def test_order_of_atoms_is_kept():
    mixed = replace(dimer("Ag", periodic=True), symbols=("S", "Ag", "S", "Ag"))
    text = lines(single_point_input(mixed, PbeD3()))
    at = text.index("&COORD")
    assert [line.split()[0] for line in text[at + 1 : at + 5]] == ["S", "Ag", "S", "Ag"]


def test_aimd():
    run = AimdRun(system="d", temperatures_K=(450.0,), steps=40, time_step_fs=0.25)
    text = lines(aimd_input(dimer("Ag", periodic=True), PbeD3(), run, 450.0, 17))
    for line in ("RUN_TYPE MD", "SEED 17", "STEPS 40", "TIMESTEP 0.25", "TEMPERATURE 450"):
        assert line in text
    assert "TYPE CSVR" in text
    assert "TIMECON 50" in text
    assert "EXTRAPOLATION ASPC" in text
    assert text.count("MD 1") == 2


def test_second_try_is_safer_and_of_the_same_level():
    first, second = attempts(Gfn1Xtb(max_scf=100))
    assert (first.level, first.says, first.may_reuse) == (Gfn1Xtb(max_scf=100), "as set", True)
    assert (second.level.mixing_alpha, second.level.max_scf) == (0.1, 200)
    assert second.says == "mixing 0.1, at most 200 SCF steps, guess from atoms"
    assert not second.may_reuse
    _, second = attempts(PbeD3())
    level = second.level
    assert (level.scf, level.mixing_alpha, level.max_scf) == ("diagonalisation", 0.2, 200)
    assert "METHOD BROYDEN_MIXING" in lines(single_point_input(dimer("Ag", periodic=True), level))
    assert attempts(PbeD3(scf="diagonalisation"))[1].level.mixing_alpha == 0.1
    of_the_level = {"cutoff_Ry", "rel_cutoff_Ry", "basis", "dispersion", "eps_scf"}
    for start in (PbeD3(), PbeD3(scf="diagonalisation")):
        for attempt in attempts(start):
            assert attempt.level.model_dump(include=of_the_level) == start.model_dump(
                include=of_the_level
            )


def test_table_of_tries_is_in_the_documentation():
    page = (Path(__file__).parents[4] / "docs" / "reference-data.md").read_text()
    for rows in AFTER_THE_FIRST.values():
        for row in rows:
            assert row.what.replace("{", "`").replace("}", "`") in page


def test_what_else_is_written():
    charges = {"HIRSHFELD": {"_": "ON"}}
    text = lines(single_point_input(dimer("Ag", periodic=True), Gfn1Xtb(), charges))
    assert "&HIRSHFELD ON" in text


def test_wavefunction_files():
    system, level = dimer("Ag", periodic=True), PbeD3()
    plain = lines(single_point_input(system, level))
    assert "SCF_GUESS ATOMIC" in plain
    assert "&RESTART OFF" in plain
    text = lines(single_point_input(system, level, None, Wavefunction("guess.wfn", keep=True)))
    # nothing but the way to the solution differs
    same = {"SCF_GUESS RESTART", "WFN_RESTART_FILE_NAME guess.wfn", "&RESTART ON"}
    assert set(text) - set(plain) == {*same, "BACKUP_COPIES 0"}


def test_orbital_transformation_keeps_to_the_largest_number_of_steps():
    text = lines(single_point_input(dimer("Ag", periodic=True), PbeD3(max_scf=100)))
    at = text.index("&OUTER_SCF")
    assert text[at + 2] == "MAX_SCF 5"
    assert "MAX_SCF 20" in text
    assert "MAX_SCF 3" in lines(single_point_input(dimer("Ag", periodic=True), PbeD3(max_scf=3)))


def test_unknown_element_is_refused():
    with pytest.raises(WrongInput, match=r"system d.*Pt.*allowed: Ag"):
        single_point_input(dimer("Pt", periodic=True), Gfn1Xtb())
