"""dpgen2's own argument check takes our labeller, completes it, and names what is wrong."""

from __future__ import annotations

import copy
import json
import runpy
from typing import Any

import jsonpickle
import pytest
from dargs.dargs import ArgumentError

from nucleops.dpgen2 import STYLE, LabelInputs, register
from nucleops.engines.cp2k.settings import Gfn1Xtb, LabelSettings, PbeD3
from nucleops.errors import WrongInput
from nucleops.label import PrepLabel, RunLabel, label_config
from nucleops.learning.labelling import LabelConfig

PLAIN: dict[str, Any] = {
    "inputs": {"type_map": ["Ag", "H"], "mass_map": [107.87, 1.008], "init_data_sys": []},
    "train": {"type": "dp", "template_script": "input.json", "numb_models": 2},
    "explore": {
        "type": "lmp",
        "convergence": {"type": "fixed-levels", "level_f_lo": 0.05, "level_f_hi": 0.5},
        "configurations": [],
        "stages": [],
    },
    "fp": {
        "type": STYLE,
        "inputs_config": {"level": {"method": "gfn1-xtb"}},
        "run_config": {"label": {"frames_per_task": 5}},
        "task_max": 10,
    },
}


def checked(**fp: Any) -> dict[str, Any]:
    """What dpgen2 makes of the input, with some of `fp` changed."""
    from dpgen2.entrypoint.args import normalize

    given = copy.deepcopy(PLAIN)
    given["fp"] |= fp
    return dict(normalize(given)["fp"])


@pytest.fixture(autouse=True)
def registered() -> None:
    assert register() == register() == STYLE


def test_dpgen2_accepts_and_completes_the_input() -> None:
    fp = checked()
    assert fp["type"] == STYLE
    assert fp["inputs_config"]["level"] == Gfn1Xtb().model_dump()
    assert fp["run_config"]["label"] == LabelSettings(frames_per_task=5).model_dump()
    fp = checked(inputs_config={"level": {"method": "pbe-d3", "cutoff_Ry": 600}}, run_config={})
    assert fp["inputs_config"]["level"] == PbeD3(cutoff_Ry=600).model_dump()
    assert fp["run_config"] == LabelConfig(level=PbeD3()).model_dump(exclude={"level"})


@pytest.mark.parametrize(
    ("fp", "words"),
    [
        ({"inputs_config": {"level": {"method": "b3lyp"}}}, "b3lyp"),
        ({"inputs_config": {}}, "level"),
        ({"inputs_config": {"level": {"method": "gfn1-xtb", "max_scf": 0}}}, "max_scf"),
        ({"inputs_config": {"level": {"method": "pbe-d3", "basis": "STO-3G"}}}, "basis"),
        ({"run_config": {"label": {"allowed_loss": 2.0}}}, "allowed_loss"),
        ({"run_config": {"threads": "two"}}, "threads"),
    ],
)
def test_dpgen2_refuses_what_we_would(fp: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        checked(**fp)


def test_what_dpgen2_hands_on_is_what_was_asked_for() -> None:
    from dpgen2.fp import fp_styles

    fp = checked(inputs_config={"level": {"method": "pbe-d3", "cutoff_Ry": 600}})
    style = fp_styles[STYLE]
    assert (style["prep"], style["run"]) == (PrepLabel, RunLabel)
    inputs = style["inputs"](**fp["inputs_config"])
    config = {"inputs": inputs, "run": fp["run_config"], "extra_output_files": []}
    travelled = jsonpickle.loads(jsonpickle.dumps(config))
    assert isinstance(travelled["inputs"], LabelInputs)
    found = label_config(travelled)
    assert found.level == PbeD3(cutoff_Ry=600)
    assert found.label.frames_per_task == 5


def test_unknown_settings_of_the_level_are_refused_before_anything_is_submitted() -> None:
    with pytest.raises(WrongInput, match="cutof_Ry"):
        LabelInputs({"method": "pbe-d3", "cutof_Ry": 600})


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_dpgen2s_command_line_knows_us_by_classes_that_pods_can_import(monkeypatch) -> None:
    """``python -m nucleops.dpgen2`` is dpgen2's command line, with the labeller registered."""
    import dpgen2.entrypoint.main
    from dpgen2.fp import fp_styles

    seen: list[str] = []
    fp_styles.pop(STYLE)
    monkeypatch.setattr(
        dpgen2.entrypoint.main, "main", lambda: seen.append(fp_styles[STYLE]["inputs"].__module__)
    )
    runpy.run_module("nucleops.dpgen2", run_name="__main__")
    assert seen == ["nucleops.dpgen2"]


def test_dpgen2_documents_our_settings() -> None:
    from dargs import Argument

    text = Argument("run_config", dict, RunLabel.args()).gen_doc()
    assert "A frame with a larger force on any atom is dropped, in eV/A." in text
    assert json.dumps(text)


def test_no_configurations_are_no_tasks(tmp_path, monkeypatch) -> None:
    """dpgen2's selection of nothing is an empty folder; a folder of other things is a mistake."""
    from dflow.python import OPIO, FatalError

    monkeypatch.chdir(tmp_path)
    (tmp_path / "confs").mkdir()
    given = {
        "config": {"level": {"method": "gfn1-xtb"}},
        "type_map": ["H"],
        "confs": [tmp_path / "confs"],
    }
    assert PrepLabel().execute(OPIO(given))["task_names"] == []
    (tmp_path / "confs" / "notes.txt").touch()
    with pytest.raises(FatalError, match="holds no configuration"):
        PrepLabel().execute(OPIO(given))
