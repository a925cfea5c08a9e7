"""Studies become workflows whose stages can be run alone."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from dflow import DAG, Steps, upload_artifact
from dflow.python import PythonOPTemplate

from nucleoflow.dag.compose import study_dag
from nucleoflow.dag.plan import missing_products, stages_of
from nucleoflow.dag.workflow import LocalContext
from nucleoflow.profile.kinds import KIND_OF_OPERATOR
from nucleoflow.study.load import load_study
from nucleoflow.study.model import STAGES, Study
from nucleoflow.study.variants import with_replicas
from nucleops.errors import WrongInput


def operators(template: Any) -> Iterator[Any]:
    """Yield every operator template inside a workflow's template."""
    if isinstance(template, PythonOPTemplate):
        yield template
    for entry in template if isinstance(template, Steps | DAG) else ():
        for step in entry if isinstance(entry, list) else [entry]:
            if step.template is not template:  # the learning loop holds itself
                yield from operators(step.template)


@pytest.mark.parametrize("name", ["quickstart", "ag6", "ag6-xtb"])
def test_a_study_is_one_task_for_each_stage(name: str) -> None:
    study = load_study(name)
    dag = study_dag(study, stages_of(study), {}, {})
    assert [task.name for task in dag] == list(STAGES)
    assert [task.key for task in dag] == list(STAGES)


def test_production_stages_wait_for_learning_and_the_report_for_all() -> None:
    study = load_study("quickstart")
    tasks = {task.name: task for task in study_dag(study, stages_of(study), {}, {})}
    waits = {name: {str(t.name) for t in task.dependencies} for name, task in tasks.items()}
    for stage in ("metad", "unbiased", "nucleate"):
        assert "learn" in waits[stage]
        assert stage in waits["report"]
    assert not waits["metad"] & {"unbiased", "nucleate"}
    assert waits["charges"] == {"metad", "unbiased"}
    assert "charges" in waits["report"]


def test_charges_of_motifs_need_no_other_stage() -> None:
    (task,) = study_dag(load_study("quickstart"), ["charges"], {}, {})
    assert not task.template.inputs.artifacts
    steps = {s.name: s for group in task.template for s in as_list(group)}
    assert {"prep-charges", "run-charges", "analyse-charges"} <= set(steps)
    config = steps["run-charges"].inputs.parameters["config"].value
    assert config["level"]["method"] == "gfn1-xtb"


def test_learning_is_dpgen2s_loop_with_our_operators() -> None:
    from dpgen2.flow import ConcurrentLearning

    study = load_study("quickstart")
    learn = next(t for t in study_dag(study, ["build", "learn"], {}, {}) if t.name == "learn")
    templates = [step.template for step in learn.template]
    assert any(isinstance(template, ConcurrentLearning) for template in templates)
    used = {template.op_class.__name__ for template in operators(learn.template)}
    assert used >= {
        "RunAimd",
        "PrepTrain",
        "RunTrain",
        "PrepExplore",
        "RunExplore",
        "SelectConfs",
        "PrepLabel",
        "RunLabel",
        "CollectData",
        "GatherData",
        "SummariseLearning",
    }


def test_every_named_production_is_a_fan_out_of_its_own() -> None:
    study = load_study("ag6")
    (metad,) = (t for t in study_dag(study, stages_of(study), {}, {}) if t.name == "metad")
    assert isinstance(metad.template, Steps)
    assert set(metad.template.outputs.artifacts) == {
        "metad-monomer-dimer",
        "metad-dimers-octahedron",
    }


def test_stages_are_run_in_order_whatever_the_order_asked() -> None:
    study = load_study("quickstart")
    assert stages_of(study, ["report", "learn"]) == ["learn", "report"]
    with pytest.raises(WrongInput, match="has no stage 'lern'"):
        stages_of(study, ["lern"])


def test_what_is_missing_is_named() -> None:
    assert missing_products(["metad"], []) == {"systems": "metad", "models": "metad"}
    assert missing_products(["metad"], ["systems", "models"]) == {}
    assert missing_products(["build", "learn", "metad"], []) == {}
    with pytest.raises(WrongInput, match="--from"):
        study_dag(load_study("quickstart"), ["metad"], {}, {})


def test_each_kind_of_task_has_its_cores_and_gpus() -> None:
    study = load_study("ag6")
    context = LocalContext(study)
    commands = {
        template.op_class.__name__: context.render(template).command
        for task in study_dag(study, stages_of(study), {}, {})
        for template in operators(task.template)
    }

    def option(operator: str, name: str) -> str:
        words = commands[operator]
        return str(words[words.index(name) + 1])

    assert option("RunLabel", "--cores") == str(study.resources.label_cores)
    assert option("RunTrain", "--gpus") == "1"
    assert option("RunReplica", "--gpus") == "1"
    assert option("SelectConfs", "--gpus") == "0"
    assert option("RunAimd", "--retries") == str(study.resources.retries)


@pytest.mark.parametrize("name", ["quickstart", "ag6"])
def test_every_operator_of_a_study_has_a_kind(name: str) -> None:
    study = load_study(name)
    dag = study_dag(study, stages_of(study), {}, {})
    used = {t.op_class for task in dag for t in operators(task.template)}
    names = {op.__name__ if isinstance(op, type) else type(op).__name__ for op in used}
    assert names <= set(KIND_OF_OPERATOR)


def test_numbered_runs_are_not_written_out() -> None:
    study = with_replicas(load_study("ag6"), 10_000)
    dag = study_dag(study, ["nucleate"], {"models": upload_artifact([])}, {})
    (task,) = dag
    run = next(s for group in task.template for s in as_list(group) if s.name == "run-nucleate")
    assert "number" not in run.inputs.parameters["task"].value
    assert run.inputs.parameters["number"].value == "{{item}}"


def as_list(entry: Any) -> list[Any]:
    return entry if isinstance(entry, list) else [entry]


def shared_study(walkers: int) -> Study:
    """The article's study, whose first metadynamics has walkers that share their hills."""
    content = load_study("ag6").model_dump()
    content["metad"]["monomer-dimer"] |= {"walkers": walkers, "shared_bias": True}
    content["resources"] |= {"md_cores": 3, "md_gpus": 1}
    return Study.model_validate(content)


def test_walkers_that_share_hills_are_one_task_with_cores_for_all() -> None:
    study = shared_study(4)
    (metad,) = (t for t in study_dag(study, stages_of(study), {}, {}) if t.name == "metad")
    steps = {
        step.name: step
        for entry in metad.template
        for step in (entry if isinstance(entry, list) else [entry])
    }
    together = steps["run-metad-monomer-dimer"]
    assert together.template.op_class.__name__ == "RunSharedMetadynamics"
    assert together.with_param is None
    task = together.inputs.parameters["task"].value
    pace = study.biases["monomer-dimer"].metadynamics
    assert pace is not None
    assert task["sharing"] == {"walkers": 4, "exchange_steps": pace.pace_steps}
    assert "number" not in task
    alone = steps["run-metad-dimers-octahedron"]
    assert alone.template.op_class.__name__ == "RunMetadynamics"

    # dflow hands the context to processes of its own
    context = pickle.loads(pickle.dumps(LocalContext(study)))

    def words(step: Any) -> list[str]:
        return list(context.render(step.template).command)

    assert words(together)[words(together).index("--cores") + 1] == "12"
    assert words(together)[words(together).index("--gpus") + 1] == "4"
    assert words(alone)[words(alone).index("--cores") + 1] == "3"
