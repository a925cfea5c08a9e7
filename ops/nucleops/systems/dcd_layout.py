"""Where the numbers of a DCD file are."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from nucleops.systems.frames import IntArray

WORD = 4
_HEADER = 84
"""Bytes of a file's first block."""
_FIXED, _FOURTH, _VERSION = 9, 12, 20
"""Places in it of the number of fixed atoms, of whether there is a fourth dimension (both of CHARMM
versions only), and of CHARMM's version."""
CELL = slice(1, 13)
"""Words of a frame that hold the cell, as six double numbers, if there is one."""


@dataclass(frozen=True)
class Layout:
    """Where the numbers of a DCD are, in words of four bytes.

    Each block of a frame, of the cell if there is one and of x, y and z, stands between two copies
    of its length in bytes.

    Attributes
    ----------
    order : str
        Order of bytes, ``<`` or ``>``.
    first : int
        Bytes before the first frame.
    n_atoms : int
        Number of atoms.
    periodic : bool
        Whether frames have a cell.
    n_frames, left : int
        Whole frames, and bytes behind the last.
    """

    order: str
    first: int
    n_atoms: int
    periodic: bool
    n_frames: int
    left: int

    @cached_property
    def blocks(self) -> IntArray:
        """First word of x, y and z in a frame."""
        cell = 2 + CELL.stop - CELL.start if self.periodic else 0
        return cell + 1 + np.arange(3) * (2 + self.n_atoms)

    @cached_property
    def size(self) -> int:
        """Words of a frame."""
        return int(self.blocks[-1]) + self.n_atoms + 1


def layout_of(path: Path, n_atoms: int, periodic: bool) -> Layout | None:
    """Find where the frames are; None where they are not all of one size."""
    with path.open("rb") as file:
        order = "<" if file.read(WORD) == struct.pack("<i", _HEADER) else ">"
        control = struct.unpack(f"{order}21i", file.read(_HEADER))
        first = 0
        for _ in range(3):
            file.seek(first)
            first += 2 * WORD + struct.unpack(f"{order}i", file.read(WORD))[0]
        size = os.fstat(file.fileno()).st_size
    if control[_FIXED] or (control[_VERSION] and control[_FOURTH]):
        return None
    layout = Layout(order, first, n_atoms, periodic, 0, 0)
    n_frames, left = divmod(size - first, WORD * layout.size)
    return replace(layout, n_frames=n_frames, left=left)
