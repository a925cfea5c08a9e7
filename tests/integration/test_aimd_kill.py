"""AIMD that is killed again and again gives the frames of a run that was never interrupted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nucleops
from nucleops.engines.cp2k.aimd_frames import read_aimd
from nucleops.errors import TruncatedOutput
from nucleops.learning.kept_labels import forget_labels
from nucleops.storage.kept import STORE_VARIABLE
from nucleops.systems.files import write_trajectory
from nucleops.systems.system import System

pytestmark = pytest.mark.integration

STEPS, PART = 60, 10
METHANOL = [
    [4, 4, 4.7],
    [4.5, 4.9, 5.1],
    [4.5, 3.1, 5.1],
    [2.97, 4, 5.07],
    [4, 4, 3.28],
    [4.92, 4, 3],
]
ATTEMPT = """
import sys
from pathlib import Path
from nucleops.label import RunAimd
from dflow.python import OPIO
import json
task = json.loads(sys.argv[1])
RunAimd().execute(OPIO({"task": task, "systems": Path(sys.argv[2])}))
"""


def task(**changes) -> str:
    run = {"system": "methanol", "temperatures_K": [300], "steps": STEPS, "checkpoint_steps": PART}
    run |= {"stride": 2, "decorrelation": 0, "time_step_fs": 1.0, **changes}
    whole = {"system": "methanol", "temperature_K": 300, "seed": 7, "run": run}
    return json.dumps(
        {**whole, "level": {"method": "gfn1-xtb"}, "type_map": ["Ag", "S", "N", "C", "H", "O"]}
    )


@pytest.fixture(scope="module")
def system() -> System:
    return System("methanol", tuple("CHHHOH"), np.array(METHANOL, float), np.full(3, 8.0), False)


@pytest.fixture(scope="module")
def systems(system, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("systems")
    write_trajectory([system], folder / "methanol.extxyz")
    return folder


def start(folder: Path, systems: Path, store: Path | None, **changes) -> subprocess.Popen[bytes]:
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(nucleops.__file__).parents[1])}
    environment.pop(STORE_VARIABLE, None)
    if store is not None:
        environment[STORE_VARIABLE] = str(store)
    command = [sys.executable, "-c", ATTEMPT, task(**changes), str(systems)]
    return subprocess.Popen(command, env=environment, cwd=folder)


def run_folder(folder: Path) -> Path:
    return folder / "methanol-300K-run"


def last_step(folder: Path) -> int:
    path = run_folder(folder) / "label-1.ener"
    lines = path.read_text().splitlines()[1:] if path.is_file() else []
    return int(lines[-1].split()[0]) if lines and lines[-1].split() else 0


def data(folder: Path) -> dict[str, bytes]:
    files = [path for path in (folder / "methanol-300K").rglob("*") if path.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files if p.name != "labels.json"}


def account(folder: Path) -> dict:
    return json.loads((folder / "methanol-300K" / "labels.json").read_text())


@pytest.fixture(scope="module")
def whole(systems, tmp_path_factory) -> Path:
    """The run without an interruption, and without a store."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert start(folder, systems, None).wait() == 0
    return folder


def test_killed_and_started_again(systems, whole, tmp_path):
    rng = np.random.default_rng(3)
    store = tmp_path / "store"
    for number in range(5):
        folder = tmp_path / f"machine-{number}"
        process = start(folder, systems, store)
        wanted = PART * number + int(rng.integers(PART // 2, PART + PART // 2))
        deadline = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < deadline and last_step(folder) < wanted:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    folder = tmp_path / "last"
    assert start(folder, systems, store).wait() == 0
    assert data(folder) == data(whole)
    mine, others = account(folder), account(whole)
    for name in ("n_frames", "n_labelled", "dropped", "kept_steps", "steps_run"):
        assert mine[name] == others[name]
    assert mine["n_labelled"] == len(mine["kept_steps"]) > 10
    # what one machine had done, the next did not do again
    log = (run_folder(folder) / "aimd.out").read_text()
    assert log.count("PROGRAM STARTED AT") == STEPS // PART
    assert len(set(re.findall(r"machine-\d", log))) > 2


def test_other_settings_begin_anew_and_what_arrived_is_forgotten(
    systems, tmp_path, monkeypatch, caplog
):
    store = tmp_path / "store"
    first, longer, other = (tmp_path / name for name in ("first", "longer", "other"))
    assert start(first, systems, store, steps=2 * PART + 5).wait() == 0
    # a longer run of the same dynamics goes on, one with another thermostat does not
    assert start(longer, systems, store, steps=3 * PART).wait() == 0
    assert start(other, systems, store, steps=2 * PART, thermostat_time_fs=30.0).wait() == 0
    logs = [(run_folder(f) / "aimd.out").read_text() for f in (first, longer, other)]
    shared = logs[0].find("PROGRAM ENDED AT")
    assert logs[1][:shared] == logs[0][:shared]
    assert logs[2][:shared] != logs[0][:shared]
    assert account(longer)["steps_run"] == 3 * PART
    monkeypatch.setenv(STORE_VARIABLE, str(store))
    assert any(path.is_file() for path in store.rglob("*"))
    forget_labels([longer / "methanol-300K"])
    assert not any(path.is_file() for path in store.rglob("*"))


def test_parts_have_to_follow_each_other(whole, system, tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for path in run_folder(whole).iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    true = read_aimd(folder, system)
    assert [frame.step for frame in true.frames] == list(range(STEPS + 1))
    log = folder / "aimd.out"
    mark = "PROGRAM STARTED AT"
    head, *runs = log.read_text().split(mark)
    for order in ([0, 1, 3, 4, 5], [0, 1, 1, 2, 3], [1, 2, 3], [0, 2, 1]):
        log.write_text(head + "".join(mark + runs[k] for k in order))
        with pytest.raises(TruncatedOutput, match="not of this configuration"):
            read_aimd(folder, system)
    log.write_text(head + "".join(mark + run for run in runs[:3]))
    short = read_aimd(folder, system)
    assert short.steps_run == 3 * PART
    assert not short.dropped
    assert [f.energy_eV for f in short.frames] == [f.energy_eV for f in true.frames[: 3 * PART + 1]]
