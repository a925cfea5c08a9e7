"""Operator: one replica of spontaneous nucleation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dflow.python import OPIO, Artifact, OPIOSign

from nucleops.production import Production

if TYPE_CHECKING:
    from nucleops.engines.lammps.task import MdTask
    from nucleops.systems.system import System


class RunReplica(Production):
    """Many dimers in methanol, packed and run at seeds of this replica's own.

    The task has a ``spec`` to pack; the result folder is ``replica-000`` for ``number`` 0.
    """

    folder = "replica"

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """As of the other productions; built systems are not needed."""
        sign = super().get_input_sign()
        sign["systems"] = Artifact(Path, optional=True)
        return sign

    def start(self, task: MdTask, ip: OPIO) -> System:
        """Pack the replica's box at its own seed."""
        from nucleops.engines.lammps.task import built_system

        return built_system(task)
