"""Operators: metadynamics or OPES with a committee of potentials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dflow.python import OP, OPIO, Artifact, OPIOSign, Parameter

from nucleops.errors import WrongInput, dflow_errors
from nucleops.production import Production
from nucleops.progress import reporter
from nucleops.signs import Paths

if TYPE_CHECKING:
    from nucleops.engines.lammps.task import MdTask


class RunMetadynamics(Production):
    """One independent walker; the result folder is ``walker-000`` for ``number`` 0."""

    folder = "walker"

    def check(self, task: MdTask) -> None:
        """Refuse a task without enhanced sampling."""
        if task.bias is None or task.bias.enhanced is None:
            raise WrongInput(
                f"the task of system {task.system} has no bias.metadynamics and no bias.opes"
            )


class RunSharedMetadynamics(RunMetadynamics):
    """All walkers that share one bias, side by side; result folders ``walker-000``, ``walker-001``.

    ``task`` has ``sharing`` and no ``number``. The walkers are one task because they exchange their
    hills through files, which tasks on different machines do not have in common; it needs ``cores``
    for each of them.
    """

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """The result folders, in the order of the walkers, and the speed of the slowest."""
        return OPIOSign({"result": Artifact(Paths), "ns_per_day": Parameter(float, default=0.0)})

    def check(self, task: MdTask) -> None:
        """Refuse a task that shares nothing, or is one walker of several."""
        super().check(task)
        if task.sharing is None or task.number is not None:
            raise WrongInput(
                f"the task of system {task.system}: found sharing {task.sharing}, number "
                f"{task.number}; walkers that share hills need sharing and no number"
            )
        if task.bias is not None and task.bias.metadynamics is None:
            raise WrongInput(
                f"the task of system {task.system}: walkers share the hills of bias.metadynamics; "
                "those of OPES cannot share through files"
            )

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Run all walkers, judge each, and hand over their result folders."""
        from nucleops.engines.lammps.together import produce_together

        task = self.read(ip)
        assert task.sharing is not None
        folders = [Path(f"{self.folder}-{number:03d}") for number in range(task.sharing.walkers)]
        system = self.start(task, ip)
        results = produce_together(
            task, system, ip["models"], ip["data_range"], folders, reporter(self)
        )
        return OPIO({"result": folders, "ns_per_day": min(run.ns_per_day for run in results)})
