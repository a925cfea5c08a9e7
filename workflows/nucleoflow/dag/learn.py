"""Stage ``learn``: dpgen2's concurrent learning with our operators in its slots."""

from __future__ import annotations

from typing import Any

from dflow import (
    InputArtifact,
    Inputs,
    OutputArtifact,
    Outputs,
    Step,
    Steps,
    argo_range,
    upload_artifact,
)
from dflow.python import PythonOPTemplate, Slices
from dpgen2.exploration.scheduler import ConvergenceCheckStageScheduler, ExplorationScheduler
from dpgen2.flow import ConcurrentLearning
from dpgen2.superop import ConcurrentLearningBlock, PrepRunDPTrain, PrepRunFp, PrepRunLmp
from dpgen2.utils.step_config import normalize

from nucleoflow.runs.rounds import DATA_KEY
from nucleoflow.study.model import Study
from nucleops.analyse import SummariseLearning
from nucleops.data import GatherData
from nucleops.explore import PrepExplore, RunExplore
from nucleops.label import PrepLabel, RunAimd, RunLabel
from nucleops.learning.selector import TrustLevelSelector
from nucleops.learning.stage import StudyStage
from nucleops.seeds import derive_seed
from nucleops.selection import CollectData, SelectConfs
from nucleops.train import PrepTrain, RunTrain


class LearningBlock(ConcurrentLearningBlock):
    """dpgen2's block, whose data collection also keeps the account of the round.

    dpgen2 hands on models and data only. The training tests and the selection's counts are wired
    to the collecting step too, which writes them beside the round's data as ``round.json``; so are
    the initial data, which it does not repeat. The selection gets what is labelled already, so that
    it chooses none of it again.
    """

    def __init__(self, name: str, **operators: Any) -> None:
        super().__init__(name, **operators)
        steps = {step.name: step for step in self}
        labelled = {key: self.inputs.artifacts[key] for key in ("init_data", "iter_data")}
        steps[f"{name}-select-confs"].set_artifacts(labelled)
        collect = steps[f"{name}-collect-data"]
        collect.set_artifacts(
            {
                "init_data": self.inputs.artifacts["init_data"],
                "train_logs": steps[f"{name}-prep-run-dp-train"].outputs.artifacts["logs"],
                "selection_record": steps[f"{name}-select-confs"].outputs.artifacts["record"],
            }
        )


def learn_stage(study: Study) -> Steps:
    """Build the stage's template.

    Inputs: artifact ``systems``. Outputs: artifacts ``models`` (the production committee),
    ``learning`` (the account for the report) and ``data`` (all labelled frames, as a collection).
    """
    steps = Steps(
        "learn",
        inputs=Inputs(artifacts={"systems": InputArtifact()}),
        outputs=Outputs(
            artifacts={name: OutputArtifact() for name in ("models", "learning", "data")},
        ),
    )
    aimd = _aimd_step(study, steps)
    steps.add(aimd)
    train = PrepRunDPTrain("prep-run-train", PrepTrain, RunTrain)
    loop = _loop_step(study, aimd, train)
    steps.add(loop)
    final = Step(
        "train-final",
        template=train,
        parameters={
            "block_id": "final",
            "numb_models": study.learn.train.n_models,
            "template_script": train_template(study),
            "train_config": {"schedule": "last"},
        },
        artifacts={
            "init_models": loop.outputs.artifacts["models"],
            "init_data": aimd.outputs.artifacts["labeled_data"],
            "iter_data": loop.outputs.artifacts["iter_data"],
        },
        key="final--prep-run-train",
    )
    data = Step(
        "gather-data",
        template=PythonOPTemplate(GatherData),
        parameters={
            "type_map": study.type_map,
            "level_of_theory": study.level_of_theory.model_dump(mode="json"),
        },
        artifacts={
            "init_data": aimd.outputs.artifacts["labeled_data"],
            "iter_data": loop.outputs.artifacts["iter_data"],
        },
        key=DATA_KEY,
    )
    steps.add(final)
    steps.add(data)
    summary = Step(
        "summarise-learning",
        template=PythonOPTemplate(SummariseLearning),
        parameters={
            "level_of_theory": study.level_of_theory.model_dump(mode="json"),
            "selection": study.learn.selection.model_dump(mode="json"),
            "collection": data.outputs.parameters["summary"],
        },
        artifacts={
            "init_data": aimd.outputs.artifacts["labeled_data"],
            "init_logs": aimd.outputs.artifacts["log"],
            "iter_data": loop.outputs.artifacts["iter_data"],
            "train_logs": final.outputs.artifacts["logs"],
        },
        key="learn--summary",
    )
    steps.add(summary)
    steps.outputs.artifacts["models"]._from = final.outputs.artifacts["models"]
    steps.outputs.artifacts["learning"]._from = summary.outputs.artifacts["learning"]
    steps.outputs.artifacts["data"]._from = data.outputs.artifacts["data"]
    return steps


