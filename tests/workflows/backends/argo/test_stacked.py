"""Members of a fan-out promote what they made by a single write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dflow.utils import assemble_path_object

from nucleoflow.backends.argo.stacked import publish, stacked_outputs
from nucleops.errors import StorageUnreachable, WrongInput
from nucleops.storage.folder import FolderStore

KEY = "run/group/log"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def member(folder: Path, order: int, content: str | None) -> Path:
    """Leave an output as dflow's scripts do; None for one that the operator did not make."""
    (folder / "log" / ".dflow").mkdir(parents=True)
    item: dict[str, Any] = {"dflow_list_item": None, "order": order}
    if content is not None:
        (folder / "log" / "task").mkdir()
        (folder / "log" / "task" / "out.log").write_text(content)
        item["dflow_list_item"] = "task/out.log"
    (folder / "log" / ".dflow" / content.__str__()).write_text(json.dumps({"path_list": [item]}))
    return folder


def consumed(store: FolderStore) -> list[str | None]:
    """Read the shared folder as dflow does in a consumer."""
    paths = assemble_path_object(str(store.root / KEY))
    return [path and Path(path).read_text() for path in paths]


def test_members_with_the_same_names_are_side_by_side(store: FolderStore, tmp_path: Path) -> None:
    for order in (2, 0, 1):
        publish({"log": KEY}, member(tmp_path / str(order), order, f"member {order}"), store)
    assert consumed(store) == ["member 0", "member 1", "member 2"]


def test_a_later_attempt_takes_the_place_of_an_earlier_one(
    store: FolderStore, tmp_path: Path
) -> None:
    for attempt in ("first", "second"):
        publish({"log": KEY}, member(tmp_path / attempt, 0, attempt), store)
    assert consumed(store) == ["second"]


def test_an_output_that_was_not_made_keeps_its_place(store: FolderStore, tmp_path: Path) -> None:
    publish({"log": KEY}, member(tmp_path / "0", 0, None), store)
    publish({"log": KEY}, member(tmp_path / "1", 1, "there"), store)
    assert consumed(store) == [None, "there"]


def test_an_artifact_that_does_not_exist_is_left_out(store: FolderStore, tmp_path: Path) -> None:
    publish({"log": KEY, "other": "run/group/other"}, member(tmp_path / "0", 0, "made"), store)
    assert store.list("run/group/other") == []


@pytest.mark.parametrize("fails_at", range(4))
def test_nothing_is_promoted_before_everything_is_there(
    fails_at: int, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = member(tmp_path / "0", 0, "whole")
    for name in ("a", "b", "c"):
        (outputs / "log" / "task" / name).write_text(name)
    original, calls = store.put_file, []

    def failing(path: Path, key: str) -> None:
        calls.append(key)
        if len(calls) == fails_at + 1:
            raise StorageUnreachable("gone")
        original(path, key)

    monkeypatch.setattr(store, "put_file", failing)
    with pytest.raises(StorageUnreachable):
        publish({"log": KEY}, outputs, store)
    assert not [key for key in store.list(KEY) if "/.dflow/" in key]


def test_the_variable_has_to_be_an_object() -> None:
    assert stacked_outputs({}) == {}
    with pytest.raises(WrongInput, match="NUCLEOFLOW_STACKED"):
        stacked_outputs({"NUCLEOFLOW_STACKED": "[1]"})
