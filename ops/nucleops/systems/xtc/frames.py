"""GROMACS' compressed trajectories, XTC: whole frames, or the positions of some atoms only.

The format is that of GROMACS' manual, with the magic number 1995, or 2023 for frames of more bytes
than 32 bits count. A frame is found without being decoded; its coordinates are decoded when they
are asked for, by threads. Times are in ps by definition.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleops.cores import in_threads, shares
from nucleops.errors import WrongInput
from nucleops.systems.binary import (
    A_PER_NM,
    FS_PER_PS,
    decimals,
    edges_of_boxes,
)
from nucleops.systems.frames import Frames, IntArray, Real, empty_positions
from nucleops.systems.raw_frame import Selection
from nucleops.systems.system import FloatArray, System
from nucleops.systems.xtc.windows import FEWEST_PACKED, HEAD, PACKING, windows

_STEP, _TIME, _BOX, _PRECISION, _LIMITS = 2, 3, slice(4, 13), 14, slice(15, 22)
"""Places of the numbers, in words of four bytes."""


class _Packed:
    """Coordinates of some frames, decoded when they are asked for.

    Parameters
    ----------
    path : Path
        The file, for messages.
    n_atoms : int
        Number of atoms.
    numbers : ndarray of int
        Numbers of the frames, shape (F,).
    data : ndarray of uint8
        Bytes that hold all the frames, and `PADDING` more.
    spans : ndarray of int
        Where the coordinates of each begin and end, shape (F, 2).
    heads : ndarray of uint8
        What is before them, shape (F, bytes).
    """

    def __init__(
        self,
        path: Path,
        n_atoms: int,
        numbers: IntArray,
        data: NDArray[np.uint8],
        spans: IntArray,
        heads: NDArray[np.uint8],
    ) -> None:
        self._path, self._n_atoms, self._numbers = path, n_atoms, numbers
        self._data, self._spans, self._heads = data, spans, heads

    def __getitem__(self, chosen: NDArray[np.bool_] | slice) -> _Packed:
        return _Packed(
            self._path,
            self._n_atoms,
            self._numbers[chosen],
            self._data,
            self._spans[chosen],
            self._heads[chosen],
        )

    def decode(self, atoms: IntArray | None, dtype: type[Real]) -> NDArray[Real]:
        """Return positions in angstrom, of all atoms for None, shape (F, k, 3).

        Raises
        ------
        WrongInput
            The coordinates of a frame cannot be decoded.
        """
        if self._n_atoms < FEWEST_PACKED:
            return self._plain(atoms).astype(dtype)
        from nucleops.systems.xtc.decoder import decode, rows_of

        rows = rows_of(self._n_atoms, atoms)
        out = empty_positions(len(self._numbers), self._n_atoms, atoms, dtype)
        limits = self._heads.view(">i4")[:, _LIMITS].astype(np.int64)
        precisions = self._heads.view(">f4")[:, _PRECISION].astype(np.float32)

        def some(part: slice) -> None:
            failed = decode(
                self._data, self._spans[part], limits[part], precisions[part], rows, out[part]
            )
            if failed is not None:
                number = self._numbers[part][failed]
                raise WrongInput(
                    f"{self._path}, frame {number}: its coordinates cannot be decoded",
                    advice=f"the file is damaged there; the {number} frames before it can be read",
                )

        in_threads(some, shares(len(out)))
        return out

    def _plain(self, atoms: IntArray | None) -> FloatArray:
        chosen = slice(None) if atoms is None else atoms
        frames = [self._data[a:b].view(">f4").reshape(-1, 3)[chosen] for a, b in self._spans]
        return A_PER_NM * np.array(frames, dtype=np.float64)


def xtc_frames(
    path: Path, selection: Selection, topology: System, at_once: int
) -> Iterator[Frames]:
    """Read an XTC file, as :class:`nucleops.systems.chunks.Reader` says."""
    for window in windows(path, topology, at_once):
        end = window.first + len(window.frames)
        numbers = selection.among(window.first, end)
        for k in range(0, len(numbers), at_once):
            own = numbers[k : k + at_once]
            frames = window.frames[own - window.first]
            yield _chunk(path, topology.n_atoms, own, window.data, frames)
        if selection.over(end):
            return
        if window.problem is not None:
            raise window.problem


def _chunk(
    path: Path, n_atoms: int, numbers: IntArray, data: NDArray[np.uint8], frames: IntArray
) -> Frames:
    before = HEAD + (PACKING if n_atoms >= FEWEST_PACKED else 0)
    heads = data[frames[:, :1] + np.arange(before)]
    words, floats = heads.view(">i4"), heads.view(">f4")
    boxes_nm = floats[:, _BOX].astype(np.float64).reshape(-1, 3, 3)
    return Frames(
        numbers=numbers,
        coordinates=_Packed(path, n_atoms, numbers, data, frames[:, 1:], heads),
        cells=A_PER_NM * decimals(edges_of_boxes(path, numbers, boxes_nm)),
        steps=words[:, _STEP].astype(np.int64),
        times_fs=FS_PER_PS * decimals(floats[:, _TIME]),
        clock="xtc-ps",
    )
