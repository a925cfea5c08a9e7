"""Charges in CP2K's logs: the true numbers in the system's order, and nothing that is damaged."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nucleops.engines.cp2k.charges import (
    CUBE,
    charge_print,
    check_cube,
    read_charges,
    schemes,
)
from nucleops.engines.cp2k.dft import VALENCE
from nucleops.engines.cp2k.inputs import single_point_input
from nucleops.engines.cp2k.settings import Gfn1Xtb, PbeD3
from nucleops.errors import FatalFailure, TruncatedOutput, WrongInput
from nucleops.systems.system import System

SYMBOLS = tuple("CHHHOH")
LEVELS = {"xtb": Gfn1Xtb(), "pbe": PbeD3()}


@pytest.fixture(params=LEVELS)
def case(request, output, tmp_path):
    """Return the log's bytes, the schemes in it, and a function that reads damaged bytes."""
    wanted = schemes(LEVELS[request.param])

    def read(text: bytes) -> dict[str, np.ndarray]:
        path = tmp_path / "out"
        path.write_bytes(text)
        return read_charges(path, SYMBOLS, wanted)

    return output(f"{request.param}-single.out"), wanted, read


def test_true_values_in_the_systems_order(case):
    text, wanted, read = case
    found = read(text)
    assert tuple(found) == wanted
    oxygen = float(re.search(rb"^ +5 +O +\d .* (-?\d+\.\d{6})$", text, re.M)[1])
    assert found["mulliken"][4] == oxygen < -0.2  # xTB lists the atoms by element: O comes last
    for name, charges in found.items():
        assert charges.shape == (6,)
        assert abs(charges.sum()) < (1e-5 if name == "mulliken" else 0.02)


@pytest.mark.parametrize("drop", ["row", "sum", "heading", "stars", "twice", "element", "charge"])
def test_damage_is_refused(case, drop):
    text, _, read = case
    row = re.search(rb"^ +5 +O +\d +[\d.]+ +-?[\d.]+\n", text, re.M)[0]
    total = re.search(rb"^ # Total charge .*\n", text, re.M)[0]
    heading = re.search(rb"mulliken population analysis", text, re.I)[0]
    number = row.split()[-1]
    table = text[text.index(heading) - 20 : text.index(total) + len(total)]
    damaged = {
        "row": text.replace(row, b""),
        "sum": text.replace(total, b""),
        "heading": text.replace(heading, b"ANALYSIS"),
        "stars": text.replace(row, row.replace(number, b"*" * len(number))),
        "twice": text + table,
        "element": text.replace(row, row.replace(b" O ", b" N ")),
        "charge": text.replace(row, row.replace(number, b"-0.900000")),
    }[drop]
    assert damaged != text
    with pytest.raises(TruncatedOutput):
        read(damaged)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1), data=st.data())
def test_a_log_cut_anywhere_gives_all_charges_or_an_error(case, share, data):
    text, _, read = case
    try:
        found = read(text[: int(share * len(text))])
    except FatalFailure:
        return
    assert all(np.array_equal(found[name], read(text)[name]) for name in found)


def test_missing_log(tmp_path):
    with pytest.raises(TruncatedOutput, match="no readable log"):
        read_charges(tmp_path / "nothing", SYMBOLS)


def test_hirshfeld_is_asked_for_with_the_free_atoms_densities(made):
    text = single_point_input(made.methanol(periodic=True), PbeD3(), charge_print(PbeD3()))
    assert re.search(r"&HIRSHFELD ON\n +SHAPE_FUNCTION DENSITY", text)
    assert "CUBE" not in text
    with_cube = charge_print(PbeD3(), cube=True)
    text = single_point_input(made.methanol(periodic=True), PbeD3(), with_cube)
    assert re.search(r"&E_DENSITY_CUBE ON\n +STRIDE 1 1 1", text)
    with pytest.raises(WrongInput, match="allowed for density cubes and DDEC6: pbe-d3"):
        charge_print(Gfn1Xtb(), cube=True)


def cube_text(system: System, per_point: float, points: int = 4) -> str:
    rows = [f"  {points}  1.0 0.0 0.0", f"  {points}  0.0 1.0 0.0", f"  {points}  0.0 0.0 1.0"]
    atoms = [f" {VALENCE[s]}  0.0  0.0 0.0 0.0" for s in system.symbols]
    values = [f"{per_point:12.5E}"] * points**3
    head = ["-Quickstep-", " ELECTRON DENSITY", f" {system.n_atoms} 0.0 0.0 0.0"]
    return "\n".join([*head, *rows, *atoms, *values]) + "\n"


def test_cube_must_hold_the_valence_electrons(made, tmp_path: Path):
    system, path = made.methanol(periodic=True), tmp_path / CUBE
    path.write_text(cube_text(system, 14 / 64))
    check_cube(path, system)
    # Fortran writes exponents of three digits without the E
    path.write_text(cube_text(system, 14 / 63).replace("2.22222E-01", "0.12345-102", 1))
    check_cube(path, system)
    wrong = [
        cube_text(system, 12 / 64),
        cube_text(system, 14 / 64)[:-30],
        cube_text(system, 14 / 64).replace("2.18750E-01", "*********", 1),
        "",
    ]
    for text in wrong:
        path.write_text(text)
        with pytest.raises(TruncatedOutput, match="cube"):
            check_cube(path, system)
