"""What becomes of each kind of step folder when a run is continued."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nucleoflow.backends.local.sanitise import sanitise
from nucleoflow.backends.local.steptree import parents, read_children, step_folders
from nucleoflow.backends.local.verdict import SUCCEEDED, Verdict
from nucleoflow.runs.folder import RunFolder

FAILED = Verdict("fatal", "atoms lost", "", 2)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "study-1")
    folder.steps.mkdir(parents=True)
    (folder.steps / "type").write_text("Steps")
    return folder


def add(
    run: RunFolder, key: str, kind: str, phase: str | None, verdict: Verdict | None = None
) -> Path:
    folder = run.steps / key
    (folder / "workdir").mkdir(parents=True)
    for name, text in (("type", kind), ("name", key), ("phase", phase)):
        if text is not None:
            (folder / name).write_text(text)
    (folder / "script").write_text("")
    if verdict is not None:
        verdict.write(folder)
    return folder


def hold(folder: Path, **children: str) -> None:
    places = {place.replace("_", "-").lstrip("p"): key for place, key in children.items()}
    (folder / "children").write_text(json.dumps(places))


def test_nothing_to_do_for_a_new_run(tmp_path: Path) -> None:
    result = sanitise(RunFolder(tmp_path / "new"))
    assert (result.finished, result.failed, result.again) == ((), (), ())


def test_finished_leaves_stay_and_others_run_again(run: RunFolder) -> None:
    add(run, "done", "Pod", "Succeeded")
    add(run, "running", "Pod", "Running")
    add(run, "failed", "Pod", "Failed", FAILED)
    add(run, "torn", "Pod", "")
    add(run, "no-phase", "Pod", None)
    (run.steps / "just-made").mkdir()
    result = sanitise(run)
    assert result.finished == ("done",)
    assert set(result.again) == {"running", "failed", "torn", "no-phase"}
    assert [folder.name for folder in step_folders(run.steps)] == ["done"]
    assert not (run.steps / "just-made").exists()
    assert (run.path / "attempts" / "torn-1").is_dir()
    assert (run.steps / "pid").read_text() == "0"
    assert (run.steps / "status").read_text() == "Failed"


def test_attempts_are_all_kept(run: RunFolder) -> None:
    for _ in range(2):
        add(run, "a", "Pod", "Running")
        sanitise(run)
    assert {path.name for path in (run.path / "attempts").iterdir()} == {"a-1", "a-2"}


def test_script_that_succeeded_is_only_collected(run: RunFolder) -> None:
    folder = add(run, "a", "Pod", "", SUCCEEDED)
    assert sanitise(run).finished == ("a",)
    assert (folder / "phase").read_text() == "Running"


def test_failure_that_the_workflow_went_on_without_stays(run: RunFolder) -> None:
    add(run, "ok", "Pod", "Succeeded")
    kept = add(run, "bad", "Pod", "Failed", FAILED)
    add(run, "later", "Pod", "Running")
    hold(run.steps, p1_0_0="ok", p1_0_1="bad", p2_0="later")
    result = sanitise(run)
    assert result.failed == ("bad",)
    assert result.again == ("later",)
    assert Verdict.read(kept) == Verdict("fatal", "atoms lost", "", 2, kept=True)


def test_failures_of_a_stage_that_is_kept_as_failed_stay_with_it(run: RunFolder) -> None:
    group = add(run, "group", "Steps", "Failed")
    add(run, "inner", "Pod", "Failed", FAILED)
    add(run, "later", "Pod", "Running")
    hold(run.steps, p0_0="group", p1_0="later")
    hold(group, p0_0="inner")
    assert sanitise(run).failed == ("inner",)


def test_too_many_failures_are_all_tried_again(run: RunFolder) -> None:
    add(run, "bad", "Pod", "Failed", FAILED)
    add(run, "label-check-success-ratio", "Pod", "Failed", FAILED)
    hold(run.steps, p1_0_0="bad", p2_0="label-check-success-ratio")
    assert set(sanitise(run).again) == {"bad", "label-check-success-ratio"}


def test_holders_write_their_inputs_again(run: RunFolder) -> None:
    folder = add(run, "stage", "Steps", "")
    finished = add(run, "other", "Steps", "Succeeded")
    sanitise(run)
    assert (folder / "phase").read_text() == "Pending"
    assert (finished / "phase").read_text() == "Succeeded"


def test_torn_children_are_repaired(run: RunFolder) -> None:
    folder = add(run, "stage", "Steps", "Running")
    add(run, "a", "Pod", "Succeeded")
    (folder / "children").write_text('{"0-0": "a", "1-0": "b')
    sanitise(run)
    assert json.loads((folder / "children").read_text()) == {"0-0": "a"}
    assert parents(run.steps, step_folders(run.steps)) == {"a": "stage"}
    assert read_children(run.steps) == {}


def test_collected_outputs_of_moved_steps_are_unlinked(run: RunFolder) -> None:
    for key, phase in (("a", "Succeeded"), ("b", "Running")):
        folder = add(run, key, "Pod", phase)
        (folder / "workdir" / f"{key}.txt").write_text(key)
    collected = run.steps / "group" / "result"
    collected.mkdir(parents=True)
    for key in "ab":
        (collected / f"{key}.txt").symlink_to(run.steps / key / "workdir" / f"{key}.txt")
    sanitise(run)
    assert [path.name for path in collected.iterdir()] == ["a.txt"]
