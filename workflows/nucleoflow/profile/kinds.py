"""Kinds of step: what a cluster gives a step, and which image it runs in, depends on its kind."""

from __future__ import annotations

from typing import Literal, get_args

StepKind = Literal["light", "build", "label", "train", "md", "analyse"]
"""``light`` steps take a second and only move data about."""

STEP_KINDS: tuple[StepKind, ...] = get_args(StepKind)

Image = Literal["orchestrator", "cp2k", "deepmd", "lammps-plumed"]
"""Images, by the folder of ``images/`` that makes them."""

IMAGE_OF_KIND: dict[StepKind, Image] = {
    "light": "orchestrator",
    "build": "orchestrator",
    "label": "cp2k",
    "train": "deepmd",
    "md": "lammps-plumed",
    "analyse": "orchestrator",
}

KIND_OF_OPERATOR: dict[str, StepKind] = {
    "BuildSystems": "build",
    "PrepTrain": "light",
    "PrepExplore": "light",
    "PrepLabel": "light",
    "SelectConfs": "light",
    "CollectData": "light",
    "GatherData": "light",
    "SchedulerWrapper": "light",
    "MakeBlockId": "light",
    "RunAimd": "label",
    "RunLabel": "label",
    "PrepCharges": "light",
    "RunCharges": "label",
    "RunTrain": "train",
    "RunExplore": "md",
    "RunMetadynamics": "md",
    "RunSharedMetadynamics": "md",
    "RunUnbiased": "md",
    "RunReplica": "md",
    "SummariseLearning": "analyse",
    "AnalyseMetadynamics": "analyse",
    "AnalyseStructure": "analyse",
    "PoolReplicas": "analyse",
    "AnalyseCharges": "analyse",
    "WriteReport": "analyse",
}
"""Operator class to its kind; steps that dflow adds by itself are light."""


def kind_of(operator: str) -> StepKind:
    """Return the kind of an operator by the name of its class."""
    return KIND_OF_OPERATOR.get(operator, "light")
