"""A labelling task that is killed ten times at random moments gives what one that is not gives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nucleops
from nucleops.learning.dataset import read_deepmd
from nucleops.learning.labelling import prepare_tasks
from nucleops.storage.kept import STORE_VARIABLE
from nucleops.systems.files import write_trajectory
from nucleops.systems.system import System

pytestmark = pytest.mark.integration

N_FRAMES, CLASH = 200, 4
ATTEMPT = """
import sys
from pathlib import Path
from nucleops.learning.label_task import label_task
from nucleops.learning.labelling import LabelConfig
config = LabelConfig.model_validate({"level": {"method": "gfn1-xtb"}})
label_task(Path(sys.argv[1]), "t", config, Path(sys.argv[2]))
"""


def start(task: Path, folder: Path, store: Path | None) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(nucleops.__file__).parents[1])}
    environment.pop(STORE_VARIABLE, None)
    if store is not None:
        environment[STORE_VARIABLE] = str(store)
    command = [sys.executable, "-c", ATTEMPT, str(task), str(folder)]
    return subprocess.Popen(command, env=environment)


def data(folder: Path) -> dict[str, bytes]:
    files = [path for path in (folder / "data").rglob("*") if path.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files if p.name != "labels.json"}


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> Path:
    """Distorted methanols; in one of them two atoms clash."""
    folder = tmp_path_factory.mktemp("task")
    rest = np.array(
        [[4, 4, 4.7], [4.5, 4.9, 5.1], [4.5, 3.1, 5.1], [2.97, 4, 5.07], [4, 4, 3.28], [4.92, 4, 3]]
    )
    rng = np.random.default_rng(5)
    frames = []
    for number in range(N_FRAMES):
        positions = rest + rng.normal(scale=0.03, size=rest.shape)
        if number == CLASH:
            positions[1] = positions[2] + [0.0, 0.0, 0.2]
        frames.append(System("methanol", tuple("CHHHOH"), positions, np.full(3, 8.0), False))
    write_trajectory(frames, folder / "frames.extxyz")
    return prepare_tasks([folder / "frames.extxyz"], ["C", "O", "H"], N_FRAMES, folder)[0]


@pytest.fixture(scope="module")
def whole(task, tmp_path_factory) -> Path:
    """The task's data without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    assert start(task, folder, None).wait() == 0
    return folder


def kill(process: subprocess.Popen[bytes], folder: Path, rng: np.random.Generator) -> None:
    """Kill an attempt at a random moment of the series it begins with, or of the next."""
    started, wanted = time.time(), int(rng.integers(1, 3))
    while process.poll() is None and time.time() < started + 300:
        inputs = (path.stat().st_mtime for path in folder.glob("series-*/series.inp"))
        if sum(written >= started for written in inputs) >= wanted:
            break
        time.sleep(0.05)
    time.sleep(rng.uniform(0, 0.8))
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(("kills", "elsewhere"), [(10, True), (3, False)])
def test_killed_and_started_again(task, whole, tmp_path, kills, elsewhere):
    rng = np.random.default_rng(20)
    store = tmp_path / "store" if elsewhere else None
    for number in range(kills):
        # elsewhere, another machine goes on each time: its folder is empty
        folder = tmp_path / (f"machine-{number}" if elsewhere else "work")
        process = start(task, folder, store)
        kill(process, folder, rng)
        assert process.returncode == -signal.SIGKILL
        assert not (folder / "data" / "labels.json").exists()
    folder = tmp_path / ("last" if elsewhere else "work")
    assert start(task, folder, store).wait() == 0
    assert data(folder) == data(whole)
    accounts = [json.loads((f / "data" / "labels.json").read_text()) for f in (folder, whole)]
    for name in ("n_frames", "n_labelled", "dropped"):
        assert accounts[0][name] == accounts[1][name]
    assert accounts[0]["n_labelled"] == len(read_deepmd(folder / "data")) == N_FRAMES - 1
    assert "dropped" in accounts[0]["frames"][CLASH]
    if elsewhere:
        # what one machine had done, the next did not do again
        series = [len(list(f.glob("series-*"))) for f in (tmp_path / "last", whole)]
        assert 0 < series[0] < series[1]
