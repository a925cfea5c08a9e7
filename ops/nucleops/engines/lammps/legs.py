"""A run that was interrupted and goes on from its checkpoint: its legs, and how they become one.

LAMMPS writes its own state, and that of thermostat and Colvars, to ``checkpoint.<step>``. A run
that finds one goes on in a new leg from there::

    <folder>/leg-000/   what the first leg left, when it was interrupted at some step after 2000
    <folder>/leg-001/   the next, from checkpoint 2000, interrupted after 5000
    <folder>/           the last, from checkpoint 5000

A leg may have written past the checkpoint that the next one starts from, and every program writes
the step that it starts at once more. So leg k counts for the steps *after* its own start up to and
including the start of the next leg; the first counts from its first row. Joined like that, no row,
hill or frame is there twice and none is missing, whenever the run was stopped.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from nucleops.engines.lammps.inputs import CHECKPOINT
from nucleops.engines.lammps.positions import Output, Positions
from nucleops.errors import WrongInput

LEG_FILE = "leg.json"
KEPT = 2
"""Checkpoints kept: the newest, and the one before it in case the newest is torn."""

_COMPLETE = b"LammpS RestartT\0"
_CHECKPOINT = re.compile(rf"{CHECKPOINT}\.(\d+)")
_LEG = re.compile(r"leg-(\d+)")


@dataclass(frozen=True)
class Leg:
    """Where a leg begins.

    Attributes
    ----------
    start_step : int
        Its first MD step; 0 for a run from the beginning.
    checkpoint : Path or None
        What LAMMPS reads; None for a run from the beginning.
    """

    start_step: int = 0
    checkpoint: Path | None = None


BEGINNING = Leg()


@dataclass(frozen=True)
class Span:
    """Which steps of a folder count: ``after < step <= upto``."""

    folder: Path
    after: float
    upto: float


def checkpoints(folder: Path) -> list[Path]:
    """Return the complete checkpoints in a folder, oldest first; a torn one ends otherwise."""
    found = [path for path in folder.glob(f"{CHECKPOINT}.*") if _CHECKPOINT.fullmatch(path.name)]
    return sorted((path for path in found if _is_complete(path)), key=step_of)


def all_checkpoints(folder: Path) -> list[Path]:
    """Return the complete checkpoints of a run, those in its earlier legs too, oldest first."""
    return sorted(
        (path for leg in [*_legs(folder), folder] for path in checkpoints(leg)), key=step_of
    )


def step_of(checkpoint: Path) -> int:
    """MD step of a checkpoint, from its name."""
    return int(checkpoint.name.rpartition(".")[2])


def _is_complete(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - len(_COMPLETE)))
        return file.read() == _COMPLETE and size > 2 * len(_COMPLETE)


def prune(folder: Path) -> None:
    """Delete all checkpoints but the newest complete ones (and what is newer, still in writing)."""
    for path in checkpoints(folder)[:-KEPT]:
        path.unlink(missing_ok=True)


def next_leg(folder: Path, physics: str, outputs: Sequence[Output] = ()) -> Leg:
    """Prepare a folder for the next leg of its run.

    Parameters
    ----------
    folder : Path
        New, empty, or left by an interrupted run of the same physics; what that run left is moved
        to a folder of its own inside.
    physics : str
        Digest of all that decides the dynamics; a checkpoint of another is not continued.
    outputs : sequence of Output
        What the run writes. A checkpoint that they have not reached is passed over: LAMMPS can be
        killed between a checkpoint and the row of the same step, which nobody would write again.

    Returns
    -------
    Leg
        From the newest complete checkpoint; from the beginning where there is none.

    Raises
    ------
    WrongInput
        If the folder holds something else than a run, or a run of other physics.
    """
    folder.mkdir(parents=True, exist_ok=True)
    here = [path for path in folder.iterdir() if not _LEG.fullmatch(path.name)]
    if here:
        _check_same(folder, physics)
        _move(here, folder)
    found = sorted((c for left in _legs(folder) for c in _reached(left, outputs)), key=step_of)
    if not found:
        for left in _legs(folder):
            shutil.rmtree(left)
    leg = Leg(step_of(found[-1]), found[-1]) if found else BEGINNING
    record = {"start_step": leg.start_step, "physics": physics}
    (folder / LEG_FILE).write_text(json.dumps(record) + "\n", encoding="utf-8")
    return leg


def _reached(leg: Path, outputs: Sequence[Output]) -> list[Path]:
    found = checkpoints(leg)
    if not found:
        return []
    positions = Positions(leg, outputs, _start(leg) or None)
    return [path for path in found if positions.pieces(step_of(path)) is not None]


def _check_same(folder: Path, physics: str) -> None:
    try:
        record = json.loads((folder / LEG_FILE).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        raise WrongInput(
            f"the folder {folder} is not empty and holds no run that could go on",
            advice="a run needs a folder of its own",
        ) from None
    if record.get("physics") != physics:
        raise WrongInput(
            f"{folder} holds an interrupted run with other settings, system, bias or models, "
            "which cannot go on with these",
            advice="remove that folder to start afresh, or run with the settings it began with",
        )


def _move(paths: Sequence[Path], folder: Path) -> None:
    # the record goes last, so that a move which is interrupted itself is taken up again
    legs = _legs(folder)
    begun = bool(legs) and not (legs[-1] / LEG_FILE).is_file()
    target = legs[-1] if begun else folder / f"leg-{len(legs):03d}"
    target.mkdir(exist_ok=True)
    for path in sorted(paths, key=lambda path: path.name == LEG_FILE):
        path.rename(target / path.name)


def _legs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _LEG.fullmatch(path.name))


def spans(folder: Path) -> list[Span]:
    """Return which steps of each leg count, the last leg (the folder itself) included."""
    folders = [*_legs(folder), folder]
    starts = [_start(leg) for leg in folders]
    ends = [*starts[1:], inf]
    # a leg that ended before its first checkpoint is followed by one from the same step: it spans
    # nothing; nor does anything past a step that a later leg starts from
    ends = [min(ends[k:]) for k in range(len(ends))]
    return [
        Span(leg, -inf if start == 0 else start, end)
        for leg, start, end in zip(folders, starts, ends, strict=True)
        if end > start
    ]


def _start(folder: Path) -> int:
    return int(json.loads((folder / LEG_FILE).read_text(encoding="utf-8"))["start_step"])


def forget(folder: Path) -> None:
    """Remove what only an interrupted run needs, once its legs are joined."""
    for leg in _legs(folder):
        shutil.rmtree(leg)
    for leftover in [*folder.glob(f"{CHECKPOINT}.*"), folder / LEG_FILE]:
        leftover.unlink(missing_ok=True)
