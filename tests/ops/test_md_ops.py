"""The production operators: what they take, and what they refuse."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dflow.python import OPIO, FatalError

from nucleops.engines.lammps import production
from nucleops.engines.lammps.result import MdResult
from nucleops.engines.lammps.task import MdTask
from nucleops.metad import RunMetadynamics, RunSharedMetadynamics
from nucleops.nucleate import RunReplica
from nucleops.systems.files import write_extxyz
from nucleops.systems.system import System
from nucleops.unbiased import RunUnbiased

TASK = {"system": "drop", "md": {"steps": 100}, "seed": 5}
DROP = System("drop", ("Ag", "O"), np.array([[4.0, 5, 5], [6.0, 5, 5]]), np.full(3, 10.0), False)
MODELS = [Path("a.pb"), Path("b.pb")]
METADYNAMICS = {
    "cvs": {"d": {"kind": "distance", "sites": [{"index": 1}, {"index": 2}]}},
    "metadynamics": {
        "cvs": ["d"],
        "height_kcal_mol": 1,
        "sigma": [0.1],
        "bias_factor": 10,
        "grid_min": [0],
        "grid_max": [9],
    },
}


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    monkeypatch.chdir(tmp_path)
    calls: list[tuple[Any, ...]] = []

    def run_task(
        task: MdTask,
        system: System,
        models: list[Path],
        out: Path,
        progress: object,
        floor: object,
        environment: object,
    ) -> SimpleNamespace:
        calls.append((task, system, out.name, floor))
        out.mkdir()
        return SimpleNamespace(ns_per_day=20.0 - (task.number or 0))

    monkeypatch.setattr(production, "run_task", run_task)
    Path("systems").mkdir()
    write_extxyz(DROP, Path("systems/drop.extxyz"))
    return calls


def ip(task: dict[str, object], **more: object) -> OPIO:
    return OPIO(
        {"task": task, "systems": Path("systems"), "models": MODELS, "data_range": {}, **more}
    )


def test_a_walker_runs_in_a_folder_of_its_own(runs: list[tuple[Any, ...]]) -> None:
    task = {**TASK, "bias": METADYNAMICS, "number": 2}
    for _ in range(2):  # a retry replaces what the first attempt left
        out = RunMetadynamics().execute(ip(task))
    assert out["result"] == Path("walker-002")
    assert runs[0][2] == "walker-002"


def test_siblings_share_a_task_and_are_told_their_number(runs: list[tuple[Any, ...]]) -> None:
    task = {**TASK, "bias": METADYNAMICS}
    for number in (0, 7):
        out = RunMetadynamics().execute(ip(task, number=number))
        assert out["result"] == Path(f"walker-{number:03d}")
        assert out["ns_per_day"] == 20.0 - number
    assert len({run[0].own_seed for run in runs}) == 2
    assert runs[1][0] == MdTask.model_validate({**task, "number": 7})


def test_metadynamics_without_hills_is_refused() -> None:
    with pytest.raises(FatalError, match=r"no bias\.metadynamics and no bias\.opes"):
        RunMetadynamics().execute(ip(TASK))


def test_opes_is_run_as_metadynamics_is() -> None:
    bias = {"cvs": METADYNAMICS["cvs"], "opes": {"cvs": ["d"], "barrier_kcal_mol": 10}}
    out = RunMetadynamics().execute(ip({**TASK, "bias": bias, "number": 0}))
    assert out["result"] == Path("walker-000")


def test_walkers_that_share_are_one_task(runs: list[tuple[Any, ...]]) -> None:
    sharing = {"walkers": 3, "exchange_steps": 50}
    task = {**TASK, "bias": METADYNAMICS, "sharing": sharing}
    out = RunSharedMetadynamics().execute(ip(task))
    assert out["result"] == [Path(f"walker-{k:03d}") for k in range(3)]
    assert Path("exchange").is_dir()
    assert out["ns_per_day"] == 18.0  # of the slowest
    numbers = sorted(run[0].number for run in runs)
    assert numbers == [0, 1, 2]
    assert len({run[0].own_seed for run in runs}) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sharing": None}, "found sharing None"),
        ({"number": 1}, "need sharing and no number"),
        (
            {"bias": {"cvs": METADYNAMICS["cvs"], "opes": {"cvs": ["d"], "barrier_kcal_mol": 9}}},
            "OPES cannot share",
        ),
    ],
)
def test_what_cannot_be_shared_is_refused(change: dict[str, object], words: str) -> None:
    sharing = {"walkers": 2, "exchange_steps": 50}
    task = {**TASK, "bias": METADYNAMICS, "sharing": sharing, **change}
    with pytest.raises(FatalError, match=words):
        RunSharedMetadynamics().execute(ip(task))


def test_the_floor_is_that_of_the_composition(runs: list[tuple[Any, ...]]) -> None:
    RunUnbiased().execute(ip(TASK, data_range={"Ag1O1": -3.5, "Ag2O1": -9.0}))
    RunUnbiased().execute(ip(TASK))
    assert [run[3] for run in runs] == [-3.5, None]
    assert runs[0][2] == "md"


def test_one_model_cannot_be_judged() -> None:
    with pytest.raises(FatalError, match="at least two models"):
        RunUnbiased().execute(ip(TASK, models=MODELS[:1]))


def test_replicas_are_packed_and_run_differently(runs: list[tuple[Any, ...]]) -> None:
    spec = {
        "contents": [{"motif": "dimer", "count": 1}, {"motif": "methanol", "count": 2}],
        "box": {"shape": "droplet", "radius_A": 6.0},
    }
    for number in (0, 1):
        task = {**TASK, "system": "dimers", "spec": spec}
        inputs = OPIO({"task": task, "number": number, "models": MODELS, "data_range": {}})
        assert RunReplica().execute(inputs)["result"] == Path(f"replica-{number:03d}")
    first, second = (run[1].positions for run in runs)
    assert first.shape == second.shape
    assert np.abs(first - second).max() > 0.1


def test_a_replica_needs_a_spec() -> None:
    with pytest.raises(FatalError, match="no spec to build from"):
        RunReplica().execute(OPIO({"task": TASK, "models": MODELS, "data_range": {}}))


def test_speed_is_simulated_time_per_day() -> None:
    result = MdResult(
        folder=Path("md"),
        status="completed",
        reason=None,
        steps_planned=500_000,
        steps_run=500_000,
        trusted_steps=500_000,
        time_step_fs=2.0,
        temperature_K=300.0,
        n_atoms=2,
        seed=1,
        stride=100,
        wall_s=3600.0,
    )
    assert result.ns_per_day == pytest.approx(24.0)  # 1 ns an hour
    assert dataclasses.replace(result, wall_s=0.0).ns_per_day == 0.0


def test_replicas_take_the_conditions_of_a_grid_in_turn(runs: list[tuple[Any, ...]]) -> None:
    specs = [
        {
            "contents": [{"motif": "dimer", "count": 1}, {"motif": "methanol", "count": n}],
            "box": {"shape": "droplet", "radius_A": 6.0},
        }
        for n in (1, 2)
    ]
    conditions = [
        {"label": f"{t} K", "spec": spec, "md": {"steps": 100, "temperature_K": t}}
        for t, spec in zip((300, 350), specs, strict=True)
    ]
    task = {k: v for k, v in TASK.items() if k not in ("spec", "md")} | {"conditions": conditions}
    for number in (0, 3, 4):
        values = {"task": task, "number": number, "models": MODELS, "data_range": {}}
        analysis = RunReplica().execute(OPIO(values))["analysis"]
        assert analysis == Path("analysis") / f"replica-{number:03d}"
    assert [run[0].md.temperature_K for run in runs] == [300, 350, 300]
    assert [run[1].n_atoms for run in runs] == [18, 24, 18]
    assert len({run[0].own_seed for run in runs}) == 3
