"""The training of one committee member as plain data: what travels to the operators."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from pydantic import Field, ValidationError, model_validator

from nucleops.engines.deepmd.inputs import ScheduleName
from nucleops.engines.deepmd.settings import TrainSettings
from nucleops.errors import WrongInput
from nucleops.seeds import derive_seed
from nucleops.settings import Settings

AnySettings = TypeVar("AnySettings", bound=Settings)


class TrainTask(Settings):
    """What to train."""

    train: TrainSettings
    """Network and schedules."""
    type_map: tuple[str, ...] = Field(min_length=6)
    """Elements in type order."""
    seed: int = Field(ge=1, le=900_000_000)
    """Seed of the committee, or of the member."""
    split_seed: int | None = Field(default=None, ge=1, le=900_000_000)
    """Seed by which frames are held out; the committee's where it is left out."""

    @model_validator(mode="after")
    def _one_sel_each(self) -> TrainTask:
        sel = self.train.descriptor.sel
        if len(sel) != len(self.type_map):
            raise ValueError(
                f"train.descriptor.sel has {len(sel)} numbers for {len(self.type_map)} elements: "
                f"{' '.join(self.type_map)}"
            )
        return self

    def for_member(self, k: int) -> TrainTask:
        """The task of member ``k``, at a seed of its own; all members hold out the same frames."""
        own = {"seed": derive_seed(self.seed, "model", k)}
        return self.model_copy(update={**own, "split_seed": self.split_seed or self.seed})


def rebuilt(model: type[AnySettings], values: dict[str, Any], what: str) -> AnySettings:
    """Rebuild settings from plain data.

    Raises
    ------
    WrongInput
        Naming every field that is wrong, what was found, and what is allowed.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}, found {fault['input']!r:.80}"
            for fault in error.errors()
        )
        raise WrongInput(f"{what}: {faults}") from error


def read_train_task(values: dict[str, Any], what: str) -> TrainTask:
    """Rebuild a training task; see :func:`rebuilt`."""
    return rebuilt(TrainTask, values, what)


def schedule_for(config: Mapping[str, Any], has_init_model: bool) -> ScheduleName:
    """Return the schedule that ``config`` names, or the one that follows from the start.

    Raises
    ------
    WrongInput
        If ``config`` names another schedule than those there are.
    """
    name = config.get("schedule", "auto")
    if name == "auto":
        name = "again" if has_init_model else "first"
    if name not in get_args(ScheduleName):
        allowed = ", ".join(("auto", *get_args(ScheduleName)))
        raise WrongInput(f"config.schedule: found {name!r}, allowed: {allowed}")
    return cast(ScheduleName, name)


def paths_in(nested: Any) -> list[Path]:
    """Flatten dflow's nested artifacts (dicts, lists, None) to a list of paths."""
    if nested is None:
        return []
    if isinstance(nested, Mapping):
        return [path for value in nested.values() for path in paths_in(value)]
    if isinstance(nested, (list, tuple)):
        return [path for value in nested for path in paths_in(value)]
    return [Path(nested)]
