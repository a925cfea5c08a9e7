"""Operator: long unbiased molecular dynamics of a finished cluster."""

from __future__ import annotations

from pathlib import Path

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign

from nucleops.errors import dflow_errors
from nucleops.signs import Paths


class RunUnbiased(OP):
    """Molecular dynamics of a built system.

    ``task`` is a dumped :class:`nucleops.engines.lammps.task.MdTask`; ``data_range``
    maps a composition to its lowest labelled energy in eV/atom and may be empty, for the models
    carry the range of their own data. ``result`` is the folder that ``run_md`` writes, named
    ``md``.
    """

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Task, built systems, committee, range of the labelled energies."""
        return OPIOSign(
            {
                "task": BigParameter(dict),
                "systems": Artifact(Path),
                "models": Artifact(Paths),
                "data_range": BigParameter(dict, default={}),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """The result folder."""
        return OPIOSign({"result": Artifact(Path)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Run, judge, and hand over the result folder, also where trust ended early."""
        from nucleops.engines.lammps.production import produce
        from nucleops.engines.lammps.task import read_task, stored_system

        task = read_task(dict(ip["task"]), "RunUnbiased.task")
        system = stored_system(task, Path(ip["systems"]))
        folder = Path("md" if task.number is None else f"md-{task.number:03d}")
        produce(task, system, ip["models"], ip["data_range"], folder, self._report)
        return OPIO({"result": folder})

    def _report(self, done: int, total: int) -> None:
        self.progress_total = total
        self.progress_current = done
