"""Walkers side by side: who they are, what they report, and what a failing one does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleops.engines.lammps import together
from nucleops.engines.lammps.settings import MdSettings, Sharing
from nucleops.engines.lammps.task import MdTask
from nucleops.engines.lammps.together import gpus_of, produce_together
from nucleops.errors import AtomsLost, Preempted, WrongInput
from nucleops.systems.system import System

DROP = System("drop", ("Ag", "O"), np.array([[4.0, 5, 5], [6.0, 5, 5]]), np.full(3, 10.0), False)
TASK = MdTask(
    system="drop",
    md=MdSettings(steps=100),
    seed=5,
    sharing=Sharing(walkers=3, exchange_steps=50),
)
Fake = Callable[..., object]


@pytest.fixture
def run_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., object]:
    monkeypatch.setattr(together, "find_lammps", lambda: None)

    def run(fake: Fake, progress: Any = None, task: MdTask = TASK, walkers: int = 3) -> object:
        monkeypatch.setattr(together, "produce", fake)
        folders = [tmp_path / f"walker-{k:03d}" for k in range(walkers)]
        return produce_together(task, DROP, [], {}, folders, progress)

    return run


def test_walkers_run_at_the_same_time_with_numbers_of_their_own(
    run_with: Callable[..., object], tmp_path: Path
) -> None:
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange" / "HILLS.0").write_text("of an earlier attempt")
    meet = threading.Barrier(3, timeout=20)
    seeds = set()

    def fake(task: MdTask, system: System, models: object, floor: object, folder: Path, *_: object):
        meet.wait()  # breaks unless all three are running
        assert (tmp_path / "exchange").is_dir()
        found = sorted(path.name for path in (tmp_path / "exchange").iterdir())
        assert found == ["replicas.0.txt", "replicas.1.txt", "replicas.2.txt"]
        seeds.add(task.own_seed)
        return folder.name, task.number

    assert run_with(fake) == [("walker-000", 0), ("walker-001", 1), ("walker-002", 2)]
    assert len(seeds) == 3


def test_progress_is_of_all_together(run_with: Callable[..., object]) -> None:
    seen: list[tuple[int, int]] = []

    def fake(task: MdTask, *rest: object) -> None:
        report = rest[4]
        assert callable(report)
        report(40, 100)
        report(100, 100)

    run_with(fake, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (300, 300)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    run_with(lambda *rest: rest[5])


@pytest.mark.parametrize(
    ("first", "second", "raised", "words"),
    [
        (AtomsLost("blew up", advice="minimise"), None, AtomsLost, "walker-000: blew up; minimise"),
        (AtomsLost("blew up"), Preempted("SIGTERM"), Preempted, "walker-001: SIGTERM"),
        (Preempted("SIGTERM"), KeyError("x"), KeyError, "x"),
    ],
)
def test_a_failing_walker_is_told_after_the_others_have_ended(
    run_with: Callable[..., object],
    first: Exception | None,
    second: Exception | None,
    raised: type[Exception],
    words: str,
) -> None:
    failed, ended = threading.Event(), []

    def fake(task: MdTask, *_: object) -> None:
        error = (first, second, None)[task.number or 0]
        if error is not None:
            failed.set()
            raise error
        assert failed.wait(20)
        ended.append(task.number)

    with pytest.raises(raised, match=words):
        run_with(fake)
    assert 2 in ended


def test_what_is_not_shared_by_as_many_folders_is_refused(run_with: Callable[..., object]) -> None:
    with pytest.raises(WrongInput, match="need 3 folders, found 2"):
        run_with(lambda *_: None, walkers=2)
    alone = TASK.model_copy(update={"sharing": None})
    with pytest.raises(WrongInput, match="need sharing"):
        run_with(lambda *_: None, task=alone)
    with pytest.raises(WrongInput, match="side by side"):
        produce_together(TASK, DROP, [], {}, [Path("a/w"), Path("b/w"), Path("c/w")])


@pytest.mark.parametrize(
    ("number", "environment", "own"),
    [
        (0, {}, {}),
        (0, {"CUDA_VISIBLE_DEVICES": ""}, {}),
        (1, {"NVIDIA_VISIBLE_DEVICES": "all"}, {}),
        (1, {"CUDA_VISIBLE_DEVICES": "4,5,6"}, {"CUDA_VISIBLE_DEVICES": "5"}),
        (1, {"CUDA_VISIBLE_DEVICES": "0,1,2,3,4,5"}, {"CUDA_VISIBLE_DEVICES": "1,4"}),
        (2, {"CUDA_VISIBLE_DEVICES": "0,1"}, {"CUDA_VISIBLE_DEVICES": "0"}),
        (1, {"NVIDIA_VISIBLE_DEVICES": "GPU-a,GPU-b"}, {"CUDA_VISIBLE_DEVICES": "GPU-b"}),
    ],
)
def test_each_walker_sees_its_share_of_the_gpus(
    number: int, environment: dict[str, str], own: dict[str, str]
) -> None:
    assert gpus_of(number, 3, environment) == own
