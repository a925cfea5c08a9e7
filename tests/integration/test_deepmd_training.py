"""Real trainings: frozen, compressed, tested, and started again from one file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleops.engines.deepmd.data_range import carried_range
from nucleops.engines.deepmd.metrics import load_parity, summarise
from nucleops.engines.deepmd.settings import TrainSettings
from nucleops.engines.deepmd.train import train_model
from nucleops.errors import ProgramFailed, WrongInput

DATA = Path(__file__).parents[1] / "data" / "deepmd"
TYPE_MAP = ("Ag", "S", "N", "C", "H", "O")

pytestmark = pytest.mark.integration


def test_members_are_tested_on_frames_they_never_saw(committee: Any) -> None:
    first, second = committee.members
    for member in (first, second):
        assert (member.test["n_train_frames"], member.test["n_held_out"]) == (29, 7)
        assert 0 < member.test["force_rmse_meV_A"] < 3000
        assert set(member.test["per_element_force_rmse_meV_A"]) == set(TYPE_MAP)
        parity = load_parity(member.folder / "parity.npz")
        assert parity.force.shape == (7 * 36 * 3, 2)
        assert summarise(parity)["force_rmse_meV_A"] == member.test["force_rmse_meV_A"]
        assert (member.folder / "lcurve.csv").is_file()
        assert {"train", "freeze", "compress", "test"} <= set(member.test["timings_s"])
    # Different seeds, different models.
    assert first.test["force_rmse_meV_A"] != second.test["force_rmse_meV_A"]


def test_a_model_carries_what_its_data_covers(committee: Any) -> None:
    covered = carried_range(committee.models[0])
    assert list(covered.lowest_energy_eV_atom) == ["Ag2S2N2C6H20O4"]
    assert 0.8 < covered.closest_A["H-O"] < 1.0


def test_training_goes_on_from_a_compressed_model(
    committee: Any, tiny_training: TrainSettings, tmp_path: Path
) -> None:
    start = committee.members[0]
    steps: list[int] = []
    trained = train_model(
        tiny_training,
        "again",
        TYPE_MAP,
        3,
        [DATA / "dimer"],
        tmp_path / "again",
        init_model=start.model,
        progress=lambda done, total: steps.append(done),
    )
    assert trained.test["started_from_model"]
    assert steps[-1] == 60
    # The weights are those of the frozen model, embedding nets included: the new model is
    # compressed again, which DeePMD-kit refuses for a model that was compressed before.
    assert trained.model.stat().st_size > 1_000_000
    curves = [np.loadtxt(f / "lcurve.out") for f in (start.folder, trained.folder)]
    assert curves[1][0, 4] < curves[0][0, 4]  # the energy is no longer off by its mean


def test_labels_that_are_absurd_end_in_a_clear_failure(
    tiny_training: TrainSettings, tmp_path: Path
) -> None:
    shutil.copytree(DATA / "mono", tmp_path / "data")
    path = tmp_path / "data" / "set.000" / "force.npy"
    np.save(path, np.load(path) * 1e160)
    with pytest.raises(ProgramFailed, match="not a number"):
        train_model(tiny_training, "first", TYPE_MAP, 3, [tmp_path / "data"], tmp_path / "run")


def test_a_start_that_is_no_model_is_refused(tiny_training: TrainSettings, tmp_path: Path) -> None:
    wrong = tmp_path / "model.pb"
    wrong.write_text(json.dumps({"not": "a graph"}))
    with pytest.raises(WrongInput, match="not a frozen TensorFlow model"):
        train_model(
            tiny_training,
            "again",
            TYPE_MAP,
            3,
            [DATA / "mono"],
            tmp_path / "run",
            init_model=wrong,
        )
