"""What decides the dynamics of a run, part by part, so that a change can be named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nucleops.engines.lammps.settings import MdSettings
from nucleops.systems.system import System

if TYPE_CHECKING:
    from nucleops.bias.spec import Bias

_HOW_LONG = {"steps", "timeout_s", "stall_s", "checkpoint_steps", "checkpoint_interval_s"}
"""Settings of how long and how safely a run goes on."""


def physics_of(
    system: System,
    models: Sequence[str],
    settings: MdSettings,
    seed: int,
    bias: Bias | None,
    closest_A: Mapping[str, float],
) -> dict[str, str]:
    """Return all that decides the dynamics; how long and how safely they run does not.

    Parameters
    ----------
    system : System
        The start.
    models : sequence of str
        Digests of the potentials.
    settings : MdSettings
        Temperature, thermostat, time step, ...
    seed : int
        Seed of velocities, thermostat and bias.
    bias : Bias or None
        What acts besides the potential.
    closest_A : mapping
        Closest labelled contacts, where the guard against collapse begins.

    Returns
    -------
    dict of str to str
        Name of a part, as a study calls it where it can be set there, to its value; to a digest
        where it is long.
    """
    start = [system.symbols, system.positions.tolist(), system.cell.tolist(), system.periodic]
    parts: dict[str, Any] = {
        "start": _digest(start),
        "models": _digest(list(models)),
        "seed": seed,
        "closest contacts": _digest(dict(closest_A)),
        **{f"md.{k}": v for k, v in settings.model_dump(mode="json", exclude=_HOW_LONG).items()},
    }
    described = {} if bias is None else bias.model_dump(mode="json")
    parts |= {f"bias.{name}": _digest(part) for name, part in described.items()}
    return {name: str(value) for name, value in parts.items()}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
