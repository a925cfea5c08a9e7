"""The exploration operators: dpgen2's signatures, tasks, and runs that blow up at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dflow.python import OPIO, FatalError
from dpgen2.exploration.task import BaseExplorationTaskGroup, ExplorationTask

from nucleops.engines.lammps import exploration
from nucleops.engines.lammps.exploration import explore
from nucleops.engines.lammps.readers import read_dump, read_model_deviation
from nucleops.engines.lammps.settings import MdSettings, PressureSettings
from nucleops.engines.lammps.task import MdTask, read_task, stored_system
from nucleops.errors import AtomsLost, WrongInput
from nucleops.explore import PrepExplore, RunExplore
from nucleops.systems.files import read_extxyz, write_extxyz
from nucleops.systems.system import System

TASK = {"system": "drop", "md": {"steps": 100, "stride": 20}, "seed": 5}
DROP = System("drop", ("Ag", "O"), np.array([[4.0, 5, 5], [6.0, 5, 5]]), np.full(3, 10.0), False)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def group(*files: dict[str, str]) -> BaseExplorationTaskGroup:
    tasks = BaseExplorationTaskGroup()
    for task_files in files:
        task = ExplorationTask()
        for name, text in task_files.items():
            task.add_file(name, text)
        tasks.add_task(task)
    return tasks


def test_signatures_are_those_of_dpgen2() -> None:
    from dpgen2.op import PrepLmp, RunLmp

    for ours, theirs in ((PrepExplore, PrepLmp), (RunExplore, RunLmp)):
        assert set(ours.get_input_sign()) == set(theirs.get_input_sign())
        assert set(ours.get_output_sign()) - {"ns_per_day"} == set(theirs.get_output_sign())


def test_tasks_are_written_again_without_complaint() -> None:
    tasks = group({"task.json": "{}"}, {"task.json": json.dumps(TASK), "topology.extxyz": "x"})
    for _ in range(2):
        out = PrepExplore().execute(OPIO({"lmp_task_grp": tasks}))
    assert out["task_names"] == ["task.000000", "task.000001"]
    assert sorted(p.name for p in out["task_paths"][1].iterdir()) == [
        "task.json",
        "topology.extxyz",
    ]


def test_foreign_and_empty_groups_are_refused() -> None:
    with pytest.raises(FatalError, match=r"no task\.json"):
        PrepExplore().execute(OPIO({"lmp_task_grp": group({"in.lammps": ""})}))
    with pytest.raises(FatalError, match="nothing to explore"):
        PrepExplore().execute(OPIO({"lmp_task_grp": group()}))


def test_a_committee_is_needed(folder: Path) -> None:
    with pytest.raises(WrongInput, match="at least two models, found 1"):
        explore(read_task(TASK, "task"), DROP, [Path("a.pb")], folder)


def test_the_seed_chooses_who_drives(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driven = []

    def blow_up(task: MdTask, system: System, models: list[Path], *rest: object) -> None:
        driven.append([path.name for path in models])
        Path(str(rest[0])).mkdir()
        raise AtomsLost("gone before the first frame")

    monkeypatch.setattr(exploration, "run_task", blow_up)
    models = [Path(name) for name in "abc"]
    for seed in (3, 4, 5):
        where = folder / str(seed)
        where.mkdir()
        out = explore(read_task({**TASK, "seed": seed}, "task"), DROP, models, where)
    assert driven == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]
    # A run without any frame leaves its start, which no trust level accepts.
    dump = read_dump(out.trajectory)
    np.testing.assert_allclose(dump.positions, [DROP.positions])
    assert dump.types.tolist() == [1, 6]
    assert read_model_deviation(out.model_deviation).max_force_eV_A.tolist() == [np.inf]
    md = json.loads((out.md_folder / "md.json").read_text())
    assert (md["status"], md["trusted_steps"]) == ("trust-ended", 0)
    assert md["ended_by"] == "lost atoms"
    assert "gone before" in md["reason"]
    assert read_extxyz(out.md_folder / "topology.extxyz").symbols == DROP.symbols


def test_a_task_may_have_a_pressure() -> None:
    task = read_task({**TASK, "md": {**TASK["md"], "pressure_bar": 5.0}}, "task")
    assert isinstance(task.md, PressureSettings)
    assert task.model_dump(mode="json")["md"]["pressure_bar"] == 5.0
    assert type(read_task(TASK, "task").md) is MdSettings


def test_siblings_have_seeds_of_their_own() -> None:
    tasks = [read_task({**TASK, "number": k}, "task") for k in range(3)]
    assert len({task.own_seed for task in tasks}) == 3
    assert read_task(TASK, "task").own_seed == 5


def test_wrong_tasks_are_named() -> None:
    with pytest.raises(WrongInput, match=r"replica: md\.stepz: Extra inputs .* found 3"):
        read_task({**TASK, "md": {"steps": 5, "stepz": 3}}, "replica")


def test_a_system_that_was_not_built_is_named(folder: Path) -> None:
    write_extxyz(DROP, folder / "dimer.extxyz")
    with pytest.raises(WrongInput, match="drop is not among the built systems; there are: dimer"):
        stored_system(read_task(TASK, "task"), folder)
