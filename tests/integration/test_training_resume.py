"""Trainings that are killed again and again end as the one that was never disturbed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nucleops
from nucleops.engines.deepmd.curve import read_curve
from nucleops.engines.deepmd.settings import TrainSettings
from nucleops.engines.deepmd.task import TrainTask
from nucleops.storage.kept import STORE_VARIABLE

DATA = Path(__file__).parents[1] / "data" / "deepmd"
TYPE_MAP = ("Ag", "S", "N", "C", "H", "O")
LOG = Path("task.0000/train/train.log")

pytestmark = pytest.mark.integration


class Attempts:
    """Starts a training step again and again, and ends it at random moments."""

    def __init__(self, settings: TrainSettings) -> None:
        quick = settings.model_copy(update={"checkpoint_interval_s": 0.2, "timeout_s": 3000.0})
        # the seed and data of the committee's first member, which was never disturbed
        self.task = TrainTask(train=quick, type_map=TYPE_MAP, seed=11)
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(Path(nucleops.__file__).parents[1]),
        }
        self.environment.pop(STORE_VARIABLE, None)
        self.chance = random.Random(6)

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        (folder / "task").mkdir(parents=True, exist_ok=True)
        (folder / "task" / "task.json").write_text(self.task.model_dump_json())
        inputs = {"data": [str(DATA)], "init_model": None}
        (folder / "inputs.json").write_text(json.dumps(inputs))
        (folder / LOG).unlink(missing_ok=True)
        script = Path(__file__).with_name("train_main.py")
        with (folder / "attempts.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(script), str(folder)],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def end(self, process: subprocess.Popen[bytes], folder: Path, number: int) -> int:
        """Send a signal at a random moment; return how the process ended.

        A moment is so many rows of the learning curve after the start, none for before the first,
        and a little while: by the clock alone a slow machine would never get to the training.
        """
        rows = self.chance.choice([0, 3, 4, 5, 7, 9])
        while process.poll() is None and not self.said(folder, "DEEPMD INFO"):
            time.sleep(0.02)
        first = self.rows(folder)
        while process.poll() is None and self.rows(folder) < first + rows:
            if self.said(folder, "finished training"):
                break
            time.sleep(0.02)
        time.sleep(self.chance.uniform(0.0, 0.3))
        if process.poll() is None:
            process.send_signal(number)
        return process.wait(timeout=600)

    @staticmethod
    def rows(folder: Path) -> int:
        curve = folder / LOG.with_name("lcurve.out")
        return len(curve.read_text().splitlines()) if curve.is_file() else 0

    @staticmethod
    def said(folder: Path, text: str) -> bool:
        log = folder / LOG
        return log.is_file() and text in log.read_text(errors="replace")

    def finish(self, folder: Path) -> dict[str, Any]:
        """Let it run to its end; return the test's record."""
        process = self.start(folder)
        assert process.wait(timeout=3000) == 0, (folder / "attempts.log").read_text()
        record: dict[str, Any] = json.loads((folder / "task.0000/train_log/test.json").read_text())
        return record


def assert_equal_to(committee: Any, folder: Path) -> None:
    """The model is that of the undisturbed training to the last byte, the curve is complete."""
    undisturbed = committee.members[0]
    log = folder / "task.0000" / "train_log"
    curve = read_curve(log / "lcurve.out")
    assert curve.step.tolist() == list(range(61))
    expected = read_curve(undisturbed.folder / "lcurve.out")
    for name, column in expected.columns.items():
        np.testing.assert_array_equal(curve.columns[name], column)
    assert (folder / "task.0000" / "model.pb").read_bytes() == undisturbed.model.read_bytes()


def test_killed_ten_times_and_asked_to_end_once(
    committee: Any, tiny_training: TrainSettings, tmp_path: Path
) -> None:
    attempts = Attempts(tiny_training)
    here = tmp_path / "here"
    for _ in range(5):
        ended = attempts.end(attempts.start(here), here, signal.SIGKILL)
        if ended == 0:  # done before the signal came: begin anew
            assert_equal_to(committee, here)
        else:
            assert ended == -signal.SIGKILL
    store = here / "task.0000" / "checkpoints"
    before = len(list(store.rglob("manifest-*")))
    # what the machine kept for itself is a store for others
    attempts.environment[STORE_VARIABLE] = str(store)
    for number in range(5):
        folder = tmp_path / f"machine-{number}"
        ended = attempts.end(attempts.start(folder), folder, signal.SIGKILL)
        assert ended in (-signal.SIGKILL, 0)
    asked = tmp_path / "asked-to-end"
    process = attempts.start(asked)
    while process.poll() is None and not attempts.said(asked, "DEEPMD INFO"):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=600) == 1  # dflow's exit code for what is retried
    assert "SIGTERM received" in (asked / "attempts.log").read_text()
    record = attempts.finish(tmp_path / "last")
    assert_equal_to(committee, tmp_path / "last")
    assert record["force_rmse_meV_A"] == committee.members[0].test["force_rmse_meV_A"]
    steps = record["resumed_steps"]
    assert steps == sorted(steps)
    assert len(steps) >= before > 0
    assert not (tmp_path / "last" / "task.0000" / "checkpoints").exists()
