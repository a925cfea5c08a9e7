"""Errors, learning curves, and trainings that must not pass as good."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.deepmd.backend import backend_of
from nucleops.engines.deepmd.curve import read_curve, tidy_curve, write_curve_csv
from nucleops.engines.deepmd.judge import judge
from nucleops.engines.deepmd.metrics import load_parity, parity_of_system, pool, summarise
from nucleops.errors import MissingProgram, ProgramFailed, TruncatedOutput

CURVE = """# step  rmse_val rmse_trn rmse_e_val rmse_e_trn rmse_f_val rmse_f_trn lr
# If there is no available reference data, rmse_*_{val,trn} will print nan
      0  nan  2.36e+01  nan  1.12e+00  nan  7.46e-01  2.0e-03
     10  nan  1.54e+01  nan  8.06e-02  nan  9.20e-01  5.6e-04
     20  nan  6.23e+00  nan  3.15e-02  nan  7.26e-01  1.5e-04
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lcurve.out").write_text(CURVE)
    (tmp_path / "model.pb").write_bytes(b"graph")
    (tmp_path / "parity.npz").write_bytes(b"zip")
    (tmp_path / "test.json").write_text(json.dumps({"force_rmse_meV_A": 50.0}))
    return tmp_path


def test_a_good_training_passes_though_nothing_was_held_out(folder: Path) -> None:
    curve = judge(folder, folder / "model.pb", 25)
    assert curve.step.tolist() == [0, 10, 20]
    write_curve_csv(curve, folder / "lcurve.csv")
    header = (folder / "lcurve.csv").read_text().splitlines()[0]
    assert "force_rmse_held_out_eV_A" in header


def test_loss_that_is_not_a_number(folder: Path) -> None:
    (folder / "lcurve.out").write_text(CURVE.replace("9.20e-01", "nan"))
    with pytest.raises(ProgramFailed, match="not a number from step 10"):
        judge(folder, folder / "model.pb", 20)


def test_curve_that_ends_early(folder: Path) -> None:
    with pytest.raises(TruncatedOutput, match="step 20 of 40"):
        judge(folder, folder / "model.pb", 40)


@pytest.mark.parametrize("name", ["model.pb", "test.json", "lcurve.out"])
def test_missing_result(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(TruncatedOutput, match=name):
        judge(folder, folder / "model.pb", 20)


def test_a_cut_last_row_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "lcurve.out").write_text(CURVE + "     30  nan  1.0e+00  nan  1.0e-0")
    assert read_curve(tmp_path / "lcurve.out").step[-1] == 20


def test_a_curve_that_was_gone_on_with_has_every_step_once(tmp_path: Path) -> None:
    path = tmp_path / "lcurve.out"
    header, again = "\n".join(CURVE.splitlines()[:2]) + "\n", CURVE.splitlines()[3]
    path.write_text(CURVE + header + again.replace("5.6e-04", "9.9e-04") + "\n     30  na")
    tidy_curve(path)
    assert path.read_text() == CURVE
    tidy_curve(path, 10)
    assert read_curve(path).step.tolist() == [0, 10]


def test_predictions_that_are_not_numbers(folder: Path) -> None:
    (folder / "test.json").write_text('{"force_rmse_meV_A": NaN}')
    with pytest.raises(ProgramFailed, match="not numbers"):
        judge(folder, folder / "model.pb", 20)


def test_errors_overall_by_element_and_by_composition(tmp_path: Path) -> None:
    energy, force = np.array([10.0, 12.0]), np.zeros((2, 2, 3))
    predicted = force.copy()
    predicted[:, 1] = [[0.3, 0.3, 0.3], [0.3, -0.3, 0.0]]
    metal = parity_of_system(
        ["Ag", "H"], energy, force, energy + np.array([0.02, -0.04]), predicted
    )
    hydrogen = parity_of_system(["H"], energy[:1], force[:1, :1], energy[:1], force[:1, :1])
    parity = pool([metal, hydrogen])
    errors = summarise(parity)
    assert errors["n_frames"] == 3
    assert errors["energy_rmse_meV_atom"] == pytest.approx(np.sqrt((100 + 400) / 3))
    assert errors["energy_mae_meV_atom"] == pytest.approx(10.0)
    assert errors["force_rmse_meV_A"] == pytest.approx(300 * np.sqrt(5 / 15))
    assert errors["force_mae_meV_A"] == pytest.approx(100.0)
    assert errors["per_element_force_rmse_meV_A"] == pytest.approx(
        {"Ag": 0.0, "H": 300 * np.sqrt(5 / 9)}
    )
    assert errors["per_element_force_mae_meV_A"]["H"] == pytest.approx(1500 / 9)
    assert set(errors["per_composition"]) == {"Ag1H1", "H1"}
    assert errors["per_composition"]["Ag1H1"]["force_mae_meV_A"] == pytest.approx(125.0)
    assert errors["per_composition"]["H1"]["force_rmse_meV_A"] == 0.0
    parity.save(tmp_path / "parity.npz")
    assert summarise(load_parity(tmp_path / "parity.npz")) == errors


def test_nothing_held_out_gives_no_error() -> None:
    errors = summarise(pool([]))
    assert errors["n_frames"] == 0
    assert errors["force_rmse_meV_A"] is None


def test_missing_backend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else name)
    assert backend_of("tensorflow").suffix == ".pb"
    with pytest.raises(
        MissingProgram, match=r"pytorch needs the Python package torch.*pip install"
    ):
        backend_of("pytorch")
