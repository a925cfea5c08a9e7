"""What is explored in each round, as dpgen2's exploration stage.

The scheduler that holds these objects travels between steps through jsonpickle, so everything in
them is plain data, and this module must be importable wherever a step runs.
"""

from __future__ import annotations

import json
from typing import Any

from dpgen2.exploration.task import BaseExplorationTaskGroup, ExplorationStage, ExplorationTask

from nucleops.seeds import derive_seed

TASK_FILE = "task.json"
"""The one file of a task: what to build, how to run it, when to stop trusting it."""


class StudyStage(ExplorationStage):
    """The explorations of a study; each round packs new boxes and draws new velocities.

    Parameters
    ----------
    explorations : list of dict
        One for each entry of the study: ``system`` (name), ``spec`` (``SystemSpec``), ``md``
        (``MdSettings``), ``temperatures_K``, ``copies``, ``growth``, ``bias`` (``Bias`` or None),
        all dumped to plain data.
    common : dict
        What every task shares: ``metal``, ``trust`` (``Trust``).
    seed : int
        The study's seed.
    """

    def __init__(
        self, explorations: list[dict[str, Any]], common: dict[str, Any], seed: int
    ) -> None:
        super().__init__()
        self.explorations = explorations
        self.common = common
        self.seed = seed
        self.round = 0

    def make_task(self) -> BaseExplorationTaskGroup:
        """Plan the next round; called once for each round by dpgen2's scheduler."""
        group = BaseExplorationTaskGroup()
        for i, exploration in enumerate(self.explorations):
            for temperature in exploration["temperatures_K"]:
                for copy in range(exploration["copies"]):
                    task = self._task(exploration, temperature, (i, temperature, copy))
                    group.add_task(ExplorationTask().add_file(TASK_FILE, json.dumps(task)))
        self.round += 1
        return group

    def _task(
        self, exploration: dict[str, Any], temperature: float, labels: tuple[object, ...]
    ) -> dict[str, Any]:
        steps = round(exploration["md"]["steps"] * exploration["growth"] ** self.round)
        return {
            **self.common,
            "system": exploration["system"],
            "spec": exploration["spec"],
            "md": {**exploration["md"], "steps": steps, "temperature_K": temperature},
            "bias": exploration["bias"],
            "seed": derive_seed(self.seed, "explore", self.round, *labels),
        }
