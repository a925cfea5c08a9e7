"""Checkpoints of trainings: when they are saved, what is stored, who may go on from them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleops.engines.deepmd.keeper import TrainKeeper, decided_by
from nucleops.engines.deepmd.kept import SAVE_NOW, KeptCheckpoints, kept_checkpoints
from nucleops.engines.deepmd.trainers import at_step
from nucleops.engines.keeping import Keeping
from nucleops.storage.folder import FolderStore
from nucleops.storage.kept import STORE_VARIABLE, forget
from nucleops.train import CHECKPOINTS

SCRIPT = {"model": {"descriptor": {"rcut": 6.0}}, "training": {"numb_steps": 100, "seed": 3}}


def training(folder: Path, *steps: int) -> None:
    """What a training process leaves that has saved at some steps."""
    folder.mkdir(exist_ok=True)
    kept = KeptCheckpoints(folder, 0.0, 100)
    for step in steps:
        (folder / "lcurve.out").write_text("".join(f"{k} row\n" for k in range(step + 1)))
        for end in ("index", "meta"):
            (folder / f"model.ckpt-{step}.{end}").write_text(f"{end} of {step}")
        kept.keep(step, sorted(folder.glob(f"model.ckpt-{step}.*")))


def keeper(store: Path, **changes: str) -> TrainKeeper:
    decided = decided_by(SCRIPT, changes.pop("data", "d1"), changes.pop("model", "none")) | changes
    return TrainKeeper(Keeping(FolderStore(store), "train/task.0000", 1.0, 0.5), decided, {})


def test_checkpoints_are_due_by_the_clock_at_the_end_and_when_asked_for(tmp_path: Path) -> None:
    now = [0.0]
    kept = KeptCheckpoints(tmp_path, 60.0, 100, clock=lambda: now[0])
    assert not kept.due(10)
    assert kept.due(100)
    now[0] = 60.0
    assert kept.due(20)
    (tmp_path / "lcurve.out").write_text("row\n")
    kept.keep(20, [])
    assert not kept.due(30)
    (tmp_path / SAVE_NOW).touch()
    assert kept.due(30)
    kept.keep(30, [])
    assert not kept.due(40)  # the wish is fulfilled


def test_two_checkpoints_are_kept_and_half_a_one_is_not_seen(tmp_path: Path) -> None:
    training(tmp_path, 10, 20, 30)
    (tmp_path / "kept" / ".40").mkdir()
    assert [int(path.name) for path in kept_checkpoints(tmp_path)] == [20, 30]
    newest = kept_checkpoints(tmp_path)[-1]
    assert (newest / "model.ckpt-30.meta").read_text() == "meta of 30"
    assert len((newest / "lcurve.out").read_text().splitlines()) == 31


def test_a_training_is_gone_on_with_elsewhere(tmp_path: Path) -> None:
    first = keeper(tmp_path / "store")
    (tmp_path / "here").mkdir()
    assert first.restore(tmp_path / "here", tmp_path / "here" / "spool") == 0
    training(tmp_path / "here", 10, 20)
    first.look()
    first.close()
    there = tmp_path / "there"
    there.mkdir()
    second = keeper(tmp_path / "store")
    assert second.restore(there, there / "spool") == 20
    assert second.resumed == (20,)
    assert (there / "model.ckpt-20.index").read_text() == "index of 20"
    assert len((there / "lcurve.out").read_text().splitlines()) == 21
    training(there, 30)
    second.close()
    third = keeper(tmp_path / "store")
    (tmp_path / "again").mkdir()
    assert third.restore(tmp_path / "again", tmp_path / "again" / "spool") == 30
    assert third.resumed == (20, 30)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "d2"}, "what changed: data was d1, is d2"),
        ({"model": "m1"}, "what changed: initial model was none, is m1"),
        ({"training.numb_steps": "200"}, "training.numb_steps was 100, is 200"),
        ({"model.descriptor.rcut": "4.5"}, "model.descriptor.rcut was 6.0, is 4.5"),
    ],
)
def test_another_training_begins_anew_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: dict[str, str], said: str
) -> None:
    (tmp_path / "here").mkdir()
    first = keeper(tmp_path / "store")
    first.restore(tmp_path / "here", tmp_path / "here" / "spool")
    training(tmp_path / "here", 10)
    first.close()
    (tmp_path / "there").mkdir()
    with caplog.at_level(logging.WARNING):
        assert (
            keeper(tmp_path / "store", **change).restore(
                tmp_path / "there", tmp_path / "there" / "spool"
            )
            == 0
        )
    assert "are of other settings or data, and the run begins anew" in caplog.text
    assert said in caplog.text


def test_a_torn_checkpoint_is_passed_over_for_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "here").mkdir()
    for step in (10, 20):
        own = keeper(tmp_path / "store")
        own.restore(tmp_path / "here", tmp_path / "here" / "spool")
        training(tmp_path / "here", step)
        own.close()
    (state,) = (tmp_path / "store").rglob("state-000000000020-*.tar")
    state.write_bytes(state.read_bytes()[:-700])
    (tmp_path / "there").mkdir()
    assert keeper(tmp_path / "store").restore(tmp_path / "there", tmp_path / "spool") == 10
    assert "is torn, passing it over" in caplog.text


def test_the_training_is_asked_for_a_last_checkpoint(tmp_path: Path) -> None:
    own = keeper(tmp_path / "store")
    (tmp_path / "here").mkdir()
    own.restore(tmp_path / "here", tmp_path / "here" / "spool")
    training(tmp_path / "here", 10)
    assert own.linger()
    assert (tmp_path / "here" / SAVE_NOW).exists()
    training(tmp_path / "here", 20)
    assert not own.linger()
    own.close()
    (tmp_path / "there").mkdir()
    assert keeper(tmp_path / "store").restore(tmp_path / "there", tmp_path / "spool") == 20


class Frames:
    """One of DeePMD-kit's data systems, drawn from as it does."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.iterator = self.set_count = 0

    def get_batch(self) -> int:
        from deepmd.utils import random

        if not hasattr(self, "batch_set") or self.iterator == self.size:
            self.batch_set = getattr(self, "batch_set", np.arange(self.size))
            order = np.arange(self.size)
            random.shuffle(order)
            self.batch_set = self.batch_set[order]
            self.iterator = 0
        self.iterator += 1
        return int(self.batch_set[self.iterator - 1])


