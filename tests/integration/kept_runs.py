"""Runs of the real LAMMPS on a fast force field, killed in a process of their own."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nucleops.bias.spec import Bias
from nucleops.engines import supervision
from nucleops.engines.keeping import Keeping
from nucleops.engines.lammps import inputs, md
from nucleops.engines.lammps.program import find_lammps
from nucleops.engines.lammps.result import MdResult
from nucleops.engines.lammps.settings import MdSettings, Trust
from nucleops.engines.lammps.watch import Progress
from nucleops.errors import TransientFailure
from nucleops.storage import retrying
from nucleops.systems.system import System

LENIENT = Trust(
    force_deviation_eV_A=50,
    temperature_factor=20,
    energy_margin_eV_atom=50,
    energy_rise_eV_atom=50,
    bond_stretch=1e3,
    closest_contact_A=0.01,
)
"""A young potential holds no bond; runs that count their steps must not be ended for it."""
METADYNAMICS = Bias.model_validate(
    {
        "cvs": {"d": {"kind": "distance", "sites": [{"index": 1}, {"index": 2}]}},
        "metadynamics": {
            "cvs": ["d"],
            "height_kcal_mol": 0.2,
            "sigma": [0.1],
            "pace_steps": 30,
            "bias_factor": 10,
            "grid_min": [0.5],
            "grid_max": [9.0],
        },
    }
)
_TRANSIENT = 75
_ENDINGS = {-signal.SIGKILL: "killed", _TRANSIENT: "transient", 0: "ended"}
ARGON = System(
    "argon",
    ("C",) * 64,
    np.array([[x, y, z] for x in range(4) for y in range(4) for z in range(4)]) * 3.5 + 0.5,
    np.full(3, 14.0),
    True,
)


@pytest.fixture
def fast_lammps(monkeypatch: pytest.MonkeyPatch) -> None:
    """LAMMPS as it is, with Lennard-Jones in place of the network: no start-up to wait for."""
    program = find_lammps()
    plain = {k: v for k, v in program.environment.items() if k != "LAMMPS_PLUGIN_PATH"}
    monkeypatch.setattr(md, "find_lammps", lambda: replace(program, environment=plain))
    monkeypatch.setattr(
        inputs,
        "_pair_style",
        lambda *_: "pair_style lj/cut 6.0\npair_coeff * * 0.0104 3.0",
    )
    monkeypatch.setattr(supervision, "WATCH_INTERVAL_S", 0.02)
    monkeypatch.setattr(retrying, "FIRST_PAUSE_S", 0.01)


def settings_for(steps: int, thermostat: str = "nose-hoover") -> MdSettings:
    return MdSettings(steps=steps, stride=50, checkpoint_steps=200, thermostat=thermostat)


def run(
    folder: Path,
    settings: MdSettings,
    bias: Bias | None,
    seed: int,
    keeping: Keeping | None,
    progress: Progress | None = None,
    trust: Trust = LENIENT,
) -> MdResult:
    """Run the liquid, or go on with it."""
    model = folder.parent / "no-model.pb"
    model.write_bytes(b"the force field needs none")
    return md.run_md(
        ARGON, [model], settings, trust, folder, seed, bias, keeping=keeping, progress=progress
    )


def ended_at_random(
    start: Callable[[], object],
    stored: Callable[[], object],
    rng: random.Random,
    number: int = signal.SIGKILL,
    changes: int | None = None,
) -> str:
    """Run something in a process of its own and send that a signal at a random moment.

    Parameters
    ----------
    start : callable
        What runs.
    stored : callable
        What is in the store; the moment is some time after this has changed a few times, so that
        the run gets on however slow the machine is.
    rng : random.Random
        Where the moment comes from.
    number : int
        The signal.
    changes : int or None
        How often the store changes before; None for 0 to 3, at random.

    Returns
    -------
    str
        ``killed``, ``transient`` (a failure that is worth another try) or ``ended``.
    """

    def child() -> None:
        try:
            start()
        except TransientFailure as error:
            print(error, file=sys.stderr)
            os._exit(_TRANSIENT)

    process = multiprocessing.get_context("fork").Process(target=child)
    changes = rng.choice([0, 1, 2, 3]) if changes is None else changes
    delay_s = rng.uniform(0, 0.3)
    seen = stored()
    process.start()
    deadline = time.monotonic() + 60
    while changes and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
        now = stored()
        changes -= now != seen
        seen = now
    process.join(delay_s)
    if process.exitcode is None:
        assert process.pid is not None
        os.kill(process.pid, number)
    process.join(60)
    assert process.exitcode in _ENDINGS, process.exitcode
    return _ENDINGS[process.exitcode]
