"""At which steps a run of molecular dynamics is kept."""

from __future__ import annotations

from nucleops.engines.lammps.settings import MdSettings

_FEWEST_STEPS = 500
_FEWEST_STEPS_WITH_HILLS = 1000


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
