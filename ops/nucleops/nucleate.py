"""Operator: one replica of spontaneous nucleation, run and analysed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign

from nucleops.errors import dflow_errors
from nucleops.production import Production

if TYPE_CHECKING:
    from nucleops.engines.lammps.task import MdTask
    from nucleops.systems.system import System


SHOWN = 4
"""The first so many replicas get an animated picture; those of thousands would be gigabytes."""


class RunReplica(Production):
    """Many dimers in methanol, packed and run at seeds of this replica's own, then analysed.

    The task has a ``spec`` to pack, or ``conditions`` (dictionaries of ``label``, ``md`` and
    ``spec``) that the replicas take in turn; the result folder is ``replica-000`` for ``number`` 0.
    ``settings`` are ``NucleationSettings`` as plain data. ``analysis`` is a small folder of the
    same name: pooling thousands of replicas must not need their trajectories.
    """

    folder = "replica"

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """As of the other productions; built systems are not needed."""
        sign = super().get_input_sign()
        sign["systems"] = Artifact(Path, optional=True)
        sign["settings"] = BigParameter(dict, default={})
        return sign

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """As of the other productions, and the analysis."""
        sign = super().get_output_sign()
        sign["analysis"] = Artifact(Path)
        return sign

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Run, judge and analyse."""
        from nucleops.analysis.settings import NucleationSettings
        from nucleops.analysis.stages.replica import analyse_or_say_why
        from nucleops.reporting.movie import write_movie

        settings = NucleationSettings.model_validate(ip["settings"])
        made = self.produce(ip)
        folder: Path = made["result"]
        analysis = Path("analysis") / folder.name
        shown = self._number(ip) < SHOWN
        label = self._condition(ip).get("label", "")
        analyse_or_say_why(folder, settings, analysis, write_movie if shown else None, label)
        return OPIO({**made, "analysis": analysis})

    def values(self, ip: OPIO) -> dict[str, Any]:
        """Return the task of this replica, under its condition."""
        values = {k: v for k, v in super().values(ip).items() if k != "conditions"}
        own = {k: v for k, v in self._condition(ip).items() if k != "label"}
        return values | own

    def _condition(self, ip: OPIO) -> dict[str, Any]:
        conditions = ip["task"].get("conditions") or [{}]
        return dict(conditions[self._number(ip) % len(conditions)])

    def _number(self, ip: OPIO) -> int:
        number = ip["task"].get("number") if ip["number"] is None else ip["number"]
        return number or 0

    def start(self, task: MdTask, ip: OPIO) -> System:
        """Pack the replica's box at its own seed."""
        from nucleops.engines.lammps.task import built_system

        return built_system(task)
