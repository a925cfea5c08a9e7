"""GROMACS' compressed trajectories, XTC: whole frames, or the positions of some atoms only.

The format is that of GROMACS' manual, with the magic number 1995, or 2023 for frames of more bytes
than 32 bits count. A frame is found without being decoded; its coordinates are decoded when they
are asked for, by threads. Times are in ps by definition.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.cores import in_threads, shares
from nucleops.errors import WrongInput
from nucleops.systems.binary import (
    A_PER_NM,
    FS_PER_PS,
    PADDING,
    cut_off,
    decimals,
    edges_of_boxes,
)
from nucleops.systems.frames import Frames, IntArray, Real
from nucleops.systems.lines import EndsEarly
from nucleops.systems.raw_frame import Selection
from nucleops.systems.system import System
from nucleops.systems.topology_check import other_count

_HEAD = struct.Struct(">3if9fi")
_PACKING = {1995: struct.Struct(">f8i"), 2023: struct.Struct(">f7iq")}
"""How the compression is described, by the number that a frame begins with."""
_FEWEST_PACKED = 10
"""Fewer atoms are written as plain numbers."""
_AT_ONCE = 1 << 22
"""Bytes that are read at once."""
_NOTHING = np.zeros(PADDING, dtype=np.uint8)


@dataclass(frozen=True)
class Packing:
    """How coordinates are compressed.

    Attributes
    ----------
    precision : float
        Integers in a nm.
    lowest, highest : tuple of int
        Least and largest integer of each axis.
    edge : int
        Place of the first cube's edge among those of the format.
    """

    precision: float
    lowest: tuple[int, int, int]
    highest: tuple[int, int, int]
    edge: int


@dataclass(frozen=True)
class _Frame:
    """A frame as it is in the file; without a packing, its coordinates are plain numbers."""

    number: int
    step: int
    time_ps: float
    box_nm: list[float]
    packing: Packing | None
    data: NDArray[np.uint8]


class _Packed:
    """Coordinates of some frames, decoded when they are asked for."""

    def __init__(self, path: Path, n_atoms: int, frames: list[_Frame]) -> None:
        self._path, self._n_atoms, self._frames = path, n_atoms, frames

    def __getitem__(self, chosen: NDArray[np.bool_] | slice) -> _Packed:
        places = np.arange(len(self._frames))[chosen]
        return _Packed(self._path, self._n_atoms, [self._frames[k] for k in places])

    def decode(self, atoms: IntArray | None, dtype: type[Real]) -> NDArray[Real]:
        """Return positions in angstrom, of all atoms for None, shape (F, k, 3).

        Raises
        ------
        WrongInput
            The coordinates of a frame cannot be decoded.
        """
        from nucleops.systems.xtc_codec import decode, rows_of

        rows = rows_of(self._n_atoms, atoms)
        out = np.empty((len(self._frames), rows.count, 3), dtype=dtype)

        def some(part: slice) -> None:
            for frame, own in zip(self._frames[part], out[part], strict=True):
                if frame.packing is None:
                    plain = frame.data[:-PADDING].view(">f4").reshape(-1, 3)
                    chosen = plain[slice(None) if atoms is None else atoms]
                    own[:] = A_PER_NM * chosen.astype(np.float64)
                elif not decode(frame.data, frame.packing, rows, own):
                    raise WrongInput(
                        f"{self._path}, frame {frame.number}: its coordinates cannot be decoded",
                        advice=f"the file is damaged there; the {frame.number} frames before it can"
                        " be read",
                    )

        in_threads(some, shares(len(self._frames)))
        return out


def xtc_frames(
    path: Path, selection: Selection, topology: System, at_once: int
) -> Iterator[Frames]:
    """Yield the frames of an XTC file that are asked for, in chunks.

    Parameters
    ----------
    path : Path
        The file; what is written to it from now on is not read.
    selection : Selection
        Which frames.
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
        The file ends inside a frame, or goes on with something else; it comes after the frames
        before that.
    WrongInput
        A frame is not of the topology's atoms, or has a triclinic cell.
    """
    chunk: list[_Frame] = []
    try:
        for frame in _frames(path, selection, topology):
            chunk.append(frame)
            if len(chunk) == at_once:
                yield _joined(path, chunk, topology)
                chunk = []
    except EndsEarly:
        if chunk:
            yield _joined(path, chunk, topology)
        raise
    if chunk:
        yield _joined(path, chunk, topology)


def _joined(path: Path, chunk: list[_Frame], topology: System) -> Frames:
    numbers = np.array([frame.number for frame in chunk])
    boxes_nm = np.array([frame.box_nm for frame in chunk]).reshape(-1, 3, 3)
    times_ps = decimals(np.array([frame.time_ps for frame in chunk]))
    return Frames(
        numbers=numbers,
        coordinates=_Packed(path, topology.n_atoms, chunk),
        cells=A_PER_NM * decimals(edges_of_boxes(path, numbers, boxes_nm)),
        steps=np.array([frame.step for frame in chunk]),
        times_fs=FS_PER_PS * times_ps,
        clock="xtc-ps",
    )


class _Window:
    """A file, a part of which is in memory: what comes next is cut out of that without a copy."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._unread = os.fstat(file.fileno()).st_size
        self._part = np.zeros(PADDING, dtype=np.uint8)
        self._at = 0

    @property
    def _here(self) -> int:
        return len(self._part) - PADDING - self._at

    @property
    def left(self) -> int:
        """Bytes from here to the end of the file, as it was when it was opened."""
        return self._here + self._unread

    def take(self, n_bytes: int) -> Any:
        """Return the next bytes, and `PADDING` more; `left` are there at most."""
        if self._here < n_bytes:
            rest = self._part[self._at : -PADDING]
            more = min(max(_AT_ONCE, n_bytes - len(rest)), self._unread)
            self._part = np.zeros(len(rest) + more + PADDING, dtype=np.uint8)
            self._part[: len(rest)] = rest
            self._file.readinto(self._part[len(rest) : -PADDING].data)
            self._unread -= more
            self._at = 0
        begin, self._at = self._at, self._at + n_bytes
        return self._part[begin : self._at + PADDING]

    def skip(self, n_bytes: int) -> None:
        """Pass over the next bytes; those that are not in memory are not read."""
        beyond = max(0, n_bytes - self._here)
        self._at += n_bytes - beyond
        self._file.seek(beyond, os.SEEK_CUR)
        self._unread -= beyond


