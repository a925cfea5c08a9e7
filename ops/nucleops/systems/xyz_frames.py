"""XYZ trajectories: extended XYZ of any writer, and the plain one of CP2K."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from nucleops.systems.extxyz import Frame, cell_of, read_frames
from nucleops.systems.lines import EndsEarly
from nucleops.systems.raw_frame import RawFrame, Selection

_CP2K = re.compile(r"^i =\s*(\d+), time =\s*([0-9.eE+-]+)")
"""How CP2K begins the comment of a frame; its time is in fs."""
_STEP_KEYS = ("timestep", "step")


def xyz_frames(path: Path, selection: Selection) -> Iterator[RawFrame]:
    """Yield the frames of an XYZ file that are asked for.

    ``Timestep`` or ``step`` of a comment line is taken as the MD step. ``time`` is not taken but
    from CP2K, for extended XYZ does not say its unit.

    Raises
    ------
    EndsEarly
        The file ends inside a frame, or its last line has no end; it comes after the whole frames.
    WrongInput
        Malformed, or the cell is triclinic; names the line.
    """
    for frame in read_frames(path, selection):
        if not frame.ended:
            raise EndsEarly(f"{path}: the last line of frame {frame.number} has no end")
        cell = cell_of(path, frame)
        step, time_fs = _when(frame)
        yield RawFrame(
            frame.number,
            frame.positions,
            cell=None if cell is None else cell[0],
            periodic=None if cell is None else cell[1],
            step=step,
            time_fs=time_fs,
            clock="" if time_fs is None else "cp2k-fs",
            labels=frame.columns["species"],
        )


def _when(frame: Frame) -> tuple[int | None, float | None]:
    cp2k = _CP2K.match(frame.comment)
    if cp2k:
        return int(cp2k[1]), float(cp2k[2])
    for key, value in frame.info.items():
        if key.lower() in _STEP_KEYS and value.isdigit():
            return int(value), None
    return None, None
