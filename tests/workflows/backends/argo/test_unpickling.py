"""What steps pass on cannot run code of somebody else's choice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dflow import jsonpickle
from dpgen2.exploration.scheduler import ConvergenceCheckStageScheduler, ExplorationScheduler
from jsonpickle import unpickler

from nucleoflow.backends.argo.unpickling import restrict_jsonpickle
from nucleops.errors import WrongInput
from nucleops.learning.selector import TrustLevelSelector
from nucleops.learning.stage import StudyStage


@pytest.fixture(autouse=True)
def restricted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("loadclass", "_loadmodule", "loadrepr"):
        monkeypatch.setattr(unpickler, name, getattr(unpickler, name))  # put back at the end
    restrict_jsonpickle()


def test_what_the_learning_loop_passes_on_comes_back() -> None:
    scheduler = ExplorationScheduler()
    selector = TrustLevelSelector.__new__(TrustLevelSelector)
    scheduler.add_stage_scheduler(
        ConvergenceCheckStageScheduler(StudyStage([], {}, seed=1), selector)
    )
    again = jsonpickle.loads(jsonpickle.dumps(scheduler))
    (stage,) = again.stage_schedulers
    assert isinstance(stage, ConvergenceCheckStageScheduler)
    assert isinstance(stage.stage, StudyStage)
    assert isinstance(stage.selector, TrustLevelSelector)


def test_plain_values_need_no_classes() -> None:
    value = {"a": [1, 2.5, None, True], "b": {"c": "text"}, "t": (1, 2), "s": {3}}
    assert jsonpickle.loads(jsonpickle.dumps(value)) == value


@pytest.mark.parametrize(
    "payload",
    [
        {"py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["touch {}"]}]},
        {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["touch {}"]}]},
        {"py/reduce": [{"py/mod": "os/os.system"}, {"py/tuple": ["touch {}"]}]},
        {"py/reduce": [{"py/repr": "os/os.system"}, {"py/tuple": ["touch {}"]}]},
        {"py/object": "subprocess.Popen", "py/newargs": {"py/tuple": [["touch", "{}"]]}},
        # not even by way of a module that is allowed
        {
            "py/reduce": [
                {"py/type": "nucleops.learning.dataset.json.loads"},
                {"py/tuple": ['"{}"']},
            ]
        },
        {"py/object": "nucleops.learning.dataset.Path"},
        {"py/object": "nucleops.engines.runner.RunResult"},
        {"py/object": "nucleops.learning.no_such_module.Anything"},
        {"inner": [{"py/object": "builtins.object"}]},
    ],
)
def test_a_text_that_names_anything_else_is_refused(payload: object, tmp_path: Path) -> None:
    target = tmp_path / "made-by-the-text"
    text = json.dumps(payload).replace("{}", str(target))
    with pytest.raises(WrongInput, match=r"allowed: classes of dpgen2\.exploration"):
        jsonpickle.loads(text)
    assert not target.exists()


def test_such_a_text_would_have_run_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what is refused above is dangerous."""
    monkeypatch.undo()
    target = tmp_path / "made-by-the-text"
    payload = {"py/reduce": [{"py/type": "os.system"}, {"py/tuple": [f"touch {target}"]}]}
    jsonpickle.loads(json.dumps(payload))
    assert target.exists()
