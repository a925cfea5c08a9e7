"""Readers of dynamics output, whole and cut off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleops.engines.lammps.readers import (
    copy_dump,
    copy_model_deviation,
    parse_thermo,
    read_dump,
    read_model_deviation,
    unwrap,
    write_thermo_csv,
)
from nucleops.errors import TruncatedOutput


def frame(step: int, x: float) -> str:
    head = f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n"
    box = "0.0 10.0\n-1.0 11.0\n0.0 14.0\n"
    return f"{head}{box}ITEM: ATOMS id type x y z\n2 5 1.0 2.0 3.0\n1 1 {x:.8f} 0.0 0.5\n"


DUMP = "".join(frame(20 * k, 0.1 * k) for k in range(4))
DEVIATION = "#  step max_devi_v min_devi_v avg_devi_v max_devi_f min_devi_f avg_devi_f\n" + "".join(
    f"  {20 * k}  0 0 0 {0.1 * k:e} 1e-2 2e-2\n" for k in range(4)
)
LOG = """thermo 50
Step Temp PotEng KinEng TotEng
0 0 -1 0 -1
print "nucleops: dynamics begins"
nucleops: dynamics begins
run 40
   Step          Temp          PotEng         KinEng         TotEng
         0   300.5          -1731.9   1.35   -1730.5
WARNING: something about neighbours
        20   305.25         -1731.8   1.34   -1730.4
Loop time of 2 on 1 procs
"""


def test_dump_is_sorted_and_has_its_cell(tmp_path: Path) -> None:
    path = tmp_path / "t.dump"
    path.write_text(DUMP)
    dump = read_dump(path)
    assert dump.steps.tolist() == [0, 20, 40, 60]
    assert dump.types.tolist() == [1, 5]
    np.testing.assert_allclose(dump.cells[0], [10, 12, 14])
    np.testing.assert_allclose(dump.positions[2], [[0.2, 0, 0.5], [1, 2, 3]])


@given(st.integers(0, len(DUMP)))
@settings(max_examples=80)
def test_a_dump_cut_anywhere_gives_its_whole_frames(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    path = folder / "t.dump"
    path.write_text(DUMP[:cut])
    ends = np.cumsum([len(frame(20 * k, 0.1 * k)) for k in range(4)])
    whole = int(np.sum(ends <= cut))
    if whole == 0:
        with pytest.raises(TruncatedOutput):
            read_dump(path)
        return
    dump = read_dump(path)
    assert dump.steps.tolist() == [0, 20, 40, 60][:whole]
    np.testing.assert_array_equal(dump.positions[:, 1], [[1, 2, 3]] * whole)
    assert copy_dump(path, folder / "copy", 10**9) == whole


def test_copies_end_at_the_same_step(tmp_path: Path) -> None:
    (tmp_path / "t.dump").write_text(DUMP)
    (tmp_path / "devi").write_text(DEVIATION + "  80  0 0 0 0.1")
    assert copy_dump(tmp_path / "t.dump", tmp_path / "t2.dump", 45) == 3
    copy_model_deviation(tmp_path / "devi", tmp_path / "devi2", 45)
    steps = read_dump(tmp_path / "t2.dump").steps.tolist()
    assert steps == read_model_deviation(tmp_path / "devi2").steps.tolist() == [0, 20, 40]


def test_model_deviation_columns(tmp_path: Path) -> None:
    (tmp_path / "devi").write_text(DEVIATION + "  80  0 0 0 0.1")
    deviation = read_model_deviation(tmp_path / "devi")
    np.testing.assert_allclose(deviation.max_force_eV_A, [0, 0.1, 0.2, 0.3])
    with pytest.raises(TruncatedOutput, match="left no"):
        read_model_deviation(tmp_path / "none")


def test_thermo_is_that_of_the_dynamics(tmp_path: Path) -> None:
    thermo = parse_thermo(LOG + "        40   301.2 ")
    assert thermo.steps.tolist() == [0, 20]
    assert thermo.temperature_K.tolist() == [300.5, 305.25]
    assert parse_thermo(LOG.split("print")[0]).steps.size == 0
    write_thermo_csv(thermo, 0.5, tmp_path / "thermo.csv")
    rows = (tmp_path / "thermo.csv").read_text().splitlines()
    assert rows[0].startswith("step,time_ps,temperature_K,potential_energy_eV")
    assert rows[2].startswith("20,0.01,305.25,-1731.8")


def test_unwrapping_keeps_molecules_whole() -> None:
    rng = np.random.default_rng(3)
    cell = np.array([8.0, 9.0, 10.0])
    true = rng.uniform(0, 8, (1, 5, 3)) + np.cumsum(rng.normal(0, 0.8, (30, 5, 3)), axis=0)
    wrapped = np.mod(true, cell)
    start = true[0] + 0.05
    np.testing.assert_allclose(unwrap(wrapped, np.tile(cell, (30, 1)), start), true, atol=1e-9)
