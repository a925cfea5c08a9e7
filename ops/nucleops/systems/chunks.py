"""Chunks of frames out of formats that are read frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nucleops.systems.frames import Frames
from nucleops.systems.lines import EndsEarly
from nucleops.systems.raw_frame import RawFrame
from nucleops.systems.system import System
from nucleops.systems.topology_check import check_frame


def in_chunks(
    path: Path, frames: Iterator[RawFrame], topology: System, at_once: int
) -> Iterator[Frames]:
    """Hold frames against a topology, and yield them in chunks.

    Parameters
    ----------
    path : Path
        Where they come from.
    frames : iterator of RawFrame
        The frames.
    topology : System
        The atoms.
    at_once : int
        Frames of a chunk.

    Yields
    ------
    Frames
        Edges of cells are nan where a frame has none.

    Raises
    ------
    EndsEarly
        As the frames' iterator; after the frames before that.
    WrongInput
        A frame is not of the topology's atoms.
    """
    chunk: list[RawFrame] = []
    first: RawFrame | None = None
    try:
        for frame in frames:
            check_frame(path, frame, topology, first)
            first = first or frame
            chunk.append(frame)
            if len(chunk) == at_once:
                yield _joined(chunk)
                chunk = []
    except EndsEarly:
        if chunk:
            yield _joined(chunk)
        raise
    if chunk:
        yield _joined(chunk)


def _joined(chunk: list[RawFrame]) -> Frames:
    steps = [frame.step for frame in chunk if frame.step is not None]
    times = [frame.time_fs for frame in chunk if frame.time_fs is not None]
    cells = [np.full(3, np.nan) if frame.cell is None else frame.cell for frame in chunk]
    return Frames(
        numbers=np.array([frame.number for frame in chunk], dtype=np.int64),
        coordinates=np.array([frame.positions for frame in chunk]),
        cells=np.array(cells, dtype=np.float64),
        steps=np.array(steps, dtype=np.int64) if len(steps) == len(chunk) else None,
        times_fs=np.array(times) if len(times) == len(chunk) else None,
        clock=chunk[0].clock,
    )
