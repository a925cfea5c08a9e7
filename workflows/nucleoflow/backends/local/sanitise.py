"""Bring the folder of an interrupted run into a state from which dflow continues correctly.

dflow decides by a step's folder: ``Succeeded`` is not run again; any other phase makes it run
the old script in the old folder, on top of what the last attempt left. So

- a leaf whose script succeeded but whose phase was not yet written is kept: the supervisor
  remembers and dflow only collects the outputs;
- a leaf that failed and that the workflow went on without stays failed, since later steps have
  already used what the others gave;
- any other unfinished leaf is moved away, and runs again from the start in a fresh folder;
- a step that holds others stays, with its inputs to be written again.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from nucleoflow.backends.local.steptree import (
    CHILDREN,
    StepNode,
    read_children,
    read_node,
    step_folders,
    tolerated,
)
from nucleoflow.backends.local.verdict import SUCCEEDED, Verdict
from nucleoflow.runs.folder import RunFolder

_NO_PROCESS = "0"


@dataclass(frozen=True)
class Sanitised:
    """What was found: keys of leaves that are finished, kept as failed, and run again."""

    finished: tuple[str, ...]
    failed: tuple[str, ...]
    again: tuple[str, ...]


def sanitise(run: RunFolder) -> Sanitised:
    """Prepare a run that is not running for being submitted again.

    Parameters
    ----------
    run : RunFolder
        The run; the caller holds its lock and none of its processes lives.

    Returns
    -------
    Sanitised
        What will happen to which step.
    """
    if not run.steps.is_dir():
        return Sanitised((), (), ())
    # dflow leaves a run alone whose recorded process number runs now, whoever that is
    (run.steps / "status").write_text("Failed", encoding="ascii")
    (run.steps / "pid").write_text(_NO_PROCESS, encoding="ascii")
    _remove_beginnings(run.steps)
    folders = step_folders(run.steps)
    for folder in (run.steps, *folders):
        _repair_children(folder)
    without = tolerated(run.steps, folders)
    finished, failed, again = [], [], []
    for node in map(read_node, folders):
        if not node.is_leaf:
            if node.phase != "Succeeded":
                _set_phase(node, "Pending")
        elif _is_finished(node):
            finished.append(node.key)
        elif node.key in without and (verdict := Verdict.read(node.folder)) is not None:
            replace(verdict, kept=True).write(node.folder)
            _set_phase(node, "Failed")
            failed.append(node.key)
        else:
            _move_away(run, node)
            again.append(node.key)
    _remove_dangling_links(run.steps)
    return Sanitised(tuple(finished), tuple(failed), tuple(again))


def _is_finished(node: StepNode) -> bool:
    if node.phase == "Succeeded":
        return True
    if Verdict.read(node.folder) == SUCCEEDED and (node.folder / "script").is_file():
        _set_phase(node, "Running")
        return True
    return False


def _set_phase(node: StepNode, phase: str) -> None:
    (node.folder / "phase").write_text(phase, encoding="ascii")


def _remove_beginnings(steps: Path) -> None:
    """Remove folders of steps that were interrupted before dflow wrote anything into them."""
    for folder in list(steps.iterdir()):
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.rmdir()


def _repair_children(folder: Path) -> None:
    path = folder / CHILDREN
    if path.is_file():
        text = json.dumps(read_children(folder))
        partial = folder / (CHILDREN + ".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)


def _move_away(run: RunFolder, node: StepNode) -> None:
    attempts = run.path / "attempts"
    attempts.mkdir(exist_ok=True)
    number = 1
    while (attempts / f"{node.key}-{number}").exists():
        number += 1
    node.folder.rename(attempts / f"{node.key}-{number}")


def _remove_dangling_links(steps: Path) -> None:
    """Remove links, in the collected outputs of fan-outs, to what was moved away."""
    for folder, folders, files in os.walk(steps):
        here = Path(folder)
        # a fan-out's outputs may be collected beside these in the folder of the step before it
        folders[:] = [name for name in folders if name not in ("inputs", "outputs", "workdir")]
        for name in (*folders, *files):
            path = here / name
            if path.is_symlink() and not path.exists():
                path.unlink()
