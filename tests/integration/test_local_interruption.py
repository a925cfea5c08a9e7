"""Runs that are interrupted, politely or not, leave nothing behind and can be continued."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from nucleoflow.backends.local.lock import controller_pid

sys.path.insert(0, str(Path(__file__).parent))

from local_harness import Bench  # beside this file, which is not a package


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def finish(bench: Bench) -> None:
    """Resume to the end, and check that the results are those of an undisturbed run."""
    process = bench.nucleoflow("resume", "latest", "--plain")
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 0, output + bench.explain()
    assert len(bench.count("end")) == 5
    bench.check_exactly_once()
    summaries = sorted(path.read_text() for path in bench.run.results.rglob("summary.txt"))
    assert summaries == ["00 01", "10 11"]


def test_interrupt_stops_all_and_resume_finishes(bench: Bench) -> None:
    process = bench.start("build_chain", seconds=0.6)
    bench.wait_for(lambda: bench.lines("end") and len(bench.lines("begin")) > 2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert f"nucleoflow resume {bench.run.id}" in output
    bench.wait_until_dead()
    assert bench.events("interrupted")
    finish(bench)


def test_live_run_is_refused_and_dies_with_its_command_line(bench: Bench) -> None:
    process = bench.start("build_chain", seconds=2.0)
    bench.wait_for(lambda: bench.lines("begin"))
    pid = controller_pid(bench.run)
    second = bench.nucleoflow("resume", bench.run.id)
    output, _ = second.communicate(timeout=30)
    assert second.returncode == 2
    assert "already running" in output
    assert f"pid {pid}" in output
    process.kill()
    process.wait()
    bench.wait_until_dead()
    bench.wait_for(lambda: controller_pid(bench.run) is None)
    finish(bench)


def test_controller_killed_again_and_again(bench: Bench) -> None:
    moments = random.Random(20)
    process = bench.start("build_chain", seconds=0.6)
    bench.wait_for(bench.is_controlled)
    for _ in range(3):
        time.sleep(moments.uniform(0.5, 2.5))
        pid = controller_pid(bench.run)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        output, _ = process.communicate(timeout=30)
        if bench.run.read("result").get("state") == "succeeded":
            break  # it was faster than the killer
        assert process.returncode == 1, output
        process = bench.nucleoflow("resume", "latest", "--plain")
        bench.wait_for(lambda p=process: bench.is_controlled() or p.poll() is not None)
    process.communicate(timeout=90)
    bench.wait_until_dead()
    assert bench.run.read("result")["state"] == "succeeded", bench.explain()
    assert len(bench.count("end")) == 5
    bench.check_exactly_once()


def test_detached_run_goes_on_and_can_be_stopped(bench: Bench) -> None:
    first = bench.start("build_chain", seconds=0.6)
    bench.wait_for(lambda: bench.lines("begin"))
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 130
    detached = bench.nucleoflow("resume", "latest", "--detach")
    output, _ = detached.communicate(timeout=30)
    assert detached.returncode == 0, output
    begun = len(bench.lines("begin"))
    bench.wait_for(lambda: len(bench.lines("begin")) > begun)
    assert "running" in bench.nucleoflow("status").communicate(timeout=30)[0]
    assert bench.nucleoflow("stop", "latest").wait(30) == 0
    bench.wait_until_dead()
    assert bench.run.read("result")["state"] == "interrupted"


def test_failure_that_was_tolerated_is_not_tried_again(bench: Bench) -> None:
    obstacle = Path(f"{bench.ledger_path}-obstacle")
    obstacle.touch()
    process = bench.start("build_tolerant")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    assert "reason: [wrong input] there is an obstacle" in output
    obstacle.unlink()
    process = bench.nucleoflow("resume", "latest", "--plain")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output + bench.explain()
    assert bench.count("begin") == {"a": 1, "bad": 1, "c": 1}
    (summary,) = bench.run.results.rglob("summary.txt")
    assert summary.read_text() == "a c"
