"""Slots: never more than there are, all or none, in turn, and given back by the dead."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from nucleoflow.backends.local.slots import Grant, Limits, hold

FORK = multiprocessing.get_context("fork")


def hold_for(
    folder: Path, limits: Limits, cores: int, gpus: int, seconds: float, log: Path
) -> None:
    with hold(folder, limits, cores, gpus) as grant:
        start = time.monotonic()
        time.sleep(seconds)
        with log.open("a") as file:
            devices = ",".join(grant.gpus) or "-"
            file.write(f"{grant.cores} {devices} {start} {time.monotonic()}\n")


def entries(log: Path) -> list[tuple[int, str, float, float]]:
    rows = [line.split() for line in log.read_text().splitlines()]
    return [(int(row[0]), row[1], float(row[2]), float(row[3])) for row in rows]


def start(*arguments: object) -> multiprocessing.process.BaseProcess:
    process = FORK.Process(target=hold_for, args=arguments)
    process.start()
    return process


def test_never_more_cores_than_there_are(tmp_path: Path) -> None:
    limits, log = Limits(3), tmp_path / "log"
    wanted = [1, 2, 3, 1, 2, 1, 3, 1]
    workers = [start(tmp_path / "slots", limits, n, 0, 0.1, log) for n in wanted]
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    done = entries(log)
    assert sorted(row[0] for row in done) == sorted(wanted)
    moments = [row[2] for row in done]
    for moment in moments:
        assert sum(row[0] for row in done if row[2] <= moment < row[3]) <= 3
    # some did run side by side
    assert any(sum(row[2] <= moment < row[3] for row in done) > 1 for moment in moments)


def test_large_request_is_not_overtaken(tmp_path: Path) -> None:
    limits, log = Limits(2), tmp_path / "log"
    workers = [start(tmp_path / "slots", limits, 1, 0, 0.3, log)]
    time.sleep(0.1)
    workers.append(start(tmp_path / "slots", limits, 2, 0, 0.1, log))
    time.sleep(0.1)
    workers += [start(tmp_path / "slots", limits, 1, 0, 0.1, log) for _ in range(4)]
    for worker in workers:
        worker.join(30)
    assert [row[0] for row in sorted(entries(log), key=lambda row: row[2])] == [1, 2, 1, 1, 1, 1]


def test_gpus_are_told_apart_and_do_not_hold_up_others(tmp_path: Path) -> None:
    limits, log = Limits(4, ("0", "7")), tmp_path / "log"
    workers = [start(tmp_path / "slots", limits, 1, 1, 1.0, log) for _ in range(3)]
    time.sleep(0.1)
    workers.append(start(tmp_path / "slots", limits, 1, 0, 0.0, log))
    for worker in workers:
        worker.join(30)
    done = entries(log)
    for _, device, begin, _end in done:
        same = [row for row in done if row[1] == device != "-" and row[2] <= begin < row[3]]
        assert len(same) <= 1
    assert {row[1] for row in done} == {"0", "7", "-"}
    cpu_only = next(row for row in done if row[1] == "-")
    assert cpu_only[3] < max(row[2] for row in done)


def test_steps_that_share_a_gpu_leave_no_room_for_one_that_does_not(tmp_path: Path) -> None:
    limits = Limits(9, ("0", "1"))

    class Full(Exception):
        pass

    def full() -> None:
        raise Full

    def shared(per_gpu: int) -> AbstractContextManager[Grant]:
        return hold(tmp_path, limits, 1, 1, full, per_gpu)

    with shared(2) as a, shared(3) as b:
        assert a.gpus == b.gpus == ("0",)  # a half and a third
        with shared(1) as whole:
            assert whole.gpus == ("1",)
            with pytest.raises(Full), shared(4):
                pass
            with shared(6) as sixth:
                assert sixth.gpus == ("0",)
                with pytest.raises(Full), shared(12):
                    pass
    with shared(1) as again:
        assert again.gpus == ("0",)


@pytest.mark.parametrize("waiting", [False, True])
def test_slots_of_the_dead_are_given_back(tmp_path: Path, waiting: bool) -> None:
    limits, log = Limits(1), tmp_path / "log"
    first = start(tmp_path / "slots", limits, 1, 0, 0.5 if waiting else 60, log)
    time.sleep(0.2)
    victim = start(tmp_path / "slots", limits, 1, 0, 60, log) if waiting else first
    time.sleep(0.2)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    last = start(tmp_path / "slots", limits, 1, 0, 0.0, log)
    last.join(10)
    assert last.exitcode == 0
    first.join(10)


def test_more_than_there_are_means_all_and_none_does_not_wait(tmp_path: Path) -> None:
    with (
        hold(tmp_path, Limits(2), 8, 0) as all_cores,
        hold(tmp_path, Limits(2), 0, 0) as none,
    ):
        assert (all_cores.cores, none.cores) == (2, 0)


def test_waiting_can_be_ended(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def checkpoint() -> None:
        raise Enough

    with (
        hold(tmp_path, Limits(1), 1, 0),
        pytest.raises(Enough),
        hold(tmp_path, Limits(1), 1, 0, checkpoint),
    ):
        pass
    assert list((tmp_path / "cores" / "queue").iterdir()) == []
