"""Where the frames of an XTC file are, part of the file by part."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleops.errors import WrongInput
from nucleops.systems.binary import PADDING, cut_off
from nucleops.systems.frames import IntArray
from nucleops.systems.lines import EndsEarly
from nucleops.systems.system import System
from nucleops.systems.topology_check import other_count

_BEGINNING = struct.Struct(">2i")
_SIZES = {1995: struct.Struct(">i"), 2023: struct.Struct(">q")}
"""How the number of compressed bytes is written, by the number that a frame begins with."""
HEAD = 4 * 14
"""Bytes of a frame before its coordinates, or before what tells how they are compressed."""
PACKING = 4 * 8
"""Bytes that tell it; the number of compressed bytes follows."""
FEWEST_PACKED = 10
"""Fewer atoms are written as plain numbers."""
_MOST_BYTES_PER_ATOM = 16
"""Three numbers of 32 bits, and what is told of a run."""
_LEAST_READ = 1 << 20
"""Bytes that are read at once, if there are so many."""


@dataclass(frozen=True)
class Window:
    """A part of a file that begins with a frame.

    Attributes
    ----------
    first : int
        Number of that frame.
    data : ndarray of uint8
        The bytes, and `PADDING` more.
    frames : ndarray of int
        Where each whole frame begins, and where its coordinates begin and end, shape (F, 3).
    problem : WrongInput or None
        Why no frame comes after these, if it is not that the file is at its end.
    missing : int
        Bytes that the next frame lacks, as far as that is known.
    """

    first: int
    data: NDArray[np.uint8]
    frames: IntArray
    problem: WrongInput | None
    missing: int


def windows(path: Path, topology: System, at_once: int) -> Iterator[Window]:
    """Yield a file part by part, of about so many frames each, up to its end or to a problem."""
    with path.open("rb", buffering=0) as file:
        left, first = os.fstat(file.fileno()).st_size, 0
        rest, to_read = np.empty(0, dtype=np.uint8), _LEAST_READ
        while left:
            more = min(left, to_read)
            left -= more
            data = np.empty(len(rest) + more + PADDING, dtype=np.uint8)
            data[: len(rest)] = rest
            there = file.readinto(data[len(rest) : -PADDING].data)
            if there < more:  # it has become shorter since it was opened
                data, left = data[: len(data) - more + there], 0
            data[-PADDING:] = 0
            window = _find(path, first, data, left, topology)
            yield window
            if window.problem is not None:
                return
            n_frames = len(window.frames)
            end = int(window.frames[-1, 2]) if n_frames else 0
            rest, first = data[end:-PADDING], first + n_frames
            to_read = max(window.missing, _LEAST_READ, at_once * end // max(n_frames, 1))


def _find(path: Path, first: int, data: NDArray[np.uint8], left: int, topology: System) -> Window:
    """Find the whole frames in some bytes, after which so many are left in the file."""
    size, begin, missing = len(data) - PADDING, 0, 0
    frames: list[tuple[int, int, int]] = []
    problem: WrongInput | None = None
    try:
        while begin < size:
            number = first + len(frames)
            coordinates, end = _span(path, number, data, begin, topology)
            if end > size:
                missing = end - size
                break
            frames.append((begin, coordinates, end))
            begin = end
    except WrongInput as error:
        problem = error
    # of a length that is nonsense no memory is taken
    if missing > left:
        problem = cut_off(path, number, size - begin + left)
    found = np.array(frames, dtype=np.int64).reshape(-1, 3)
    return Window(first, data, found, problem, missing)


def _span(
    path: Path, number: int, data: NDArray[np.uint8], begin: int, topology: System
) -> tuple[int, int]:
    """Tell where the coordinates of a frame begin and end, as far as its first bytes are there."""
    size, n_atoms = len(data) - PADDING, topology.n_atoms
    coordinates = begin + HEAD
    if coordinates > size:
        return coordinates, coordinates
    magic, n_found = _BEGINNING.unpack_from(data.data, begin)
    if magic not in _SIZES:
        found = bytes(data[begin : begin + 4])
        raise EndsEarly(
            f"{path}: frame {number} cannot be decoded (found {found!r} where it begins)"
        )
    if n_found != n_atoms:
        raise other_count(f"{path}, frame {number}", n_found, topology)
    if n_atoms < FEWEST_PACKED:
        return coordinates, coordinates + 12 * n_atoms
    coordinates += PACKING + _SIZES[magic].size
    if coordinates > size:
        return coordinates, coordinates
    (n_bytes,) = _SIZES[magic].unpack_from(data.data, coordinates - _SIZES[magic].size)
    if not 0 < n_bytes <= _MOST_BYTES_PER_ATOM * n_atoms:
        raise EndsEarly(f"{path}: frame {number} cannot be decoded (of {n_bytes} bytes)")
    return coordinates, coordinates + n_bytes + -n_bytes % 4
