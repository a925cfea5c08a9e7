"""Operator: one replica of spontaneous nucleation."""

from __future__ import annotations

from pathlib import Path

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign

from nucleops.errors import dflow_errors
from nucleops.signs import Paths


class RunReplica(OP):
    """Many dimers in methanol, packed and run at seeds of this replica's own.

    ``task`` is a dumped :class:`nucleops.engines.lammps.task.MdTask` with a ``spec``;
    ``number`` is the replica's; ``data_range``
    maps a composition to its lowest labelled energy in eV/atom and may be empty, for the models
    carry the range of their own data. ``result`` is the folder that ``run_md`` writes, named
    ``replica-000``.
    """

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Task, committee, range of the labelled energies."""
        return OPIOSign(
            {
                "task": BigParameter(dict),
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
        from nucleops.engines.lammps.task import built_system, read_task

        task = read_task(dict(ip["task"]), "RunReplica.task")
        system = built_system(task)
        folder = Path(f"replica-{task.number or 0:03d}")
        produce(task, system, ip["models"], ip["data_range"], folder, self._report)
        return OPIO({"result": folder})

    def _report(self, done: int, total: int) -> None:
        self.progress_total = total
        self.progress_current = done
