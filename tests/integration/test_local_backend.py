"""Slots, retries, time limits and exit codes of the local backend, with real processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from nucleoflow.backends.local.table import run_status

sys.path.insert(0, str(Path(__file__).parent))

from local_harness import Bench  # beside this file, which is not a package


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def most_at_once(bench: Bench) -> int:
    """Most operators at work at the same time, from their own clock."""
    changes = [(at, 1) for _, at in bench.lines("begin")]
    changes += [(at, -1) for name, at in bench.lines("end") if name != "gather"]
    running = most = 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def test_nested_fan_outs_share_the_cores(bench: Bench) -> None:
    process = bench.start("build_nested")
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 0, output + bench.explain()
    assert most_at_once(bench) == 2
    assert len(bench.count("end")) == 10
    bench.check_exactly_once()
    status = run_status(bench.run)
    assert status.state == "succeeded"
    assert {task.stage for task in status.tasks} == {"stage0", "stage1", "stage2"}
    assert {task.state for task in status.tasks} == {"succeeded"}
    summaries = sorted(path.read_text() for path in bench.run.results.rglob("summary.txt"))
    assert summaries == ["00 01 02", "10 11 12", "20 21 22"]


def test_transient_failure_is_tried_again_from_a_clean_folder(bench: Bench) -> None:
    process = bench.start("build_single", kind="flaky")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output + bench.explain()
    assert bench.count("begin") == {"flaky": 2}
    (failed,) = bench.events("attempt-failed")
    assert failed["kind"] == "storage unreachable"
    assert failed["outcome"] == "transient"
    log = (bench.run.steps / "one" / "live.log").read_text()
    assert log.count("===== attempt") == 3
    assert (bench.run.steps / "one" / "attempt-1" / "litter").is_dir()
    assert (bench.run.results / "outcome" / "a.txt").read_text() == "a"


def test_fatal_failure_is_not_tried_again_and_is_explained(bench: Bench) -> None:
    process = bench.start("build_single", kind="fatal")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert bench.count("begin") == {"fatal": 1}
    assert "step: one" in output
    assert "[SCF not converged] in frame 7" in output
    assert str(bench.run.steps / "one" / "live.log") in output
    assert f"nucleoflow resume {bench.run.id}" in output
    assert json.loads((bench.run.path / "result.json").read_text())["state"] == "failed"


def test_time_limit_ends_the_whole_step(bench: Bench) -> None:
    process = bench.start("build_single", kind="slow", timeout_s=1.0)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    (failed,) = bench.events("failed")
    assert failed["kind"] == "time limit"
    assert bench.count("begin") == {"slow": 2}
    assert not bench.lines("collision")
    bench.wait_until_dead()


def test_wrong_builder_is_wrong_input(bench: Bench) -> None:
    process = bench.start("no_such_builder")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "no_such_builder" in output
