"""The selection operator over runs as exploration leaves them, to the record of the round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dflow.python import OPIO

from nucleops.analysis.learning import judge_rounds, least_accurate, round_row
from nucleops.analysis.stages.explored import verdict
from nucleops.analysis.stages.learning import learning_folder
from nucleops.bias.series import write_colvar
from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.learning.dataset import write_deepmd
from nucleops.learning.frames import stack_frames
from nucleops.learning.labelling import TASK_FILE, prepare_tasks
from nucleops.learning.record import write_round
from nucleops.learning.selector import TrustLevelSelector
from nucleops.selection import MOST_PUBLISHED, SelectConfs, published
from nucleops.systems.files import read_trajectory, write_extxyz
from nucleops.systems.system import System

TYPE_MAP = ["Ag", "O"]
CELL = np.full(3, 12.0)
FIXED = {"force_deviation_low_eV_A": 0.2, "force_deviation_high_eV_A": 0.5, "max_labels": 4}
DROP = System("drop", ("Ag", "O", "O"), np.zeros((3, 3)), CELL, False)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frames(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(2, 10, (n, 3, 3)).round(4)


def explored(
    where: Path,
    deviation: list[float],
    *,
    planned: int | None = None,
    cells: np.ndarray | None = None,
    cv: np.ndarray | None = None,
    **md: object,
) -> tuple[Path, Path, Path]:
    """Write a run of the droplet, as ``RunExplore`` does."""
    where.mkdir()
    n = len(deviation)
    write_extxyz(DROP, where / "topology.extxyz")
    edges = np.tile(CELL, (n, 1)) if cells is None else cells
    text = ""
    for k, positions in enumerate(frames(n, len(where.name))):
        bounds = "".join(f"0.0 {edge:.6f}\n" for edge in edges[k])
        text += f"ITEM: TIMESTEP\n{10 * k}\nITEM: NUMBER OF ATOMS\n3\n"
        text += f"ITEM: BOX BOUNDS pp pp pp\n{bounds}ITEM: ATOMS id type x y z\n"
        for i, (kind, (x, y, z)) in enumerate(zip((1, 2, 2), positions, strict=True), 1):
            text += f"{i} {kind} {x} {y} {z}\n"
    (where / "traj.dump").write_text(text)
    rows = [f"{10 * k} 0 0 0 {value} 0 0\n" for k, value in enumerate(deviation)]
    (where / "model_devi.out").write_text("# step\n" * bool(rows) + "".join(rows))
    steps = 10 * ((n if planned is None else planned) - 1)
    record = {"steps_planned": steps, "stride": 10, "temperature_K": 300.0, "time_step_fs": 0.5}
    if cv is not None:
        write_colvar({"time": 5.0 * np.arange(n), "d": cv}, where / "COLVAR")
        record["biased_cvs"] = ["d"]
    (where / "md.json").write_text(json.dumps({**record, "wall_s": 2.0, "cpu_s": 1.5, **md}))
    return where / "traj.dump", where / "model_devi.out", where


def labelled(where: Path, positions: np.ndarray) -> None:
    """Write a data set of the droplet at some places."""
    known = [LabelledFrame(DROP.with_positions(x), -1.0, np.zeros((3, 3))) for x in positions]
    write_deepmd(stack_frames(known)[0], TYPE_MAP, where)


def select(runs: list[tuple[Path, Path, Path]], selection: dict, *data: Path) -> Any:
    trajs, devis, folders = (list(part) for part in zip(*runs, strict=True))
    return SelectConfs().execute(
        OPIO(
            {
                "conf_selector": TrustLevelSelector(selection, 3), "type_map": TYPE_MAP,
                "trajs": trajs, "model_devis": devis, "optional_outputs": folders,
                "init_data": list(data), "iter_data": None,
            }
        )
    )  # fmt: skip


def test_a_round_is_accounted_for_by_exploration(folder: Path) -> None:
    first = explored(folder / "a", [0.1, 0.3, 0.4], planned=5, ended_by="torn molecule")
    second = explored(folder / "bb", [float("nan"), 0.3, 0.1])
    out = select([first, second], FIXED)
    record = json.loads(out["record"].read_text())
    row = record["explorations"]["drop, 300 K"]
    assert (row["accurate"], row["candidate"], row["failed"]) == (2, 3, 3)  # 2 lost, 1 no number
    assert (row["runs"], row["selected"]) == (2, 3)
    assert record["n_frames_explored"] == 8
    assert record["n_not_finite"] == 1
    assert record["ended_early"] == {"torn molecule": 1}
    assert record["cost"]["exploration"] == {"cpu_s": 3.0, "wall_s": 4.0, "tasks": 2}
    assert record["deviation_percentiles_eV_A"]["50"] == pytest.approx(0.3)
    assert out["counts"]["explorations"] == {"drop, 300 K": [0.25, 0.375, 0.375]}
    assert out["counts"]["low_eV_A"] == 0.2
    chosen = [read_trajectory(path)[0] for path in out["confs"]]
    np.testing.assert_allclose(chosen[0], frames(3, 1)[1:])
    np.testing.assert_allclose(chosen[1], frames(3, 2)[1:2])


def test_frames_keep_their_own_cells(folder: Path) -> None:
    cells = np.array([[12.0] * 3, [12.5] * 3, [13.0] * 3])
    out = select([explored(folder / "a", [0.1, 0.3, 0.1], cells=cells)], FIXED)
    assert read_trajectory(out["confs"][0])[1].tolist() == [[12.5] * 3]


def test_chosen_frames_take_their_step_to_where_they_are_labelled(folder: Path) -> None:
    runs = [explored(folder / "a", [0.1, 0.3, 0.4]), explored(folder / "bb", [0.3, 0.1, 0.1])]
    tasks = prepare_tasks(select(runs, FIXED)["confs"], TYPE_MAP, 9, folder / "tasks")
    origins = [o for task in tasks for o in json.loads((task / TASK_FILE).read_text())["origins"]]
    assert [origin["step"] for origin in origins] == [10, 20, 0]
    assert len({origin["parent"] for origin in origins}) == 2


def test_what_is_labelled_already_is_not_labelled_again(folder: Path) -> None:
    run = explored(folder / "a", [0.3] * 4)
    labelled(folder / "data", frames(4, 1)[:3])
    apart = {**FIXED, "minimum_distance": 1e-3}
    out = select([run], apart, folder / "data")
    (conf,) = out["confs"]
    np.testing.assert_allclose(read_trajectory(conf)[0], frames(4, 1)[3:])
    assert json.loads(out["record"].read_text())["n_alike"] == 3
    labelled(folder / "last", frames(4, 1)[3:])
    out = select([run], apart, folder / "data", folder / "last")
    assert out["confs"] == []
    assert "learn.selection.minimum_distance" in out["counts"]["advice"]
    assert out["report"].converged([])


def test_a_round_with_nothing_to_label_gives_advice(folder: Path) -> None:
    run = explored(folder / "a", [0.1, 0.15], planned=8, ended_by="torn molecule")
    out = select([run], FIXED)
    assert "75% of the planned frames were never reached" in out["counts"]["advice"]
    assert "1 by torn molecule" in out["counts"]["advice"]
    path = write_round(folder / "iter-000000", {"n_dropped": {}}, out["record"], [])
    row = round_row(json.loads(path.read_text()))
    said = verdict([row], None, {})
    assert not said["converged"]
    assert said["missing"] == [out["counts"]["advice"]]


def test_empty_trajectories_and_rounds_give_advice(folder: Path) -> None:
    out = select([explored(folder / "a", []), explored(folder / "b", [])], FIXED)
    assert out["confs"] == []
    assert out["counts"]["advice"].startswith("None of the 2 exploration runs left a frame")
    record = json.loads(out["record"].read_text())
    assert record["accurate"] == 0.0
    assert record["stalled"]
    out = select([explored(folder / "c", [float("nan")])], FIXED)
    assert "not a finite number" in out["counts"]["advice"]


def test_an_adaptive_round(folder: Path) -> None:
    adaptive = {"adaptive": {"candidates": 2, "tolerance_eV_A": 0.05, "rounds": 2}}
    selection = {"force_deviation_high_eV_A": 0.5, "max_labels": 4, **adaptive}
    rows = []
    for k, values in enumerate(([0.1, 0.3, 0.4, 0.2], [0.1, 0.28, 0.33, 0.2])):
        out = select([explored(folder / f"run{k}", values)], selection)
        assert out["counts"]["low_eV_A"] == sorted(values)[-2]
        assert out["counts"]["n_selected"] == 2
        assert json.loads(out["record"].read_text())["converged"] is None
        rows.append(round_row(json.loads(out["record"].read_text())))
    judge_rounds(rows, {**selection, "converged_accurate": 0.95})
    assert [row["converged"] for row in rows] == [False, True]


def test_unvisited_regions_are_favoured_and_remembered(folder: Path) -> None:
    labelled(folder / "data", frames(1, 99))
    cv = np.append(np.zeros(60), 5.0)
    run = explored(folder / "a", [0.3] * 61, cv=cv)
    favoured = {**FIXED, "max_labels": 1, "favour_unvisited": True}
    # a run that blew up at once has no variables, and takes them from nobody
    lost = explored(folder / "ccc", [float("inf")], ended_by="lost atoms")
    out = select([lost, run], favoured, folder / "data")
    np.testing.assert_allclose(read_trajectory(out["confs"][0])[0], frames(61, 1)[-1:])
    rounds = [folder / "iter-000000"]
    write_round(rounds[0], {"n_dropped": {}}, out["record"], [])
    assert "explored" not in json.loads((rounds[0] / "round.json").read_text())
    # in the next round alone no place is seldom; that 0 is well known, the round before tells
    other = explored(folder / "bb", [0.3] * 3, cv=np.array([0.0, 2.5, 0.0]))
    out = select([other], favoured, folder / "data", *rounds)
    np.testing.assert_allclose(read_trajectory(out["confs"][0])[0], frames(3, 2)[1:2])
    made = learning_folder(rounds, [], {}, folder / "learning")
    (own,) = json.loads((made / "summary.json").read_text())["along"].values()
    table = (made / own["file"]).read_text().splitlines()
    assert table[0] == "round,max_force_eV_A,d"
    assert len(table) == 62


def test_of_many_explorations_shares_by_system_are_published() -> None:
    row = {"accurate": 1, "candidate": 1, "failed": 2, "selected": 0, "runs": 1}
    many = {f"s{k % 2}, {k} K": {"system": f"s{k % 2}", **row} for k in range(MOST_PUBLISHED + 1)}
    summary = {"accurate": 0.25, "candidate": 0.25, "failed": 0.5, "n_selected": 0}
    counts = published({**summary, "advice": "", "explorations": many})
    assert counts == {**summary, "explorations": {"s0": [0.25, 0.25, 0.5], "s1": [0.25, 0.25, 0.5]}}


def test_the_least_accurate_exploration_is_named() -> None:
    row = {"accurate": 1, "candidate": 9, "failed": 0, "selected": 0, "runs": 1, "system": "a"}
    explorations = {"a, 300 K": row, "a, 450 K": row | {"accurate": 9}}
    found = round_row({"accurate": 0.5, "explorations": explorations})
    assert least_accurate(found) == ("a, 300 K", 0.1)
    (missing,) = verdict([found], {}, {"converged_accurate": 0.95})["missing"]
    assert missing.startswith("95% of the frames accurate")
    assert "The least accurate was a, 300 K, with 10%." in missing
