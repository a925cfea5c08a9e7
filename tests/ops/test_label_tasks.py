"""Preparing labelling tasks, and the account of what was lost; no engine needed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dflow.python import OPIO, FatalError

from nucleops.engines.cp2k.frames import ForcesTooLarge, LabelledFrame
from nucleops.engines.cp2k.series import Series
from nucleops.engines.cp2k.single_point import SinglePoint
from nucleops.errors import Preempted, ScfNotConverged, TimeLimit, WrongInput
from nucleops.label import PrepLabel, RunAimd, RunLabel, label_config
from nucleops.learning import label_frames
from nucleops.learning.account import Account, LabelsLost
from nucleops.learning.dataset import LabelledFrames, read_deepmd, write_deepmd
from nucleops.learning.label_task import label_task
from nucleops.learning.labelling import (
    LabelConfig,
    prepare_tasks,
    read_configurations,
)
from nucleops.systems.files import write_trajectory
from nucleops.systems.system import System

TYPE_MAP = ["Ag", "S", "N", "C", "H", "O"]
LEVEL = {"method": "gfn1-xtb"}


def system(symbols: str = "CO", x: float = 0.0, *, periodic: bool = False) -> System:
    positions = np.arange(3.0 * len(symbols)).reshape(-1, 3) + x
    return System("s", tuple(symbols), positions, np.full(3, 20.0), periodic)


def confs(folder: Path, **contents: list[System]) -> list[Path]:
    paths = []
    for name, systems in contents.items():
        paths.append(folder / f"{name}.extxyz")
        write_trajectory(systems, paths[-1])
    return paths


def test_frames_are_split_into_tasks_of_one_composition(tmp_path):
    paths = confs(
        tmp_path,
        a=[system(x=i) for i in range(5)],
        b=[system("CH"), system("CH", 1)],
        c=[system(x=9)],
    )
    tasks = prepare_tasks(paths, TYPE_MAP, 4, tmp_path / "tasks")
    assert [task.name for task in tasks] == ["task.000000", "task.000001", "task.000002"]
    counts = [len(list(read_configurations(task / "frames.extxyz"))) for task in tasks]
    assert counts == [4, 2, 2]
    second = json.loads((tasks[1] / "task.json").read_text())
    assert second["type_map"] == TYPE_MAP
    assert [(o["source"], o["frame"]) for o in second["origins"]] == [
        ("a.extxyz", 4),
        ("c.extxyz", 0),
    ]


def test_periodicity_parts_tasks(tmp_path):
    paths = confs(tmp_path, a=[system()], b=[system(periodic=True)])
    assert len(prepare_tasks(paths, TYPE_MAP, 10, tmp_path / "tasks")) == 2


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("periodic", [True, False])
def test_deepmd_npy_folders_as_dpgen2_passes_them(tmp_path, labelled, periodic):
    rng = np.random.default_rng(3)
    shape = (3, 2, 3)
    data = LabelledFrames(
        ("C", "O"),
        rng.random(shape),
        rng.random((3, 3)) + 9,
        rng.random(3),
        rng.random(shape),
        periodic,
    )
    write_deepmd(data, TYPE_MAP, tmp_path / "confs" / "C1O1")
    if not labelled:
        for name in ("energy", "force"):
            (tmp_path / "confs" / "C1O1" / "set.000" / f"{name}.npy").unlink()
    (task,) = prepare_tasks([tmp_path / "confs"], TYPE_MAP, 10, tmp_path / "tasks")
    read = list(read_configurations(task / "frames.extxyz"))
    assert [s.periodic for s in read] == [periodic] * 3
    assert np.abs(np.array([s.positions for s in read]) - data.positions).max() < 1e-9
    assert np.abs(np.array([s.cell for s in read]) - data.cells).max() < 1e-9


def test_bad_configurations_are_refused(tmp_path):
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "POSCAR").touch()
    with pytest.raises(WrongInput, match="no configuration"):
        prepare_tasks([tmp_path / "foreign"], TYPE_MAP, 10, tmp_path / "tasks")
    paths = confs(tmp_path, a=[System("s", ("Au",), np.zeros((1, 3)), np.ones(3), False)])
    with pytest.raises(WrongInput, match=r"Au.*allowed: Ag"):
        prepare_tasks(paths, TYPE_MAP, 10, tmp_path / "tasks")


def test_no_configurations_make_no_tasks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = PrepLabel().execute(OPIO({"config": {"level": LEVEL}, "type_map": TYPE_MAP, "confs": []}))
    assert out["task_names"] == []
    assert out["task_paths"] == []


def test_config_as_it_is_or_as_dpgen2_wraps_it():
    plain = {"level": LEVEL, "label": {"frames_per_task": 3}}
    wrapped = {"inputs": None, "run": plain, "extra_output_files": []}
    assert label_config(plain) == label_config(wrapped)
    assert label_config(plain).label.frames_per_task == 3
    with pytest.raises(WrongInput, match="frames_per_tusk"):
        label_config({"level": LEVEL, "label": {"frames_per_tusk": 3}})


def test_signatures_are_those_of_dpgen2():
    from dpgen2.fp.prep_fp import PrepFp
    from dpgen2.fp.run_fp import RunFp

    for ours, theirs in ((PrepLabel, PrepFp), (RunLabel, RunFp)):
        for sign in ("get_input_sign", "get_output_sign"):
            mine, wanted = getattr(ours, sign)(), getattr(theirs, sign)()
            assert [name for name in mine if name != "n_labels"] == list(wanted)
            for key in wanted:
                assert type(mine[key]) is type(wanted[key])
                assert getattr(mine[key], "type", mine[key]) == getattr(
                    wanted[key], "type", wanted[key]
                )


def fate(monkeypatch, *outcomes):
    """Let the single points of a task end in the given ways, one after another."""
    left = iter(outcomes)

    def label(here, level, folder, **options):
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        frame = LabelledFrame(here, outcome, np.zeros_like(here.positions))
        return SinglePoint(frame, 1, "as set", 12, 0.5, 0.4)

    monkeypatch.setattr(label_frames, "label", label)
    monkeypatch.setattr(label_frames, "label_series", lambda *_, **__: Series({}, 0))


def task_of(tmp_path: Path, n: int) -> Path:
    paths = confs(tmp_path, a=[system(x=i) for i in range(n)])
    return prepare_tasks(paths, TYPE_MAP, n, tmp_path / "tasks")[0]


def test_bad_frames_are_dropped_and_counted(tmp_path, monkeypatch):
    fate(monkeypatch, -1.0, ScfNotConverged("no"), -2.0, TimeLimit("late"), ForcesTooLarge("f"))
    config = LabelConfig.model_validate({"level": LEVEL, "label": {"allowed_loss": 0.6}})
    seen = []
    account = label_task(
        task_of(tmp_path, 5), "t", config, tmp_path / "t", lambda *step: seen.append(step)
    )
    assert seen == [(i, 5) for i in range(6)]
    assert account.n_labelled == 2
    data = read_deepmd(tmp_path / "t" / "data")
    assert list(data.energies) == [-1.0, -2.0]
    assert data.positions[:, 0, 0].tolist() == [0.0, 2.0]
    written = json.loads((tmp_path / "t" / "data" / "labels.json").read_text())
    assert written["dropped"] == {
        "SCF not converged": 1,
        "time limit": 1,
        "forces too large": 1,
    }
    assert [f.get("dropped") for f in written["frames"]][1] == "SCF not converged"
    assert [f["frame"] for f in written["frames"]] == [0, 1, 2, 3, 4]
    assert len((tmp_path / "t" / "labels.log").read_text().splitlines()) == 5


def test_too_many_lost_fail_the_task_with_the_list(tmp_path, monkeypatch):
    fate(monkeypatch, -1.0, ScfNotConverged("no"), ScfNotConverged("no"))
    config = LabelConfig.model_validate({"level": LEVEL})
    with pytest.raises(LabelsLost, match=r"2 of 3 .*allowed: 30%.*SCF not converged 2"):
        label_task(task_of(tmp_path, 3), "t", config, tmp_path / "t")


def test_preemption_is_not_a_bad_frame(tmp_path, monkeypatch):
    fate(monkeypatch, -1.0, Preempted("gone"))
    config = LabelConfig.model_validate({"level": LEVEL})
    with pytest.raises(Preempted):
        label_task(task_of(tmp_path, 3), "t", config, tmp_path / "t")


def test_account_of_an_early_end():
    with pytest.raises(LabelsLost, match="ended early"):
        Account("a", 10, 5).check(0.3, Path("log"))
    Account("a", 10, 7).check(0.3, Path("log"))
    Account("a", 0, 0).check(0.0, Path("log"))


def test_operator_turns_failures_into_dflow_errors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "systems").mkdir()
    write_trajectory([system()], tmp_path / "systems" / "there.extxyz")
    task = {
        "system": "missing",
        "temperature_K": 300.0,
        "seed": 1,
        "run": {"system": "missing", "temperatures_K": [300.0], "steps": 10},
        "level": LEVEL,
        "type_map": TYPE_MAP,
    }
    with pytest.raises(FatalError, match=r"wrong input.*missing.*allowed: there"):
        RunAimd().execute(OPIO({"task": task, "systems": tmp_path / "systems"}))
