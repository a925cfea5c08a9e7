"""Compose a study's stages into one workflow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dflow import DAG, Task
from dflow.python import PythonOPTemplate

from nucleoflow.dag.charges import charge_inputs, charges_stage
from nucleoflow.dag.learn import learn_stage
from nucleoflow.dag.plan import MAKERS, NEEDS, PRODUCTIONS, REPORTED, refuse_missing
from nucleoflow.dag.production import (
    metad_stage,
    nucleate_stage,
    result_names,
    unbiased_stage,
)
from nucleoflow.dflow_fixes import repair_dflow
from nucleoflow.study.model import Study
from nucleops.build import BuildSystems
from nucleops.report import WriteReport

Given = dict[str, Any]
"""What earlier stages produced: product to dflow artifact, or to a list of artifacts."""

STEP_PREFIXES: dict[str, tuple[str, ...]] = {
    "build": ("build",),
    "learn": ("learn--", "init--", "iter-", "final--"),
    **{stage: (f"run-{stage}", f"analyse-{stage}") for stage in PRODUCTIONS},
    "charges": ("prep-charges", "run-charges", "analyse-charges"),
}
"""How the keys of a stage's steps begin; by them the report adds up the time of a stage."""


def study_dag(study: Study, stages: Sequence[str], given: Given, provenance: dict[str, Any]) -> DAG:
    """Build the workflow of a study.

    Parameters
    ----------
    study : Study
        What to compute.
    stages : sequence of str
        Stages to run, as :func:`nucleoflow.dag.plan.stages_of` gives them.
    given : dict
        Products of stages that are not run again.
    provenance : dict
        Run id, versions and times, for the report.

    Returns
    -------
    dflow.DAG
        One task for each stage, keyed by the stage's name.

    Raises
    ------
    WrongInput
        A stage needs a product that is neither made nor given.
    """
    refuse_missing(stages, list(given))
    repair_dflow()
    dag = DAG("study")
    products = dict(given)
    for stage in stages:
        task = _STAGE_TASKS[stage](study, products, provenance)
        dag.add(task)
        products.update(_products(study, stage, task))
    return dag


def _products(study: Study, stage: str, task: Task) -> Given:
    """Take what a stage makes from its task."""
    made: Given = {}
    for product in (name for name, maker in MAKERS.items() if maker == stage):
        names = result_names(study, stage) if stage in PRODUCTIONS else [product]
        artifacts = [task.outputs.artifacts[name] for name in names]
        made[product] = artifacts if stage in PRODUCTIONS else artifacts[0]
    return made


def _build_task(study: Study, products: Given, provenance: dict[str, Any]) -> Task:
    return Task(
        "build",
        template=PythonOPTemplate(BuildSystems),
        parameters={
            "systems": {n: s.model_dump(mode="json") for n, s in study.systems.items()},
            "metal": study.chemistry.metal,
            "seed": study.seed,
            **study.plain_molecules,
        },
        key="build",
    )


def _learn_task(study: Study, products: Given, provenance: dict[str, Any]) -> Task:
    return Task(
        "learn",
        template=learn_stage(study),
        artifacts={"systems": products["systems"]},
        key="learn",
    )


def _production_task(name: str, template: Callable[[Study], Any]) -> Callable[..., Task]:
    def task(study: Study, products: Given, provenance: dict[str, Any]) -> Task:
        return Task(
            name,
            template=template(study),
            artifacts={need: products[need] for need in NEEDS[name]},
            key=name,
        )

    return task


def _charges_task(study: Study, products: Given, provenance: dict[str, Any]) -> Task:
    inputs = charge_inputs(products)
    return Task(
        "charges",
        template=charges_stage(study, tuple(inputs)),
        artifacts=inputs,
        key="charges",
    )


def _report_task(study: Study, products: Given, provenance: dict[str, Any]) -> Task:
    return Task(
        "report",
        template=PythonOPTemplate(WriteReport),
        parameters={
            "study": study.model_dump(mode="json"),
            "provenance": {
                **provenance,
                "study_digest": study.digest,
                "seeds": {"study": study.seed},
                "step_prefixes": STEP_PREFIXES,
            },
        },
        artifacts={name: products.get(name) for name in REPORTED},
        key="report",
    )


_STAGE_TASKS: dict[str, Callable[[Study, Given, dict[str, Any]], Task]] = {
    "build": _build_task,
    "learn": _learn_task,
    "metad": _production_task("metad", metad_stage),
    "unbiased": _production_task("unbiased", unbiased_stage),
    "nucleate": _production_task("nucleate", nucleate_stage),
    "charges": _charges_task,
    "report": _report_task,
}