def _frames(path: Path, selection: Selection, topology: System) -> Iterator[_Frame]:
    with path.open("rb", buffering=0) as file:
        window, number = _Window(file), 0
        while window.left and not selection.over(number):
            wanted = selection.wants(number)
            frame = _next(window, path, number, topology, skip=not wanted)
            if wanted:
                yield frame
            number += 1


def _next(window: _Window, path: Path, number: int, topology: System, *, skip: bool) -> _Frame:
    """Read the frame that begins here; of one that is passed over, all but its coordinates."""
    there = window.left
    if there < _HEAD.size:
        raise cut_off(path, number, there)
    head = window.take(_HEAD.size)
    magic, n_atoms, step, time_ps, *box, again = _HEAD.unpack_from(head)
    if magic not in _PACKING or n_atoms != again:
        raise EndsEarly(
            f"{path}: frame {number} cannot be decoded (found {bytes(head[:4])!r} where it begins)"
        )
    if n_atoms != topology.n_atoms:
        raise other_count(f"{path}, frame {number}", n_atoms, topology)
    packing, n_bytes = None, 4 * 3 * n_atoms
    if n_atoms >= _FEWEST_PACKED:
        layout = _PACKING[magic]
        if window.left < layout.size:
            raise cut_off(path, number, there)
        precision, *limits, edge, n_bytes = layout.unpack_from(window.take(layout.size))
        packing = Packing(precision, tuple(limits[:3]), tuple(limits[3:]), edge)
    filled = n_bytes + -n_bytes % 4
    # of a number that is nonsense no memory is taken
    if not 0 < filled <= window.left:
        raise cut_off(path, number, there)
    data = _NOTHING
    if skip:
        window.skip(filled)
    else:
        data = window.take(filled)
    return _Frame(number, step, time_ps, box, packing, data)
