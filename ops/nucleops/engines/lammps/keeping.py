"""Where and how often a run is kept: what the environment and the study say."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from nucleops.engines.lammps.settings import MdSettings
from nucleops.engines.limits import grace_s
from nucleops.errors import WrongInput
from nucleops.storage.kept import INTERVAL_VARIABLE, STORE_VARIABLE
from nucleops.storage.objects import ObjectStore, open_store

DEFAULT_INTERVAL_S = 300.0
_FEWEST_STEPS = 500
_FEWEST_STEPS_WITH_HILLS = 1000


@dataclass(frozen=True)
class Keeping:
    """Where and how often a run is kept.

    Attributes
    ----------
    store : ObjectStore
        The store.
    key : str
        The run in it: stage, name and number.
    interval_s : float
        Wall-clock seconds between stored checkpoints.
    grace_s : float
        Seconds between being told to end and being ended.
    """

    store: ObjectStore
    key: str
    interval_s: float = DEFAULT_INTERVAL_S
    grace_s: float = 15.0


def keeping_from_environment(key: str, settings: MdSettings) -> Keeping | None:
    """Return how the environment says that a run is kept; None where it names no store.

    Parameters
    ----------
    key : str
        The run.
    settings : MdSettings
        Their interval goes before that of the environment.

    Raises
    ------
    WrongInput
        A variable has a value that is not allowed.
    """
    url = os.environ.get(STORE_VARIABLE)
    if not url:
        return None
    interval_s = settings.checkpoint_interval_s or _interval_from_environment()
    return Keeping(open_store(url), key, interval_s, grace_s())


def _interval_from_environment() -> float:
    text = os.environ.get(INTERVAL_VARIABLE) or str(DEFAULT_INTERVAL_S)
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise WrongInput(f"{INTERVAL_VARIABLE}: found {text!r}, allowed: seconds, more than 0")


def with_cadence(settings: MdSettings, hills: bool) -> MdSettings:
    """Return settings that say at which steps LAMMPS writes checkpoints.

    Where the study does not, it is the first multiple of the stride from 500 steps on, with hills
    from 1000 on, since all of them are in each checkpoint. It follows from the settings alone: a
    cadence by the speed of the machine would make the run another one on every machine.
    """
    if settings.checkpoint_steps:
        return settings
    fewest = _FEWEST_STEPS_WITH_HILLS if hills else _FEWEST_STEPS
    steps = -(-fewest // settings.stride) * settings.stride
    return settings.model_copy(update={"checkpoint_steps": steps})
