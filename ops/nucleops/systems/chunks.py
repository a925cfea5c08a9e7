"""What reads trajectories in chunks, also out of formats that are read frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from nucleops.systems.frames import Frames
from nucleops.systems.lines import EndsEarly
from nucleops.systems.raw_frame import RawFrame, Selection
from nucleops.systems.system import System
from nucleops.systems.topology_check import check_frame


class Reader(Protocol):
    """What reads the frames of a format."""

    def __call__(
        self, path: Path, selection: Selection, topology: System, at_once: int
    ) -> Iterator[Frames]:
        """Yield the frames that are asked for, in chunks.

        Parameters
        ----------
        path : Path
            The file; what is written to it from now on may not be read.
        selection : Selection
            Which frames.
        topology : System
            The atoms.
        at_once : int
            Most frames of a chunk.

        Yields
        ------
        Frames
            Edges of cells are nan where a frame has none.

        Raises
        ------
        EndsEarly
            The file ends inside a frame, or goes on with something else; it comes after the frames
            before that.
        WrongInput
            A frame is malformed, not of the topology's atoms, or has a triclinic cell.
        """


def one_by_one(read: Callable[[Path, Selection], Iterator[RawFrame]]) -> Reader:
    """Make a reader out of what yields frames one by one: they are held against the topology."""

    def chunks(
        path: Path, selection: Selection, topology: System, at_once: int
    ) -> Iterator[Frames]:
        chunk: list[RawFrame] = []
        first: RawFrame | None = None
        try:
            for frame in read(path, selection):
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

    return chunks


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
