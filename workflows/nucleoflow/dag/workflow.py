"""The workflow of a run on this machine."""

from __future__ import annotations

import platform
import time
from typing import Any

from dflow import Workflow
from dflow.context import Context

from nucleoflow.backends.local.executor import LocalExecutor
from nucleoflow.dag.compose import study_dag
from nucleoflow.dag.given import given_products
from nucleoflow.dag.plan import stages_of
from nucleoflow.dag.production import runs_together
from nucleoflow.profile.kinds import StepKind, kind_of
from nucleoflow.runs.folder import RunConfig, RunFolder
from nucleoflow.study.load import load_study
from nucleoflow.study.model import Study
from nucleoflow.versions import versions


class LocalContext(Context):
    """Gives every operator the cores, GPUs, retries and time that the study says.

    Light operators take a second and do not wait for a core behind runs that take hours.

    Parameters
    ----------
    study : Study
        Whose ``resources`` count.
    """

    def __init__(self, study: Study) -> None:
        r = study.resources

        def executor(cores: int, gpus: int = 0, per_gpu: int = 1) -> LocalExecutor:
            return LocalExecutor(
                cores, gpus, retries=r.retries, timeout_s=r.step_timeout_s, per_gpu=per_gpu
            )

        self._by_kind: dict[StepKind, LocalExecutor] = {
            "light": executor(0),
            "build": executor(1),
            "label": executor(r.label_cores),
            "train": executor(r.train_cores, r.train_gpus),
            "md": executor(r.md_cores, r.md_gpus, r.md_per_gpu),
            "analyse": executor(1),
        }

    def render(self, template: Any) -> Any:
        """Return the template with the executor of its operator applied."""
        operator = getattr(template, "op_class", None)
        operator = operator if isinstance(operator, type) else type(operator)
        executor = self._by_kind[kind_of(operator.__name__)]
        return executor.times(runs_together(template)).render(template)


def build_workflow(run: RunConfig) -> Workflow:
    """Build the workflow of a run; the local controller calls this.

    Parameters
    ----------
    run : RunConfig
        What was asked for.

    Returns
    -------
    dflow.Workflow
        Not submitted yet; its id is the run's.

    Raises
    ------
    StudyError
        The study is not valid.
    WrongInput
        A stage is unknown, or lacks what an earlier stage makes.
    """
    study = load_study(str(run.study))
    stages = stages_of(study, run.stages)
    given = given_products(RunFolder(run.from_run).results) if run.from_run else {}
    dag = study_dag(study, stages, given, provenance(run))
    return Workflow(name=study.name, dag=dag, id=run.run_id, context=LocalContext(study))


def provenance(run: RunConfig) -> dict[str, Any]:
    """Collect what identifies a run: id, versions, where it ran."""
    return {
        "run_id": run.run_id,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "from_run": run.from_run.name if run.from_run else None,
        "versions": versions(),
        "machine": f"{platform.system()} {platform.machine()}",
    }
