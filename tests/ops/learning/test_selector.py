"""The selector in dpgen2's slot: the account of a round, and its way between steps."""

from __future__ import annotations

import json

import jsonpickle
import pytest

from nucleops.learning.selector import RoundReport, TrustLevelSelector
from nucleops.learning.stage import TASK_FILE, StudyStage

ADAPTIVE = {"candidates": 5, "tolerance_eV_A": 0.02, "rounds": 2}


def report(
    accurate: int, candidate: int, failed: int, selected: int, low: float | None = None
) -> RoundReport:
    counts = {"accurate": accurate, "candidate": candidate, "failed": failed}
    adaptive = None if low is None else ADAPTIVE
    return RoundReport(counts, selected, 0.9, {}, low_eV_A=low, adaptive=adaptive)


def test_shares_and_convergence() -> None:
    assert report(95, 5, 0, 5).converged([])
    assert not report(80, 20, 0, 20).converged([])
    assert report(80, 20, 0, 20).summary()["candidate"] == pytest.approx(0.2)


def test_a_round_that_selects_nothing_ends_as_stalled_not_as_converged() -> None:
    stalled = report(50, 0, 50, 0)
    assert stalled.converged([])
    assert stalled.summary()["stalled"]
    assert not stalled.summary()["converged"]


def test_an_adaptive_level_converges_when_it_stays() -> None:
    rounds = [report(90, 10, 0, 10, low) for low in (0.30, 0.20, 0.19)]
    assert not rounds[0].converged([])
    assert not rounds[1].converged(rounds[:1])
    assert rounds[2].converged(rounds[:2])


def test_a_level_that_stays_since_most_frames_fail_is_no_convergence() -> None:
    rounds = [report(1, 5, 94, 5, 0.45) for _ in range(3)]
    assert not rounds[2].converged(rounds[:2])


def test_a_round_without_frames_is_no_convergence() -> None:
    rounds = [report(0, 0, 0, 3, 0.5) for _ in range(3)]
    assert not rounds[2].converged(rounds[:2])


def test_objects_survive_the_way_between_steps() -> None:
    selector = TrustLevelSelector({"max_labels": 10, "adaptive": ADAPTIVE}, 7)
    again = jsonpickle.loads(jsonpickle.dumps(selector))
    assert isinstance(again, TrustLevelSelector)
    assert vars(again) == vars(selector)
    again_report = jsonpickle.loads(jsonpickle.dumps(report(1, 2, 3, 2)))
    assert again_report.failed_ratio() == pytest.approx(0.5)


def exploration(**more: object) -> dict:
    box = {"shape": "cube", "edge_A": 10.0}
    return {
        "system": "dimer",
        "spec": {"contents": [{"motif": "methanol", "count": "fill"}], "box": box},
        "md": {"steps": 100, "temperature_K": 300.0},
        "temperatures_K": [300.0, 450.0],
        "copies": 2,
        "growth": 2.0,
        "bias": None,
        **more,
    }


def stage(**more: object) -> StudyStage:
    return StudyStage([exploration(**more)], {"metal": "Ag", "trust": {}}, seed=1)


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
    assert {t["exploration"] for t in first} == {"dimer, 300 K", "dimer, 450 K"}


def test_every_temperature_meets_every_pressure() -> None:
    tasks = tasks_of(stage(pressures_bar=[1.0, 1e4], barostat_time_fs=500.0, bias_name="pull"))
    conditions = {(t["md"]["temperature_K"], t["md"]["pressure_bar"]) for t in tasks}
    assert conditions == {(300.0, 1.0), (300.0, 1e4), (450.0, 1.0), (450.0, 1e4)}
    assert {t["md"]["barostat_time_fs"] for t in tasks} == {500.0}
    assert tasks[0]["exploration"] == "dimer, 300 K, 1 bar, pull"
    assert len({t["seed"] for t in tasks}) == 8


def test_volumes_keep_the_number_of_molecules() -> None:
    tasks = tasks_of(stage(volume_factors=[1.0, 1.331]))
    boxes = {t["exploration"]: t["spec"] for t in tasks}
    wide = boxes["dimer, 300 K, volume x1.331"]
    assert wide["box"]["edge_A"] == pytest.approx(11.0)
    assert wide["solvent_density_g_cm3"] == pytest.approx(0.79 / 1.331)
    assert boxes["dimer, 300 K, volume x1"]["box"]["edge_A"] == pytest.approx(10.0)
    assert all("pressure_bar" not in t["md"] for t in tasks)