class Data:
    """Several of them, one chosen at random for each batch."""

    def __init__(self) -> None:
        self.data_systems = [Frames(5), Frames(7)]

    def get_batch(self) -> tuple[int, int]:
        from deepmd.utils import random

        k = int(random.choice(np.arange(2), p=[0.4, 0.6]))
        return k, self.data_systems[k].get_batch()


def drawn(train: Any, valid: Any, start: int, end: int, every: int) -> list[Any]:
    """Batches of steps ``start`` to ``end`` of a training, as DPTrainer.train draws them."""
    train.get_batch()
    batch = train.get_batch()
    seen = [("held out", [valid.get_batch() for _ in range(3)])]
    for step in range(start + 1, end + 1):
        seen.append((step, batch))
        batch = train.get_batch()
        if step % every == 0:
            seen.append(("held out", [valid.get_batch() for _ in range(3)]))
    return seen


def test_batches_after_a_restart_are_those_there_would_have_been() -> None:
    train, valid = Data(), Data()
    whole = drawn(at_step(0, train, valid, 4, 3, 9), valid, 0, 40, 4)
    for start in (4, 20, 36):
        train, valid = Data(), Data()
        for _ in range(start % 7):  # statistics that a first start takes and a later one does not
            train.get_batch()
        rest = drawn(at_step(start, train, valid, 4, 3, 9), valid, start, 40, 4)
        assert rest == whole[-len(rest) :]


def test_checkpoints_go_when_the_models_have_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    (tmp_path / "here").mkdir()
    own = keeper(tmp_path / "store")
    own.restore(tmp_path / "here", tmp_path / "here" / "spool")
    training(tmp_path / "here", 10)
    own.close()
    forget("nucleate")
    assert list((tmp_path / "store").rglob("manifest-*"))
    forget(CHECKPOINTS)
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
