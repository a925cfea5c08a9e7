"""Stage ``charges``: structures of every state, a fan-out of CP2K runs, and their pool."""

from __future__ import annotations

from typing import Any

from dflow import (
    InputArtifact,
    Inputs,
    OutputArtifact,
    Outputs,
    Step,
    Steps,
    argo_len,
    argo_sequence,
)
from dflow.python import PythonOPTemplate, Slices

from nucleoflow.dag.plan import CHARGED
from nucleoflow.study.model import Study
from nucleops.charges import AnalyseCharges, PrepCharges, RunCharges


def charge_inputs(products: dict[str, Any]) -> dict[str, Any]:
    """Name each result folder that structures are taken from: ``metad-0``, ``unbiased-0`` ..."""
    return {
        f"{stage}-{number}": artifact
        for stage in CHARGED
        for number, artifact in enumerate(products.get(stage) or ())
    }


def charges_stage(study: Study, inputs: tuple[str, ...]) -> Steps:
    """Build the stage.

    Parameters
    ----------
    study : Study
        With a section `charges`.
    inputs : tuple of str
        Names that :func:`charge_inputs` gives.
    """
    settings = study.charges
    assert settings is not None  # stages_of leaves the stage out otherwise
    level = settings.level or study.level_of_theory
    steps = Steps(
        "charges",
        inputs=Inputs(artifacts={name: InputArtifact() for name in inputs}),
        outputs=Outputs(artifacts={"charges": OutputArtifact()}),
    )
    chosen = {
        stage: [a for name, a in steps.inputs.artifacts.items() if name.startswith(f"{stage}-")]
        for stage in CHARGED
    }
    prepare = Step(
        "prep-charges",
        template=PythonOPTemplate(PrepCharges, output_artifact_archive={"task_paths": None}),
        parameters={
            "settings": settings.model_dump(mode="json"),
            "metal": study.chemistry.metal,
        },
        artifacts={stage: found or None for stage, found in chosen.items()} | {"structures": None},
        key="prep-charges",
    )
    steps.add(prepare)
    run = Step(
        "run-charges",
        template=PythonOPTemplate(
            RunCharges,
            slices=Slices(
                "int('{{item}}')",
                input_parameter=["task_name"],
                input_artifact=["task_path"],
                output_artifact=["charges", "log"],
            ),
        ),
        parameters={
            "task_name": prepare.outputs.parameters["task_names"],
            "config": {
                "level": level.model_dump(mode="json"),
                "charges": settings.model_dump(mode="json"),
                "threads": study.resources.label_cores,
            },
        },
        artifacts={"task_path": prepare.outputs.artifacts["task_paths"]},
        with_sequence=argo_sequence(
            argo_len(prepare.outputs.parameters["task_names"]), format="%06d"
        ),
        key="run-charges-{{item}}",
        continue_on_success_ratio=1 - settings.allowed_loss,
    )
    steps.add(run)
    pool = Step(
        "analyse-charges",
        template=PythonOPTemplate(AnalyseCharges),
        artifacts={"tasks": run.outputs.artifacts["charges"]},
        key="analyse-charges",
    )
    steps.add(pool)
    steps.outputs.artifacts["charges"]._from = pool.outputs.artifacts["charges"]
    return steps
