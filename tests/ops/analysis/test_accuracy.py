"""The account of the production potential's errors."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from nucleops.analysis.stages.accuracy import accuracy, held_out_sentence
from nucleops.engines.deepmd.metrics import parity_of_system, pool, summarise


def record(shift: float) -> dict[str, object]:
    """What a model's test writes whose forces on hydrogen are off by ``shift``."""
    zero = np.zeros((3, 2, 3))
    wrong = zero.copy()
    wrong[:, 1] = shift
    water = parity_of_system(["O", "H"], np.zeros(3), zero, np.full(3, 0.01), wrong)
    oxygen = parity_of_system(["O"], np.zeros(1), zero[:1, :1], np.zeros(1), zero[:1, :1])
    errors = summarise(pool([water, oxygen]))
    return {**errors, "n_train_frames": 30, "n_held_out": errors.pop("n_frames")}


def test_errors_of_a_committee_overall_by_composition_and_by_element(tmp_path: Path) -> None:
    final = accuracy([record(0.1), record(0.3)], tmp_path)
    assert final is not None
    assert final["per_element_force_mae_meV_A"]["H"] == pytest.approx([100.0, 300.0])
    assert final["per_composition"]["H1O1"]["n_frames"] == 3
    assert final["per_composition"]["O1"]["force_rmse_meV_A"] == [0.0, 0.0]
    rows = {row["of"]: row for row in csv.DictReader((tmp_path / "errors.csv").open())}
    assert list(rows) == ["all", "H", "O", "H1O1", "O1"]
    assert float(rows["H"]["mean_force_rmse_meV_A"]) == pytest.approx(200.0)
    assert float(rows["H1O1"]["mean_energy_mae_meV_atom"]) == pytest.approx(5.0)
    assert rows["H"]["mean_energy_rmse_meV_atom"] == ""


def test_without_a_test_there_is_no_account(tmp_path: Path) -> None:
    assert accuracy([], tmp_path) is None
    assert not (tmp_path / "errors.csv").exists()


def test_tests_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    old = {"energy_rmse_meV_atom": 2.0, "force_rmse_meV_A": 50.0, "n_held_out": 4}
    final = accuracy([old], tmp_path)
    assert final is not None
    assert final["force_rmse_meV_A"] == [50.0]
    assert final["per_composition"] == {}
    assert final["held_out"] == ""


@pytest.mark.parametrize(
    ("whole", "ends", "by_frame", "said"),
    [
        (["a", "b"], {}, [], "Held out are 2 of 9 trajectories as a whole (a, b)."),
        ([], {"a": 3}, [], "the last 3 frames of a, the only trajectory of its round."),
        ([], {}, ["x"], "single frames spread over x, of which nothing says"),
        ([], {}, [], "Nothing is held out."),
    ],
)
def test_which_frames_are_held_out_is_said(
    whole: list[str], ends: dict[str, int], by_frame: list[str], said: str
) -> None:
    split = {
        "trajectories": 9,
        "held_out_trajectories": whole,
        "held_out_ends": ends,
        "split_by_frame": by_frame,
    }
    assert said in held_out_sentence(split)
