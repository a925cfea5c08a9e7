"""Times of the stages from the events of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nucleops.reporting.times import EVENTS_VARIABLE, recorded, stage_times

PREFIXES = {"build": ("build",), "metad": ("run-metad", "analyse-metad")}


def event(time: float, kind: str, step: str | None = None, cores: int = 1) -> dict[str, object]:
    return {
        "time": time,
        "event": kind,
        "step": step,
        "cores": cores if kind == "started" else None,
    }


def test_wall_and_core_seconds() -> None:
    events = [
        event(0, "run-started"),
        event(1, "started", "build"),
        event(3, "succeeded", "build"),
        event(10, "started", "run-metad-a-0", 4),
        event(12, "started", "run-metad-a-1", 2),
        event(13, "started", "study-1-init-artifact", 0),
        event(20, "succeeded", "run-metad-a-0"),
        event(22, "attempt-failed", "run-metad-a-1"),
        event(30, "started", "run-metad-a-1", 2),
        event(35, "succeeded", "run-metad-a-1"),
        event(90, "succeeded", "study-1-init-artifact"),
    ]
    assert stage_times(events, PREFIXES) == {
        "build": {"wall_s": 2.0, "core_s": 2.0},
        "metad": {"wall_s": 25.0, "core_s": 40.0 + 20.0 + 10.0},
    }


def test_pause_of_an_interrupted_run_does_not_count() -> None:
    events = [
        event(0, "run-started"),
        event(10, "started", "run-metad-a"),
        event(20, "started", "run-metad-b"),
        event(25, "interrupted", "run-metad-a"),
        event(1000, "run-started"),  # the machine had died under run-metad-b
        event(1010, "started", "run-metad-a"),
        event(1030, "succeeded", "run-metad-a"),
    ]
    times = stage_times(events, PREFIXES)
    assert times == {"metad": {"wall_s": 15.0 + 20.0, "core_s": 15.0 + 5.0 + 20.0}}


def test_read_from_the_file_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(EVENTS_VARIABLE, raising=False)
    assert recorded(PREFIXES) == {}
    path = tmp_path / "events.jsonl"
    monkeypatch.setenv(EVENTS_VARIABLE, str(path))
    assert recorded(PREFIXES) == {}
    lines = [json.dumps(event(0, "started", "build")), json.dumps(event(7, "succeeded", "build"))]
    path.write_text("\n".join([*lines, '{"time": 9, "ev']))
    made = recorded(PREFIXES)
    assert made["times"] == {"build": {"wall_s": 7.0, "core_s": 7.0}}
    assert made["started"] == "1970-01-01 00:00:00 UTC"
    assert made["ended"] > made["started"]
