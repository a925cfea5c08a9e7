"""Saving in the background: failures are tried again, and never passed on."""

from __future__ import annotations

import threading

import pytest

from nucleops.errors import StorageUnreachable
from nucleops.storage import background, retrying
from nucleops.storage.background import Background


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(background, "_LONGEST_PAUSE_AT_END_S", 0.001)


def test_what_fails_is_tried_again_until_it_is_saved(caplog: pytest.LogCaptureFixture) -> None:
    saved: list[int] = []
    failures = [3]

    def save(item: int) -> None:
        if failures[0]:
            failures[0] -= 1
            raise StorageUnreachable("connection refused")
        saved.append(item)

    saving = Background(save, "checkpoint")
    saving.offer(1)
    assert saving.finish(10.0)
    assert saved == [1]
    assert "checkpoint not saved, trying again (3): connection refused" in caplog.text
    assert "saved again after 3 failures" in caplog.text


def test_only_the_newest_counts_and_offering_never_waits() -> None:
    saved: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def save(item: int) -> None:
        begun.set()
        assert go_on.wait(10)
        saved.append(item)

    saving = Background(save, "checkpoint")
    saving.offer(0)
    assert begun.wait(10)
    for item in range(1, 6):
        saving.offer(item)
    go_on.set()
    assert saving.finish(10.0)
    assert saved == [0, 5]


def test_the_end_does_not_wait_for_a_store_that_hangs() -> None:
    hangs = threading.Event()
    saving = Background(lambda _: hangs.wait(30) and None, "checkpoint")
    saving.offer(1)
    assert not saving.finish(0.05)
    hangs.set()


def test_without_anything_to_save_there_is_nothing_to_wait_for() -> None:
    assert Background(lambda _: None, "checkpoint").finish(0.0)
