"""Selection by model deviation, and the account of a round."""

from __future__ import annotations

import json

import jsonpickle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleops.learning.selector import RoundReport, TrustLevelSelector, choose
from nucleops.learning.stage import TASK_FILE, StudyStage

LOW, HIGH = 0.2, 0.5
deviation_lists = st.lists(
    st.lists(st.floats(0, 2), max_size=30).map(lambda v: np.array(v, dtype=float)), max_size=6
)


@given(deviation_lists, st.integers(0, 20), st.integers(0, 99))
def test_chosen_frames_are_candidates_and_not_too_many(
    deviations: list[np.ndarray], most: int, seed: int
) -> None:
    chosen = choose(deviations, LOW, HIGH, most, seed)
    n_candidates = sum(int(np.sum((d >= LOW) & (d <= HIGH))) for d in deviations)
    assert len(chosen) == len(deviations)
    if n_candidates:
        assert sum(map(len, chosen)) == min(most, n_candidates)
        for d, frames in zip(deviations, chosen, strict=True):
            assert np.all((d[frames] >= LOW) & (d[frames] <= HIGH))
            assert len(set(frames.tolist())) == len(frames)
    else:
        for d, frames in zip(deviations, chosen, strict=True):
            assert np.all(d[frames] > HIGH)


def test_a_long_trajectory_does_not_crowd_out_a_short_one() -> None:
    chosen = choose([np.full(1000, 0.3), np.full(3, 0.3)], LOW, HIGH, 10, 1)
    assert [len(c) for c in chosen] == [7, 3]


def test_without_candidates_the_least_failed_frames_stand_in() -> None:
    chosen = choose([np.array([0.1, 0.9, 0.6, 0.7]), np.array([0.1])], LOW, HIGH, 10, 1)
    assert [c.tolist() for c in chosen] == [[2, 3], []]


def report(accurate: int, candidate: int, failed: int, selected: int) -> RoundReport:
    counts = {"accurate": accurate, "candidate": candidate, "failed": failed}
    return RoundReport(counts, selected, 0.9, {})


def test_shares_and_convergence() -> None:
    assert report(95, 5, 0, 5).converged([])
    assert not report(80, 20, 0, 20).converged([])
    assert report(80, 20, 0, 20).summary()["candidate"] == pytest.approx(0.2)


def test_a_round_that_selects_nothing_ends_as_stalled_not_as_converged() -> None:
    stalled = report(50, 0, 50, 0)
    assert stalled.converged([])
    assert stalled.summary()["stalled"]
    assert not stalled.summary()["converged"]


def test_objects_survive_the_way_between_steps() -> None:
    selector = TrustLevelSelector(LOW, HIGH, 10, 0.9, 7)
    again = jsonpickle.loads(jsonpickle.dumps(selector))
    assert isinstance(again, TrustLevelSelector)
    assert vars(again) == vars(selector)
    again_report = jsonpickle.loads(jsonpickle.dumps(report(1, 2, 3, 2)))
    assert again_report.failed_ratio() == pytest.approx(0.5)


def stage() -> StudyStage:
    exploration = {
        "system": "dimer",
        "spec": {"contents": []},
        "md": {"steps": 100, "temperature_K": 300.0},
        "temperatures_K": [300.0, 450.0],
        "copies": 2,
        "growth": 2.0,
        "bias": None,
    }
    return StudyStage([exploration], {"metal": "Ag", "trust": {}}, seed=1)


def tasks_of(stage: StudyStage) -> list[dict]:
    return [json.loads(task.files()[TASK_FILE]) for task in stage.make_task()]


def test_rounds_grow_and_draw_new_seeds() -> None:
    plan = stage()
    first = tasks_of(plan)
    second = tasks_of(jsonpickle.loads(jsonpickle.dumps(plan)))
    assert [t["md"]["temperature_K"] for t in first] == [300.0, 300.0, 450.0, 450.0]
    assert {t["md"]["steps"] for t in first} == {100}
    assert {t["md"]["steps"] for t in second} == {200}
    seeds = [t["seed"] for t in first + second]
    assert len(set(seeds)) == 8
    assert tasks_of(stage()) == first
