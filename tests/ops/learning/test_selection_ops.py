"""What the operators of a round publish while the run goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dflow.python import OPIO

from nucleops.learning.selector import RoundReport
from nucleops.selection import CollectData, SelectConfs


class Selector:
    """A selector that has counted already."""

    def select(self, _trajs: Any, _devis: Any, **_options: Any) -> tuple[list[Path], RoundReport]:
        counts = {"accurate": 5, "candidate": 2, "failed": 1}
        return [], RoundReport(counts, 2, 0.95, {})


def test_shares_of_a_round_are_a_parameter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = {"conf_selector": Selector(), "type_map": ["Ag"], "trajs": [], "model_devis": []}
    out = SelectConfs().execute(OPIO({**inputs, "optional_outputs": None}))
    shares = {"accurate": 0.625, "candidate": 0.25, "failed": 0.125, "n_selected": 2}
    assert out["counts"] == shares
    record = json.loads(out["record"].read_text())
    assert {name: record[name] for name in shares} == shares


def test_labels_of_a_round_are_a_parameter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lost = tmp_path / "task.0000"
    lost.mkdir()
    (lost / "labels.json").write_text(json.dumps({"dropped": {"SCF not converged": 3}}))
    out = CollectData().execute(
        OPIO(
            {
                "name": "iter-000000", "type_map": ["Ag"],
                "optional_parameter": {"mixed_type": False}, "labeled_data": [lost],
                "iter_data": [], "train_logs": None, "selection_record": None,
            }
        )
    )  # fmt: skip
    dropped = {"SCF not converged": 3}
    assert out["labels"] == {"n_labelled": 0, "n_duplicates": 0, "n_dropped": dropped}
