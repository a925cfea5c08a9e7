"""What is explored in each round, as dpgen2's exploration stage.

The scheduler that holds these objects travels between steps through jsonpickle, so everything in
them is plain data, and this module must be importable wherever a step runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from typing import Any

from dpgen2.exploration.task import BaseExplorationTaskGroup, ExplorationStage, ExplorationTask

from nucleops.seeds import derive_seed
from nucleops.systems.spec import SystemSpec, with_volume

TASK_FILE = "task.json"
"""The one file of a task: what to build, how to run it, when to stop trusting it."""


class StudyStage(ExplorationStage):
    """The explorations of a study; each round packs new boxes and draws new velocities.

    Parameters
    ----------
    explorations : list of dict
        One for each entry of the study: ``system`` (name), ``spec`` (``SystemSpec``), ``md``
        (``MdSettings``), ``temperatures_K``, ``copies``, ``growth``, ``bias`` (``Bias`` or None)
        with ``bias_name``, and where there are any ``pressures_bar`` with ``barostat_time_fs``, or
        ``volume_factors``; all dumped to plain data.
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
            for condition in conditions_of(exploration):
                for copy in range(exploration["copies"]):
                    seed = derive_seed(
                        *(self.seed, "explore", self.round, i),
                        *(condition.temperature_K, copy, *condition.extra),
                    )
                    task = self._task(exploration, condition) | {"seed": seed}
                    group.add_task(ExplorationTask().add_file(TASK_FILE, json.dumps(task)))
        self.round += 1
        return group

    def _task(self, exploration: dict[str, Any], condition: Condition) -> dict[str, Any]:
        steps = round(exploration["md"]["steps"] * exploration["growth"] ** self.round)
        md = {**exploration["md"], "steps": steps, "temperature_K": condition.temperature_K}
        if condition.pressure_bar is not None:
            md["pressure_bar"] = condition.pressure_bar
            md["barostat_time_fs"] = exploration["barostat_time_fs"]
        spec = exploration["spec"]
        if condition.volume_factor is not None:
            scaled = with_volume(SystemSpec.model_validate(spec), condition.volume_factor)
            spec = scaled.model_dump(mode="json")
        words = [exploration["system"], *condition.words]
        return {
            **self.common,
            "system": exploration["system"],
            "exploration": ", ".join([*words, *filter(None, [exploration.get("bias_name")])]),
            "spec": spec,
            "md": md,
            "bias": exploration["bias"],
        }


@dataclass(frozen=True)
class Condition:
    """Under what a system is explored; neither pressure nor factor means its own volume."""

    temperature_K: float
    pressure_bar: float | None = None
    volume_factor: float | None = None

    @property
    def words(self) -> list[str]:
        """How people call it."""
        named = [f"{self.temperature_K:g} K"]
        named += [] if self.pressure_bar is None else [f"{self.pressure_bar:g} bar"]
        return named + ([] if self.volume_factor is None else [f"volume x{self.volume_factor:g}"])

    @property
    def extra(self) -> list[str]:
        """What tells it from others of the same temperature."""
        return self.words[1:]


def conditions_of(exploration: dict[str, Any]) -> list[Condition]:
    """Return every temperature at every pressure, or in every volume."""
    pressures = exploration.get("pressures_bar") or [None]
    factors = exploration.get("volume_factors") or [None]
    return [
        Condition(*condition)
        for condition in product(exploration["temperatures_K"], pressures, factors)
    ]