def train_template(study: Study) -> dict[str, Any]:
    """Everything a training needs besides data: settings, element order, seed."""
    return {
        "train": study.learn.train.model_dump(mode="json"),
        "type_map": study.type_map,
        "seed": derive_seed(study.seed, "train"),
    }


def exploration_scheduler(study: Study) -> ExplorationScheduler:
    """dpgen2's scheduler with the study's explorations and trust levels."""
    learn = study.learn
    explorations = [
        {
            **entry.model_dump(mode="json", exclude={"bias"}),
            "bias_name": entry.bias,
            "spec": study.systems[entry.system].model_dump(mode="json"),
            "bias": study.biases[entry.bias].model_dump(mode="json") if entry.bias else None,
        }
        for entry in learn.exploration
    ]
    trust = learn.exploration_trust or study.trust
    common = {
        "metal": study.chemistry.metal,
        **study.plain_molecules,
        "trust": trust.model_dump(mode="json"),
        "cores": study.resources.md_cores,
    }
    selector = TrustLevelSelector(
        learn.selection.model_dump(mode="json"), derive_seed(study.seed, "select")
    )
    scheduler = ExplorationScheduler()
    scheduler.add_stage_scheduler(
        ConvergenceCheckStageScheduler(
            StudyStage(explorations, common, study.seed),
            selector,
            max_numb_iter=learn.max_rounds,
            fatal_at_max=False,
        )
    )
    return scheduler


def _aimd_step(study: Study, steps: Steps) -> Step:
    tasks = [
        {
            "system": run.system,
            "temperature_K": temperature,
            "seed": derive_seed(study.seed, "aimd", run.system, temperature),
            "run": run.model_dump(mode="json"),
            "level": study.level_of_theory.model_dump(mode="json"),
            "type_map": study.type_map,
        }
        for run in study.learn.initial_data
        for temperature in run.temperatures_K
    ]
    return Step(
        "aimd",
        template=PythonOPTemplate(
            RunAimd,
            slices=Slices(
                "{{item}}",
                input_parameter=["task"],
                output_artifact=["labeled_data", "log", "extra_outputs"],
            ),
        ),
        parameters={"task": tasks},
        artifacts={"systems": steps.inputs.artifacts["systems"]},
        with_param=argo_range(len(tasks)),
        key="learn--aimd-{{item}}",
    )


def _loop_step(study: Study, aimd: Step, train: PrepRunDPTrain) -> Step:
    tolerant = normalize({"continue_on_success_ratio": 1 - study.learn.allowed_task_loss})
    block = LearningBlock(
        "round",
        prep_run_dp_train_op=train,
        prep_run_explore_op=PrepRunLmp(
            "prep-run-explore", PrepExplore, RunExplore, run_config=tolerant
        ),
        select_confs_op=SelectConfs,
        prep_run_fp_op=PrepRunFp("prep-run-label", PrepLabel, RunLabel, run_config=tolerant),
        collect_data_op=CollectData,
    )
    return Step(
        "concurrent-learning",
        template=ConcurrentLearning("learning", block),
        parameters={
            "type_map": study.type_map,
            "numb_models": study.learn.train.n_models,
            "template_script": train_template(study),
            "train_config": {"schedule": "auto"},
            "explore_config": {},
            "fp_config": {
                "level": study.level_of_theory.model_dump(mode="json"),
                "label": study.learn.label.model_dump(mode="json"),
            },
            "exploration_scheduler": exploration_scheduler(study),
        },
        artifacts={
            "init_models": None,
            "init_data": aimd.outputs.artifacts["labeled_data"],
            "iter_data": upload_artifact([], archive=None),
        },
        key="learn--rounds",
    )
