"""Metadynamics that is killed again and again ends as if it had never been stopped."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from kept_runs import LENIENT

from nucleops.bias.hills import hills_bias, read_hills
from nucleops.bias.series import read_colvar
from nucleops.bias.spec import Bias
from nucleops.engines import supervision
from nucleops.engines.lammps.legs import LEG_FILE
from nucleops.engines.lammps.md import run_md
from nucleops.engines.lammps.settings import MdSettings
from nucleops.errors import Preempted, WrongInput
from nucleops.systems.system import System

pytestmark = pytest.mark.integration

BIAS = Bias.model_validate(
    {
        "cvs": {"d": {"kind": "distance", "sites": [{"index": 1}, {"index": 2}]}},
        "metadynamics": {
            "cvs": ["d"],
            "height_kcal_mol": 0.5,
            "sigma": [0.1],
            "pace_steps": 30,
            "bias_factor": 10,
            "grid_min": [1.0],
            "grid_max": [8.0],
        },
    }
)
OUTPUTS = ("COLVAR", "HILLS", "trajectory.dump", "model_devi.out", "thermo.csv")


def settings_for(thermostat: str, steps: int = 4000) -> MdSettings:
    return MdSettings(steps=steps, stride=20, checkpoint_steps=100, thermostat=thermostat)


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs must not be over before somebody has seen how far they are."""
    monkeypatch.setattr(supervision, "WATCH_INTERVAL_S", 0.05)


class Killer:
    """Kills LAMMPS with a signal once it has done so many steps more than in the leg before."""

    def __init__(self, steps: int, number: int) -> None:
        self.steps, self.number, self.hit = steps, number, False

    def __call__(self, done: int, total: int) -> None:
        if done >= self.steps and not self.hit:
            for child in psutil.Process().children(recursive=True):
                if "lmp" in child.name():
                    self.hit = True
                    os.kill(child.pid, self.number)


@pytest.mark.parametrize(
    ("thermostat", "periodic", "signals"),
    [
        ("csvr", True, (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)),
        ("csvr", False, (signal.SIGKILL, signal.SIGKILL)),
    ],
)
def test_a_killed_run_ends_as_one_that_was_not(
    committee: Any,
    droplet: System,
    tmp_path: Path,
    thermostat: str,
    periodic: bool,
    signals: tuple[int, ...],
) -> None:
    settings = settings_for(thermostat)
    droplet = dataclasses.replace(droplet, periodic=periodic)
    run_md(droplet, committee.models, settings, LENIENT, tmp_path / "whole", 5, bias=BIAS)
    rng = np.random.default_rng(len(signals))
    out = tmp_path / "killed"
    kills = 0
    for number, share in zip(signals, np.sort(rng.uniform(0.05, 0.5, len(signals))), strict=True):
        killer = Killer(int(share * settings.steps), number)
        try:
            run_md(droplet, committee.models, settings, LENIENT, out, 5, bias=BIAS, progress=killer)
        except Preempted:
            kills += 1
    assert kills == len(signals), "a run ended before it was killed: make it longer"
    result = run_md(droplet, committee.models, settings, LENIENT, out, 5, bias=BIAS)
    assert result.steps_run == settings.steps
    for name in OUTPUTS:
        assert (out / name).read_text() == (tmp_path / "whole" / name).read_text(), name
    left = {path.name for path in out.iterdir()}
    assert not [name for name in left if name.startswith(("leg", "checkpoint"))]


def test_a_longer_run_goes_on_and_feels_every_hill_once(
    committee: Any, droplet: System, tmp_path: Path
) -> None:
    out = tmp_path / "md"
    with pytest.raises(Preempted):
        run_md(
            droplet,
            committee.models,
            settings_for("nose-hoover", 4000),
            LENIENT,
            out,
            5,
            bias=BIAS,
            progress=Killer(300, signal.SIGKILL),
        )
    assert (out / LEG_FILE).is_file()
    with pytest.raises(WrongInput, match="other settings, system, bias or models"):
        run_md(droplet, committee.models, settings_for("csvr", 800), LENIENT, out, 5, bias=BIAS)
    longer = settings_for("nose-hoover", 1200)
    run_md(droplet, committee.models, longer, LENIENT, out, 5, bias=BIAS)
    colvar, hills = read_colvar(out / "COLVAR"), read_hills(out / "HILLS")
    np.testing.assert_allclose(colvar.time_fs, np.arange(0, 1201, 20) * 0.5)
    np.testing.assert_allclose(hills.time_fs, np.arange(1, 41) * 30 * 0.5)
    counts = np.searchsorted(hills.time_fs, colvar.time_fs)
    # Colvars takes the bias in the middle of the bin, sigma/5 wide, of a grid that begins at 1 A
    middle = 1.0 + (np.floor((colvar["d"] - 1.0) / 0.02) + 0.5) * 0.02
    expected = hills_bias(hills, middle[:, None], counts)
    np.testing.assert_allclose(colvar["metad.bias"], expected, rtol=0, atol=1e-6)
