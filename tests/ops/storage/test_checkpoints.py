"""Checkpoints in a store that fails: a whole one is found, and nothing is twice or missing."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleops.errors import DamagedObject, StorageUnreachable
from nucleops.storage import retrying
from nucleops.storage.checkpoints import CheckpointStore, forget_below
from nucleops.storage.folder import FolderStore
from nucleops.storage.increments import Piece
from nucleops.storage.manifest import Manifest, differences, physics_digest

sys.path.insert(0, str(Path(__file__).parent))

from flaky_store import FlakyStore  # beside this file, which is not a package

PHYSICS = {"md.temperature_K": "300.0", "models": "a" * 64}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_PAUSE_S", 0.0)


class Run:
    """A made-up run: two outputs that grow by a line a step, and a state that is its step."""

    def __init__(self, store: CheckpointStore, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.spool = folder / "spool"
        self.spool.mkdir(parents=True)
        self.manifest: Manifest | None = None
        self.step = 0
        self.offsets = {"rows": 0, "frames": 0}

    def path(self, name: str) -> Path:
        return self.folder / name

    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            self.step += 1
            for name in self.offsets:
                with self.path(name).open("a") as file:
                    file.write(line(name, self.step))

    def save(self) -> None:
        state = self.path("state")
        state.write_text(str(self.step))
        pieces = [
            Piece(name, self.path(name), start, self.path(name).stat().st_size - start)
            for name, start in self.offsets.items()
            if self.path(name).is_file()
        ]
        packed = self.store.pack(self.step, {"state": state}, pieces, self.spool, self.manifest)
        self.manifest = self.store.save(packed, {"lammps": "1"})
        self.offsets |= {piece.name: piece.start + piece.size for piece in pieces}


def line(name: str, step: int) -> str:
    return f"{name} {step} {'x' * (step % 7)}\n"


def resumed(store: CheckpointStore, folder: Path) -> Run:
    run = Run(store, folder)
    there = folder / "restored"
    run.manifest = store.newest(there)
    if run.manifest is not None:
        run.step = int((there / "state").read_text())
        assert run.step == run.manifest.step
        for name in run.offsets:
            if (there / name).is_file():
                run.path(name).write_bytes((there / name).read_bytes())
                run.offsets[name] = run.path(name).stat().st_size
    return run


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    attempts=st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=6),
)
def test_a_run_is_whole_however_often_it_and_the_store_fail(
    seed: int, attempts: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("run")
    store = FlakyStore(FolderStore(root / "store"), seed, share=0.15)
    begun = {0}
    for number, steps in enumerate([*attempts, [3]]):
        checkpoints = CheckpointStore(store, "nucleate/000", PHYSICS, patience=40)
        run = resumed(checkpoints, root / str(number))
        assert run.step in begun
        for some in steps:
            run.go_on(some)
            begun.add(run.step)
            with contextlib.suppress(StorageUnreachable):
                run.save()
        for name in run.offsets:
            expected = "".join(line(name, step + 1) for step in range(run.step))
            assert (run.path(name).read_text() if run.step else "") == expected


def saved(tmp_path: Path, times: int = 3) -> tuple[FolderStore, CheckpointStore, Run]:
    inner = FolderStore(tmp_path / "store")
    checkpoints = CheckpointStore(inner, "nucleate/000", PHYSICS, patience=2)
    run = Run(checkpoints, tmp_path / "run")
    for _ in range(times):
        run.go_on(10)
        run.save()
    return inner, checkpoints, run


def test_two_are_kept_with_every_increment(tmp_path: Path) -> None:
    inner, checkpoints, run = saved(tmp_path, times=5)
    kinds = [key.rpartition("/")[2].split("-")[0] for key in inner.list("")]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "manifest": 2,
        "state": 2,
        "increment": 5,
    }
    assert not list(run.spool.iterdir())
    manifest = checkpoints.newest(tmp_path / "back")
    assert manifest is not None
    assert (manifest.step, manifest.versions) == (50, {"lammps": "1"})
    assert manifest.positions == {name: run.path(name).stat().st_size for name in run.offsets}


def test_the_cost_does_not_grow_with_the_run(tmp_path: Path) -> None:
    inner, *_ = saved(tmp_path, times=30)
    sizes = {
        key.rpartition("/")[2][:22]: (inner.root / key).stat().st_size for key in inner.list("")
    }
    increments = [size for key, size in sizes.items() if key.startswith("increment")]
    assert max(increments) == min(increments)
    manifests = [size for key, size in sizes.items() if key.startswith("manifest")]
    assert max(manifests) < 2000


@pytest.mark.parametrize("kind", ["manifest", "state"])
@pytest.mark.parametrize("how", ["cut", "altered", "gone"])
def test_a_torn_one_is_passed_over_with_a_warning(
    tmp_path: Path, kind: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    inner, checkpoints, _ = saved(tmp_path)
    key = max(key for key in inner.list("") if f"/{kind}-" in key)
    data = bytearray(inner.get_bytes(key))
    if how == "gone" and kind == "state":
        inner.delete(key)
    elif how == "altered":
        data[len(data) // 2] ^= 1
        inner.put_bytes(bytes(data), key)
    else:
        inner.put_bytes(bytes(data[: len(data) // 2]), key)
    with caplog.at_level(logging.WARNING):
        manifest = checkpoints.newest(tmp_path / "back")
    assert manifest is not None
    assert manifest.step == 20
    assert "is torn, passing it over" in caplog.text
    assert (tmp_path / "back" / "rows").read_text().splitlines()[-1].startswith("rows 20")


def test_without_an_increment_nothing_is_gone_on_from(tmp_path: Path) -> None:
    inner, checkpoints, _ = saved(tmp_path)
    first = min(key for key in inner.list("") if "/increment-" in key)
    inner.put_bytes(inner.get_bytes(first)[:-600], first)
    assert checkpoints.newest(tmp_path / "back") is None
    assert not list((tmp_path / "back").iterdir())


def test_an_increment_that_is_not_stored_whole_is_no_checkpoint(tmp_path: Path) -> None:
    inner, checkpoints, run = saved(tmp_path)

    class Truncating(FlakyStore):
        def put_file(self, path: Path, key: str) -> None:
            self.inner.put_bytes(path.read_bytes()[:-1], key)

    run.store = CheckpointStore(Truncating(inner, 0, share=0), "nucleate/000", PHYSICS)
    run.go_on(5)
    with pytest.raises(StorageUnreachable, match="not stored whole"):
        run.save()
    manifest = checkpoints.newest(tmp_path / "back")
    assert manifest is not None
    assert manifest.step == 30


def test_another_try_at_a_step_overwrites_nothing(tmp_path: Path) -> None:
    """What looked like a failure may have been stored, and the next try may be cut off."""
    inner, checkpoints, run = saved(tmp_path)

    class Truncating(FlakyStore):
        def put_file(self, path: Path, key: str) -> None:
            self.inner.put_bytes(path.read_bytes()[:-1], key)

    checkpoints.store = Truncating(inner, 0, share=0)
    with pytest.raises(StorageUnreachable):
        run.save()
    assert not list(run.spool.iterdir())
    manifest = CheckpointStore(inner, "nucleate/000", PHYSICS).newest(tmp_path / "back")
    assert manifest is not None
    assert manifest.step == 30


def test_a_store_that_is_away_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    inner, _, _ = saved(tmp_path)

    class Away(FlakyStore):
        def list(self, prefix: str) -> list[str]:
            raise StorageUnreachable("connection refused")

    checkpoints = CheckpointStore(Away(inner, 0), "nucleate/000", PHYSICS, patience=2)
    with pytest.raises(StorageUnreachable):
        checkpoints.newest(tmp_path / "back")


def test_other_physics_begins_anew_and_says_what_changed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inner, checkpoints, _ = saved(tmp_path)
    hotter = {**PHYSICS, "md.temperature_K": "310.0", "models": "b" * 64}
    other = CheckpointStore(inner, "nucleate/000", hotter)
    with caplog.at_level(logging.WARNING):
        assert other.newest(tmp_path / "back") is None
    assert "newest: step 30" in caplog.text
    assert "md.temperature_K was 300.0, is 310.0; models. They are kept" in caplog.text
    assert checkpoints.newest(tmp_path / "again") is not None


def test_forgetting_leaves_other_runs_alone(tmp_path: Path) -> None:
    inner, checkpoints, _ = saved(tmp_path)
    neighbour = CheckpointStore(inner, "nucleate/0001", PHYSICS)
    run = Run(neighbour, tmp_path / "neighbour")
    run.go_on(1)
    run.save()
    forget_below(inner, checkpoints.key)
    assert checkpoints.newest(tmp_path / "back") is None
    assert neighbour.newest(tmp_path / "other") is not None


def test_a_manifest_of_another_format_is_not_read() -> None:
    with pytest.raises(DamagedObject):
        Manifest.from_bytes(b'{"sha256": "", "manifest": "{}"}')


def test_physics_is_compared_part_by_part() -> None:
    assert physics_digest({"a": "1", "b": "2"}) == physics_digest({"b": "2", "a": "1"})
    assert differences({"a": "1"}, {"a": "1", "b": "2"}) == ["b was none, is 2"]
