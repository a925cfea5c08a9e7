"""What the production operators share: one run with a committee, judged, as a result folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign, Parameter

from nucleops.errors import dflow_errors
from nucleops.progress import reporter
from nucleops.signs import Paths

if TYPE_CHECKING:
    from nucleops.engines.lammps.task import MdTask
    from nucleops.systems.system import System


class Production(OP):
    """A run of molecular dynamics that ends as a result folder; subclasses say which.

    ``task`` is a dumped :class:`nucleops.engines.lammps.task.MdTask`. ``number`` says which of
    several siblings this is, so that all can have one ``task``; left out, the task's own counts.
    ``data_range`` maps a composition to its lowest labelled energy in eV/atom and may be empty, for
    the models carry the range of their own data. ``result`` is the folder that ``run_md`` writes.
    """

    folder = "md"
    """Name of the result folder; siblings add their number."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Task, built systems, committee, range of the labelled energies."""
        return OPIOSign(
            {
                "task": BigParameter(dict),
                "number": Parameter(int, default=None),
                "systems": Artifact(Path),
                "models": Artifact(Paths),
                "data_range": BigParameter(dict, default={}),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """The result folder, and the speed of the run."""
        return OPIOSign({"result": Artifact(Path), "ns_per_day": Parameter(float, default=0.0)})

    def start(self, task: MdTask, ip: OPIO) -> System:
        """Return the start of the run: a built system of the study."""
        from nucleops.engines.lammps.task import stored_system

        return stored_system(task, Path(ip["systems"]))

    def read(self, ip: OPIO) -> MdTask:
        """Return the task of this run, checked."""
        from nucleops.engines.lammps.task import read_task

        task = read_task(self.values(ip), f"{type(self).__name__}.task")
        self.check(task)
        return task

    def values(self, ip: OPIO) -> dict[str, Any]:
        """Return the task of this run as plain data."""
        values = dict(ip["task"])
        if ip["number"] is not None:
            values["number"] = ip["number"]
        return values

    def check(self, task: MdTask) -> None:
        """Refuse a task that this operator is not for."""

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Run, judge, and hand over the result folder, also where trust ended early."""
        return self.produce(ip)

    def produce(self, ip: OPIO) -> OPIO:
        """Run and judge; returns ``result`` and ``ns_per_day``."""
        from nucleops.engines.lammps.production import produce

        task = self.read(ip)
        folder = Path(self.folder if task.number is None else f"{self.folder}-{task.number:03d}")
        system = self.start(task, ip)
        result = produce(task, system, ip["models"], ip["data_range"], folder, reporter(self))
        return OPIO({"result": folder, "ns_per_day": result.ns_per_day})
