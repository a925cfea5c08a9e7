"""dflow's folder of a run as a tree of steps."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHILDREN = "children"
_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class StepNode:
    """One step that dflow has begun.

    Attributes
    ----------
    key : str
        Name of its folder.
    name : str
        Name in the template that holds it.
    type : str
        ``Pod`` for a leaf, ``Steps`` or ``DAG`` for one that holds others; empty if it was
        interrupted before it had a type.
    phase : str
        dflow's ``Pending``, ``Running``, ``Succeeded`` or ``Failed``; empty if torn.
    """

    folder: Path
    key: str
    name: str
    type: str
    phase: str

    @property
    def is_leaf(self) -> bool:
        """Whether it runs a script."""
        return self.type == "Pod"


def read_word(path: Path) -> str:
    """Return the content of one of dflow's small files; empty if there is none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def read_node(folder: Path) -> StepNode:
    """Read one step's folder."""
    return StepNode(
        folder=folder,
        key=folder.name,
        name=read_word(folder / "name"),
        type=read_word(folder / "type"),
        phase=read_word(folder / "phase"),
    )


def step_folders(steps: Path) -> list[Path]:
    """Return the folders of all steps; collected outputs of fan-outs are not steps."""
    if not steps.is_dir():
        return []
    with os.scandir(steps) as entries:
        folders = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return sorted(folder for folder in folders if (folder / "type").is_file())


def read_children(folder: Path) -> dict[str, str]:
    """Return the steps that a step holds: place in it -> key.

    Parameters
    ----------
    folder : Path
        Folder of a step, or of the run for its outermost steps.

    Notes
    -----
    A place is ``<position>-<number>[-<slice>]`` in steps and ``<task>[-<slice>]`` in a DAG. Of a
    file that was torn while written, the complete pairs are returned.
    """
    text = read_word(folder / CHILDREN)
    if not text:
        return {}
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        return dict(_PAIR.findall(text))
    return {str(place): str(key) for place, key in content.items()}


def parents(steps: Path, folders: list[Path]) -> dict[str, str]:
    """Return key -> key of the step that holds it; outermost steps are left out."""
    return {
        key: folder.name
        for folder in folders
        for key in read_children(folder).values()
        if key != folder.name
    }


def tolerated(steps: Path, folders: list[Path]) -> set[str]:
    """Return the keys of steps after which later steps of the same ``Steps`` were begun.

    Whatever among them has failed, the workflow went on without. The check that dflow appends to a
    fan-out with a success ratio does not count as later: if it fails, the failures were too many,
    and all of them are tried again.
    """
    found: set[str] = set()
    for folder in (steps, *folders):
        if read_node(folder).type == "DAG":
            continue
        children = read_children(folder)
        positions = [
            _position(place)
            for place, key in children.items()
            if not _is_check(read_node(steps / key))
        ]
        last = max(positions, default=0)
        for place, key in children.items():
            if _position(place) < last:
                found.update(_with_descendants(steps, key))
    return found


def _with_descendants(steps: Path, key: str) -> Iterator[str]:
    yield key
    for child in read_children(steps / key).values():
        yield from _with_descendants(steps, child)


def _position(place: str) -> int:
    return int(place.split("-")[0])


def _is_check(node: StepNode) -> bool:
    return node.name.endswith(("-check-success-ratio", "-check-num-success"))
