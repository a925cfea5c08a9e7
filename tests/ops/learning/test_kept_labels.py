"""Frames that an interrupted labelling task has done; what the SCF of the others begins from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.engines.cp2k.inputs import WAVEFUNCTION
from nucleops.engines.cp2k.series import Series
from nucleops.engines.cp2k.single_point import SinglePoint
from nucleops.errors import Preempted, ScfNotConverged, StorageUnreachable, TimeLimit
from nucleops.learning import label_frames as module
from nucleops.learning.dataset import read_deepmd
from nucleops.learning.kept_labels import forget_labels
from nucleops.learning.label_frames import nearest
from nucleops.learning.label_task import label_task
from nucleops.learning.labelling import LabelConfig, prepare_tasks
from nucleops.storage.folder import FolderStore
from nucleops.storage.kept import STORE_VARIABLE
from nucleops.systems.files import write_trajectory
from nucleops.systems.system import System

XTB, PBE = {"method": "gfn1-xtb"}, {"method": "pbe-d3"}


def system(x: float = 0.0, **changes: object) -> System:
    positions = np.array([[0.0, 0, 0], [1.1 + x, 0, 0]])
    values = {"symbols": ("C", "O"), "cell": np.full(3, 20.0), "periodic": True, **changes}
    return System("s", positions=positions, **values)


class Cp2k:
    """Stands in for CP2K: labels by the bond length, ends as told, says what it was asked.

    In a series it comes to no frame, or, if told so, to as many as ``reach`` says, of which those
    with an ending get no label.
    """

    def __init__(self, reach: int = 0, **endings: Exception) -> None:
        self.endings = {int(key[1:]): error for key, error in endings.items()}
        self.begun: dict[int, str | None] = {}
        self.reach = reach
        self.series: list[tuple[int, int]] = []

    def label_series(self, systems, level, folder, **_):
        start = int(folder.name[-4:])
        self.series.append((start, len(systems)))
        points = {
            k: self.point(here)
            for k, here in enumerate(systems[: self.reach])
            if start + k not in self.endings
        }
        return Series(points, min(self.reach, len(systems)))

    def label(self, here, level, folder, *, guess=None, keep_wavefunction=False, **_):
        number = int(folder.name[-4:])
        self.begun[number] = None if guess is None else guess.parent.name
        if number in self.endings:
            raise self.endings[number]
        folder.mkdir(exist_ok=True)
        path = folder / WAVEFUNCTION if keep_wavefunction else None
        if path is not None:
            path.write_text(f"orbitals {number}")
        return self.point(here, path)

    def point(self, here, path=None):
        bond = here.positions[1, 0] - here.positions[0, 0]
        forces = np.array([[1.0, 0, 0], [-1.0, 0, 0]]) * (bond - 1.1) / 3
        frame = LabelledFrame(here, -(bond**2) / 3, forces, program="CP2K 2023.1")
        return SinglePoint(frame, 1, "as set", 12, 0.5, 0.4, path)


@pytest.fixture
def task(tmp_path: Path) -> Path:
    write_trajectory([system(x) for x in (0.0, 0.3, 0.1, 0.32)], tmp_path / "run-0001.extxyz")
    return prepare_tasks([tmp_path / "run-0001.extxyz"], ["C", "O"], 9, tmp_path / "tasks")[0]


@pytest.fixture
def attempt(task, tmp_path, monkeypatch):
    """Return a function that makes one attempt at the task with a CP2K that ends as told."""

    def go(cp2k: Cp2k, folder: str = "t", *, level=XTB, **label: object):
        config = {"level": level, "label": {"allowed_loss": 0.5, **label}}
        monkeypatch.setattr(module, "label", cp2k.label)
        monkeypatch.setattr(module, "label_series", cp2k.label_series)
        return label_task(task, "t", LabelConfig.model_validate(config), tmp_path / folder)

    return go


def arrays(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted((folder / "data").rglob("*")) if path.is_file()]
    return {p.name: p.read_bytes() for p in files if p.name != "labels.json"}


@pytest.mark.parametrize("elsewhere", [True, False])
def test_an_interrupted_task_goes_on(attempt, tmp_path, monkeypatch, elsewhere):
    if elsewhere:
        monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    whole = attempt(Cp2k(f1=ScfNotConverged("no")), "whole")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "other"))
    if not elsewhere:
        monkeypatch.delenv(STORE_VARIABLE)
    with pytest.raises(Preempted):
        attempt(Cp2k(f1=ScfNotConverged("no"), f2=Preempted("gone")), "a")
    # on another machine nothing but the store is left
    again = Cp2k()
    account = attempt(again, "b" if elsewhere else "a")
    assert sorted(again.begun) == [2, 3]
    assert account.dropped == whole.dropped == {"SCF not converged": 1}
    assert account.details == whole.details
    assert arrays(tmp_path / ("b" if elsewhere else "a")) == arrays(tmp_path / "whole")


def test_frames_come_from_series_and_what_fails_there_from_single_points(attempt, tmp_path):
    account = attempt(cp2k := Cp2k(reach=9, f1=ScfNotConverged("no")))
    assert cp2k.series == [(0, 4)]
    assert list(cp2k.begun) == [1]
    assert account.dropped == {"SCF not converged": 1}
    assert len(read_deepmd(tmp_path / "t" / "data")) == 3
    again = attempt(alone := Cp2k(f1=ScfNotConverged("no")), "alone")
    assert alone.series == [(0, 4)]  # it came to nothing: no other is tried
    assert list(alone.begun) == [0, 1, 2, 3]
    assert arrays(tmp_path / "t") == arrays(tmp_path / "alone")
    assert again.dropped == account.dropped


def test_a_series_that_ends_early_is_followed_by_another(attempt):
    attempt(cp2k := Cp2k(reach=2, f1=ScfNotConverged("no")))
    assert cp2k.series == [(0, 4), (2, 2)]
    assert list(cp2k.begun) == [1]


def test_a_series_leaves_out_what_is_done(attempt, tmp_path, monkeypatch):
    monkeypatch.setattr("nucleops.storage.retrying.time.sleep", lambda seconds: None)
    endings = {"f1": ScfNotConverged("no")}
    with pytest.raises(Preempted):
        attempt(Cp2k(reach=1, **endings, f2=Preempted("gone")))
    attempt(again := Cp2k(reach=9, **endings))
    assert again.series == [(2, 2)]
    assert not again.begun
    # a damaged one is computed again, alone
    (path,) = (tmp_path / "t" / "done").rglob("frame-0002")
    path.write_bytes(b"{}")
    attempt(once_more := Cp2k(reach=9, **endings))
    assert not once_more.series
    assert list(once_more.begun) == [2]


def test_with_pbe_there_are_no_series(attempt):
    attempt(cp2k := Cp2k(reach=9), level=PBE, reuse_wavefunction=False)
    assert not cp2k.series
    attempt(cp2k := Cp2k(reach=9), "b", reuse_wavefunction=True)
    assert not cp2k.series


def test_frames_of_another_level_are_not_taken_over(attempt):
    attempt(Cp2k())
    other = Cp2k()
    attempt(other, level={**XTB, "eps_scf": 1e-6})
    assert sorted(other.begun) == [0, 1, 2, 3]
    once_more = Cp2k()
    attempt(once_more, allowed_loss=0.9, timeout_s=5.0)  # these decide no label
    assert not once_more.begun


def test_what_the_machine_may_be_to_blame_for_is_tried_again(attempt, tmp_path):
    assert attempt(Cp2k(f3=TimeLimit("late"), f0=ScfNotConverged("no"))).n_labelled == 2
    again = Cp2k()
    assert attempt(again).n_labelled == 3
    assert list(again.begun) == [3]


@pytest.mark.parametrize("damage", [(b"0.0", b"0.1"), (b"}", b""), (b"sha256", b"sha1")])
def test_damaged_objects_are_computed_again(attempt, tmp_path, monkeypatch, damage):
    monkeypatch.setattr("nucleops.storage.retrying.time.sleep", lambda seconds: None)
    attempt(Cp2k())
    before = arrays(tmp_path / "t")
    (path,) = (tmp_path / "t" / "done").rglob("frame-0002")
    path.write_bytes(path.read_bytes().replace(*damage))
    again = Cp2k()
    attempt(again)
    assert list(again.begun) == [2]
    assert arrays(tmp_path / "t") == before


def test_a_store_that_is_away_holds_up_the_beginning_only(attempt, tmp_path, monkeypatch, caplog):
    def away(*_: object) -> None:
        raise StorageUnreachable("away")

    monkeypatch.setattr("nucleops.storage.retrying.time.sleep", lambda seconds: None)
    monkeypatch.setattr(FolderStore, "put_bytes", away)
    assert attempt(Cp2k()).n_labelled == 4
    assert "frame 3 is not kept: away" in caplog.text
    monkeypatch.setattr(FolderStore, "list", away)
    with pytest.raises(StorageUnreachable):
        attempt(Cp2k())


def test_each_frame_begins_from_the_nearest_before_it(attempt, tmp_path, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    with pytest.raises(Preempted):
        attempt(first := Cp2k(f3=Preempted("gone")), "a", level=PBE)
    assert first.begun == {0: None, 1: "frame-0000", 2: "frame-0000", 3: "frame-0001"}
    # elsewhere, the wavefunction comes from the store
    account = attempt(second := Cp2k(), "b", level=PBE)
    assert second.begun == {3: "frame-0001"}
    assert account.details[3]["begun_from_frame"] == 1
    assert account.details[3]["rmsd_A"] == pytest.approx(0.02 / np.sqrt(2), abs=1e-4)
    assert not list((tmp_path / "b").rglob(WAVEFUNCTION))
    attempt(plain := Cp2k(), "c", level=PBE, reuse_wavefunction=False)
    assert set(plain.begun.values()) == {None}


def test_a_dropped_frame_is_no_beginning(attempt):
    attempt(cp2k := Cp2k(f0=ScfNotConverged("no")), level=PBE)
    assert cp2k.begun == {0: None, 1: None, 2: "frame-0001", 3: "frame-0001"}


def test_kept_frames_are_forgotten_when_the_labels_have_arrived(attempt, tmp_path, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    attempt(Cp2k(), level=PBE)
    account = tmp_path / "t" / "data" / "labels.json"
    key = json.loads(account.read_text())["kept_as"]
    assert len(FolderStore(tmp_path / "store").list(key)) == 8
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "0").symlink_to(account.parent)  # as dflow hands it on
    forget_labels([tmp_path / "inputs"])
    assert not FolderStore(tmp_path / "store").list("labels")


def test_nearest_sees_what_cp2k_sees():
    cell = np.full(3, 20.0)
    here = system()
    across = here.with_positions(here.positions + np.array([19.9, 0, 0]))
    assert nearest(here, {1: system(0.5), 2: across}) == (2, pytest.approx(0.1))
    drop = system(periodic=False)
    far = drop.with_positions(drop.positions + 7.0)
    assert nearest(drop, {1: far}) == (1, pytest.approx(0.0))  # droplets are put into the middle
    others = {
        1: system(symbols=("O", "C")),
        2: system(periodic=False),
        3: system(cell=cell + 1),
    }
    assert nearest(here, others) is None


def test_labels_know_their_trajectory(attempt, tmp_path):
    attempt(Cp2k(f1=ScfNotConverged("no")))
    frames = read_deepmd(tmp_path / "t" / "data").provenance
    assert frames is not None
    assert [frame.level for frame in frames] == ["GFN1-xTB"] * 3
    assert {frame.program for frame in frames} == {"CP2K 2023.1"}
    (parent,) = {frame.parent for frame in frames}
    assert parent.startswith("run-0001-")
    assert {frame.round for frame in frames} == {""}


def test_origin_says_step_and_parent_where_the_file_does(tmp_path):
    path = tmp_path / "run-0001.extxyz"
    write_trajectory([system()], path)
    text = path.read_text().replace("pbc=", 'step=350 parent="dimer-300K-7" pbc=', 1)
    path.write_text(text)
    (task,) = prepare_tasks([path], ["C", "O"], 9, tmp_path / "tasks")
    (origin,) = json.loads((task / "task.json").read_text())["origins"]
    assert (origin["parent"], origin["step"]) == ("dimer-300K-7", 350)
