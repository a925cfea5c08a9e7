"""How a run of molecular dynamics is kept: what the environment and the study say."""

from __future__ import annotations

import os

from nucleops.engines.keeping import Keeping, keeping_at
from nucleops.engines.lammps.settings import MdSettings
from nucleops.storage.kept import STORE_VARIABLE

_FEWEST_STEPS = 500
_FEWEST_STEPS_WITH_HILLS = 1000


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
    return keeping_at(url, key, settings.checkpoint_interval_s) if url else None


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
