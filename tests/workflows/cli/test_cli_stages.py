"""Sums over tasks, estimates of the time left, and how they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from nucleoflow.cli.common import duration
from nucleoflow.cli.stages import summarise, time_left
from nucleoflow.cli.view import describe, picture
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.moment import Group, RunStatus, Task

NOW = 1000.0


def task(key: str, state: str, **fields: object) -> Task:
    made = Task(key, "md", ("learn", "round"), state, cores=1)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def status(*tasks: Task, phase: str = "Running", state: str = "running") -> RunStatus:
    return RunStatus(
        RunFolder(Path("/runs/a-1")), {}, state, None, {}, list(tasks),
        [Group("learn", "learn", (), phase)], started=0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0, "0 s"), (59.4, "59 s"), (187, "3 min 07 s"), (7500, "2 h 05 min"),
     (273600, "3 d 04 h")],
)  # fmt: skip
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_time_left_by_progress_and_by_finished_tasks() -> None:
    done = task("a", "succeeded", started=0.0, ended=100.0)
    half = task("b", "running", started=NOW - 60, progress=(2, 4))
    fresh = task("c", "running", started=NOW - 30)
    waiting = [task(f"d{i}", "queued") for i in range(3)]
    assert time_left([half], NOW, 2) == pytest.approx(60)
    assert time_left([done, fresh], NOW, 2) == pytest.approx(70)
    assert time_left([done, *waiting], NOW, 2) == pytest.approx(150)
    assert time_left([fresh], NOW, 2) is None
    assert time_left([half, task("e", "queued", name="other")], NOW, 2) is None


def test_stage_counts_rounds_and_leaves_out_dflows_own_steps() -> None:
    now = status(
        task("iter-000001--md-0", "succeeded", started=10.0, ended=20.0),
        task("iter-000002--md-0", "running", started=30.0),
        task("x", "succeeded", name="md-init-artifact", started=5.0, ended=6.0),
    )
    (stage,) = summarise(now, NOW, 2)
    assert (stage.name, stage.state, stage.done, stage.total, stage.round) == (
        "learn", "running", 1, 2, 2,
    )  # fmt: skip
    assert stage.elapsed_s == NOW - 5


@pytest.mark.parametrize(
    ("phase", "run_state", "expected"),
    [("Succeeded", "running", "succeeded"), ("Failed", "failed", "failed"),
     ("Running", "interrupted", "interrupted"), ("Running", "lost", "interrupted")],
)  # fmt: skip
def test_stage_state(phase: str, run_state: str, expected: str) -> None:
    (stage,) = summarise(status(task("a", "interrupted"), phase=phase, state=run_state), NOW, 1)
    assert stage.state == expected


def test_picture_and_lines() -> None:
    console = Console(width=160, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(picture(status(task("a-1-md", "running", progress=(3, 9), started=1.0)), NOW, 2))
    text = console.export_text()
    assert "learn" in text
    assert "learn/round" not in text
    assert "3/9" in text
    event = {"event": "attempt-failed", "time": 0.0, "step": "a-1-md-0", "name": "md",
             "kind": "killed", "message": "why", "retry_in_s": 5}  # fmt: skip
    line = describe(event, "learn", "a-1")
    assert line.endswith("learn md-0 attempt-failed: [killed] why; next attempt in 5 s")
    assert describe({**event, "event": "queued"}, "", "a-1") == ""
