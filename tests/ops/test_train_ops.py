"""The training operators: dpgen2's signatures, and what they prepare."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from dflow.python import OPIO, FatalError

from nucleops.engines.deepmd.task import TrainTask, read_train_task
from nucleops.train import PrepTrain, RunTrain

SCHEDULE = {"steps": 100}
TEMPLATE = {
    "train": {
        "descriptor": {"sel": [4, 4, 4, 8, 20, 6]},
        **dict.fromkeys(("first", "again", "last"), SCHEDULE),
    },
    "type_map": ["Ag", "S", "N", "C", "H", "O"],
    "seed": 3,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keys(sign: dict[str, object]) -> set[str]:
    return set(sign)


def test_signatures_are_those_of_dpgen2() -> None:
    from dpgen2.op import PrepDPTrain, RunDPTrain

    for ours, theirs in ((PrepTrain, PrepDPTrain), (RunTrain, RunDPTrain)):
        assert keys(ours.get_input_sign()) == keys(theirs.get_input_sign())
        assert keys(ours.get_output_sign()) == keys(theirs.get_output_sign())
    assert RunTrain.default_optional_parameter == RunDPTrain.default_optional_parameter
    optional = {name for name, s in RunTrain.get_input_sign().items() if getattr(s, "optional", 0)}
    assert optional == {"init_model", "valid_data", "optional_files"}


def test_every_member_gets_its_own_seed() -> None:
    for _ in range(2):  # a second attempt in the same folder is no error
        out = PrepTrain().execute(OPIO({"template_script": TEMPLATE, "numb_models": 3}))
    assert out["task_names"] == ["task.0000", "task.0001", "task.0002"]
    tasks = [json.loads((path / "task.json").read_text()) for path in out["task_paths"]]
    assert len({task["seed"] for task in tasks}) == 3
    rebuilt = read_train_task(tasks[0], "task")
    assert rebuilt == TrainTask.model_validate(TEMPLATE).for_member(0)


def test_as_many_templates_as_models() -> None:
    out = PrepTrain().execute(OPIO({"template_script": [TEMPLATE, TEMPLATE], "numb_models": 2}))
    assert len(out["task_paths"]) == 2
    with pytest.raises(FatalError, match="2 entries for 3 models"):
        PrepTrain().execute(OPIO({"template_script": [TEMPLATE, TEMPLATE], "numb_models": 3}))


def test_a_wrong_template_is_fatal_and_named() -> None:
    wrong = {**TEMPLATE, "typemap": []}
    with pytest.raises(FatalError, match="typemap"):
        PrepTrain().execute(OPIO({"template_script": wrong, "numb_models": 1}))


def test_finetuning_is_refused(folder: Path) -> None:
    ip = OPIO(
        {
            "config": {},
            "task_name": "task.0000",
            "optional_parameter": {"mixed_type": False, "finetune_mode": "finetune"},
            "task_path": folder,
            "init_model": None,
            "init_data": [],
            "iter_data": [],
            "valid_data": None,
            "optional_files": None,
        }
    )
    with pytest.raises(FatalError, match="finetun"):
        RunTrain().execute(ip)


@pytest.mark.parametrize("name", ["train", "explore", "metad", "unbiased", "nucleate"])
def test_operators_import_quickly(name: str) -> None:
    import subprocess
    import sys

    code = (
        "import dflow.python, sys, time; began = time.process_time(); "
        f"import nucleops.{name}; print(time.process_time() - began); "
        "assert not {'dpdata', 'ase', 'deepmd', 'dpgen2', 'scipy', 'matplotlib'} & set(sys.modules)"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.5
    assert time.monotonic() - started < 60
