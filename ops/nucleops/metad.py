"""Operator: well-tempered metadynamics with a committee of potentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nucleops.errors import WrongInput
from nucleops.production import Production

if TYPE_CHECKING:
    from nucleops.engines.lammps.task import MdTask


class RunMetadynamics(Production):
    """One walker of metadynamics; the result folder is ``walker-000`` for ``number`` 0."""

    folder = "walker"

    def check(self, task: MdTask) -> None:
        """Refuse a task without metadynamics."""
        if task.bias is None or task.bias.metadynamics is None:
            raise WrongInput(f"the task of system {task.system} has no bias.metadynamics")
