"""Stages ``metad``, ``unbiased`` and ``nucleate``: fan-outs of runs, each followed by analysis.

A stage has one output artifact for each of its named productions, called as
:func:`result_names` says.
"""

from __future__ import annotations

from typing import Any

from dflow import InputArtifact, Inputs, OutputArtifact, Outputs, Step, Steps, argo_range
from dflow.python import OP, PythonOPTemplate, Slices

from nucleoflow.study.model import Study
from nucleoflow.study.sections import Metad
from nucleops.analyse import AnalyseMetadynamics, AnalyseStructure, PoolReplicas
from nucleops.engines.lammps.settings import Sharing
from nucleops.metad import RunMetadynamics, RunSharedMetadynamics
from nucleops.nucleate import RunReplica
from nucleops.seeds import derive_seed
from nucleops.unbiased import RunUnbiased

RUNS_TOGETHER = "nucleoflow/runs-together"
"""Annotation of a template whose step holds several runs side by side: how many."""


def result_names(study: Study, stage: str) -> list[str]:
    """Names of a stage's outputs: ``metad-<name>``, ``unbiased-<name>``, ``nucleate``."""
    if stage == "nucleate":
        return ["nucleate"] if study.nucleate is not None else []
    return [f"{stage}-{name}" for name in getattr(study, stage)]


def metad_stage(study: Study) -> Steps:
    """Walkers of every named metadynamics, then one analysis for each name."""
    steps = _stage("metad", result_names(study, "metad"), ("systems", "models"))
    runs, analyses = [], []
    for name, metad in study.metad.items():
        task = {
            **_common(study, "metad", name),
            "system": metad.system,
            "md": metad.md.model_dump(mode="json"),
            "bias": study.biases[metad.bias].model_dump(mode="json"),
        }
        if metad.shared_bias:
            run = _together_step(steps, study, metad, task, f"metad-{name}")
        else:
            run = _run_step(steps, RunMetadynamics, task, metad.walkers, f"metad-{name}")
        runs.append(run)
        analyses.append(
            _analyse_step(
                steps,
                AnalyseMetadynamics,
                {"walkers": run.outputs.artifacts["result"]},
                {"settings": metad.analysis.model_dump(mode="json"), "name": name},
                f"metad-{name}",
            )
        )
    steps.add(runs)
    steps.add(analyses)
    return steps


def unbiased_stage(study: Study) -> Steps:
    """One long run for each name, then its structural analysis."""
    steps = _stage("unbiased", result_names(study, "unbiased"), ("systems", "models"))
    runs, analyses = [], []
    for name, entry in study.unbiased.items():
        task = {
            **_common(study, "unbiased", name),
            "system": entry.system,
            "md": entry.md.model_dump(mode="json"),
        }
        run = Step(
            f"run-unbiased-{name}",
            template=PythonOPTemplate(RunUnbiased),
            parameters={"task": task},
            artifacts=dict(steps.inputs.artifacts.items()),
            key=f"run-unbiased-{name}",
        )
        runs.append(run)
        analyses.append(
            _analyse_step(
                steps,
                AnalyseStructure,
                {"md": run.outputs.artifacts["result"]},
                {"settings": entry.analysis.model_dump(mode="json"), "name": name},
                f"unbiased-{name}",
            )
        )
    steps.add(runs)
    steps.add(analyses)
    return steps


def nucleate_stage(study: Study) -> Steps:
    """Replicas, each packed from its own seed, then their pool; lost replicas do not stop it."""
    nucleate = study.nucleate
    assert nucleate is not None  # stages_of leaves the stage out otherwise
    conditions = [
        {"label": label, "spec": spec.model_dump(mode="json"), "md": md.model_dump(mode="json")}
        for label, spec, md in nucleate.conditions
    ]
    task = {**_common(study, "nucleate"), "system": "nucleate", "conditions": conditions}
    begun = nucleate.replicas * len(conditions)
    steps = _stage("nucleate", ["nucleate"], ("models",))
    ratio = 1 - nucleate.allowed_loss
    settings = {"settings": nucleate.analysis.model_dump(mode="json")}
    run = _run_step(
        steps,
        RunReplica,
        task,
        begun,
        "nucleate",
        outputs=("result", "analysis"),
        parameters=settings,
        success_ratio=ratio,
    )
    steps.add(run)
    steps.add(
        _analyse_step(
            steps,
            PoolReplicas,
            {"replicas": run.outputs.artifacts["analysis"]},
            {**settings, "begun": begun},
            "nucleate",
        )
    )
    return steps


def _common(study: Study, *labels: object) -> dict[str, Any]:
    return {
        "metal": study.chemistry.metal,
        **study.plain_molecules,
        "trust": study.trust.model_dump(mode="json"),
        "seed": derive_seed(study.seed, *labels),
        "cores": study.resources.md_cores,
    }


def _stage(name: str, results: list[str], inputs: tuple[str, ...]) -> Steps:
    return Steps(
        name,
        inputs=Inputs(artifacts={key: InputArtifact() for key in inputs}),
        outputs=Outputs(artifacts={result: OutputArtifact() for result in results}),
    )


def _run_step(
    steps: Steps,
    operator: type[OP],
    task: dict[str, Any],
    count: int,
    name: str,
    outputs: tuple[str, ...] = ("result",),
    parameters: dict[str, Any] | None = None,
    success_ratio: float | None = None,
) -> Step:
    """Run numbered siblings of one task; below the success ratio the step fails.

    The siblings are not written out: thousands of them make a workflow no larger than one.
    """
    return Step(
        f"run-{name}",
        template=PythonOPTemplate(
            operator,
            slices=Slices("{{item}}", output_artifact=list(outputs)),
        ),
        parameters={"task": task, "number": "{{item}}", **(parameters or {})},
        artifacts=dict(steps.inputs.artifacts.items()),
        with_param=argo_range(count),
        key=f"run-{name}-{{{{item}}}}",
        continue_on_success_ratio=success_ratio,
    )


def _together_step(
    steps: Steps, study: Study, metad: Metad, task: dict[str, Any], name: str
) -> Step:
    """Run the walkers that share a bias as one task: only one machine has one file system."""
    metadynamics = study.biases[metad.bias].metadynamics
    assert metadynamics is not None  # a study that shares anything else is refused
    sharing = Sharing(
        walkers=metad.walkers, exchange_steps=metad.exchange_steps or metadynamics.pace_steps
    )
    return Step(
        f"run-{name}",
        template=PythonOPTemplate(
            RunSharedMetadynamics, annotations={RUNS_TOGETHER: str(metad.walkers)}
        ),
        parameters={"task": {**task, "sharing": sharing.model_dump(mode="json")}},
        artifacts=dict(steps.inputs.artifacts.items()),
        key=f"run-{name}",
    )


def runs_together(template: Any) -> int:
    """Return how many runs a template holds side by side, each with the cores and GPUs of one."""
    return int((getattr(template, "annotations", None) or {}).get(RUNS_TOGETHER, 1))


def _analyse_step(
    steps: Steps,
    operator: type[OP],
    artifacts: dict[str, Any],
    parameters: dict[str, Any],
    name: str,
) -> Step:
    """Analyse the runs of one production; its result is the stage's output of that name."""
    step = Step(
        f"analyse-{name}",
        template=PythonOPTemplate(operator),
        parameters=parameters,
        artifacts=artifacts,
        key=f"analyse-{name}",
    )
    (output,) = step.outputs.artifacts
    steps.outputs.artifacts[name]._from = step.outputs.artifacts[output]
    return step
