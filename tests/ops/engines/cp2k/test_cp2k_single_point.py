"""Reading single points: the true numbers, and nothing that is damaged."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nucleops.engines.cp2k.frames import ForcesTooLarge
from nucleops.engines.cp2k.single_point import read_single_point
from nucleops.engines.cp2k.units import BOHR_A, FORCE_EV_A, HARTREE_EV
from nucleops.errors import FatalFailure, ProgramFailed, ScfNotConverged, TruncatedOutput

LEVELS = ("xtb", "pbe")


@pytest.fixture(params=LEVELS)
def case(request, made, output, tmp_path):
    """Return the log's bytes, the system, and a function that reads damaged bytes."""
    system = made.methanol(periodic=request.param == "pbe")
    path = tmp_path / "out"

    def read(text: bytes, **options: object):
        path.write_bytes(text)
        return read_single_point(path, system, **options)

    return output(f"{request.param}-single.out"), system, read


def test_units_are_those_of_dpdata():
    from dpdata.unit import EnergyConversion, ForceConversion, LengthConversion

    assert EnergyConversion("hartree", "eV").value() == pytest.approx(HARTREE_EV, rel=1e-12)
    assert LengthConversion("bohr", "angstrom").value() == pytest.approx(BOHR_A, rel=1e-12)
    force = ForceConversion("hartree/bohr", "eV/angstrom").value()
    assert force == pytest.approx(FORCE_EV_A, rel=1e-12)


def test_true_values(case):
    text, system, read = case
    frame = read(text)
    energy = re.search(rb"ENERGY\| Total .*?(-\d+\.\d+)\n", text)
    assert frame.energy_eV == pytest.approx(float(energy[1]) * HARTREE_EV, abs=1e-10)
    rows = re.findall(rb"^ +\d+ +\d+ +[A-Z] +(-?\d\.\d{12}) +(\S+) +(\S+)$", text, re.M)
    forces = np.array(rows, dtype=float) * FORCE_EV_A
    assert np.abs(frame.forces_eV_A - forces).max() < 1e-10
    assert frame.system is system


def damages(text: bytes) -> dict[str, bytes]:
    at = text.index(b"ATOMIC FORCES in")
    rows = text[at : text.index(b"SUM OF ATOMIC FORCES")].splitlines(keepends=True)[3:]
    energy = re.search(rb"ENERGY\| Total .*?(-\d+\.\d+)\n", text)
    number = rows[2].split()[4]
    block = text[at - 1 : text.index(b"\n", text.index(b"SUM OF ATOMIC FORCES")) + 1]
    start = text.index(b"SCF WAVEFUNCTION OPTIMIZATION")
    converged = re.search(rb"\n  \*\*\* SCF run converged.*\n", text)[0]
    return {
        "empty": b"",
        "two runs": text + text,
        "no beginning": text.replace(b"PROGRAM STARTED AT", b"PROGRAM        AT"),
        "no end": text.replace(b"PROGRAM ENDED AT", b"PROGRAM       AT"),
        "row lost": text.replace(rows[3], b""),
        "row twice": text.replace(rows[3], rows[3] * 2),
        "rows exchanged": text.replace(rows[3], b"@")
        .replace(rows[2], rows[3])
        .replace(b"@", rows[2]),
        "nan": text.replace(rows[2], rows[2].replace(number, b"NaN")),
        "stars": text.replace(rows[2], rows[2].replace(number, b"*" * len(number))),
        "infinity": text.replace(rows[2], rows[2].replace(number, b"Infinity")),
        "digit of a force": text.replace(rows[2], rows[2].replace(number, b"0.004000000000")),
        "no force block": text.replace(block, b""),
        "two force blocks": text.replace(block, block * 2),
        "no sum": re.sub(rb" SUM OF ATOMIC FORCES.*\n", b"", text),
        "no energy": text.replace(energy[0], b""),
        "energy nan": text.replace(energy[1], b"NaN"),
        "energy stars": text.replace(energy[1], b"*" * 16),
        "energy twice": text.replace(energy[0], energy[0] * 2),
        "another energy": text.replace(energy[1], b"-31" + energy[1][3:]),
        "never converged": text.replace(converged, b"\n"),
        "converged twice": text.replace(converged, converged * 2),
        "unconverged": text.replace(converged, b"\n *** WARNING: SCF run NOT converged ***\n"),
        "unconverged besides": text.replace(converged, converged + b"SCF run NOT converged\n"),
        "scf twice": text[:start] + text[start:].replace(block, block + text[start:at], 1),
        "wall time": text.replace(converged, converged + b"*** exceeded requested execution time"),
        "other atoms": re.sub(rb"(?m)^( +\d+ +\d+ +)O( )", rb"\1S\2", text),
    }


def test_damage_is_refused(case):
    text, _, read = case
    for name, damaged in damages(text).items():
        assert damaged != text, name
        with pytest.raises(FatalFailure) as caught:
            read(damaged)
        wanted = ScfNotConverged if "unconverged" in name else TruncatedOutput
        assert type(caught.value) is wanted, name


def test_cut_anywhere_is_refused(case):
    text, _, read = case
    cuts = {*range(0, len(text), max(1, len(text) // 200)), *range(len(text) - 400, len(text))}
    for cut in cuts:
        with pytest.raises((TruncatedOutput, ScfNotConverged)):
            read(text[:cut])


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_random_damage_never_changes_a_label(case, data):
    """Either one of our errors, or the true label: never another number, never another error."""
    text, _, read = case
    start = data.draw(st.integers(text.index(b"SCF WAVE"), len(text) - 1))
    length = data.draw(st.integers(1, 400))
    junk = data.draw(
        st.sampled_from([b"", b"NaN", b"*" * 20, b"\xff\x00", b"\n", text[start : start + 80]])
    )
    damaged = text[:start] + junk + text[start + length :]
    true = read(text)
    try:
        frame = read(damaged)
    except FatalFailure:
        return
    assert frame.energy_eV == pytest.approx(true.energy_eV, abs=1e-8)
    assert np.abs(frame.forces_eV_A - true.forces_eV_A).max() < 1e-6


def test_exit_code_counts(case):
    text, _, read = case
    with pytest.raises(ProgramFailed, match="exit code 2"):
        read(text, returncode=2)


def test_forces_are_bounded(case):
    text, _, read = case
    with pytest.raises(ForcesTooLarge, match=r"allowed: 0\.1"):
        read(text, largest_force_eV_A=0.1)


def test_missing_log(made, tmp_path):
    with pytest.raises(TruncatedOutput):
        read_single_point(tmp_path / "none", made.methanol(periodic=False))
