"""A chunk of frames of a trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from nucleops.systems.system import FloatArray

IntArray = NDArray[np.int64]
Real = TypeVar("Real", np.float32, np.float64)
_FS_PER_PS = 1000.0


class Coded(Protocol):
    """Coordinates of some frames that are read when they are asked for, and only those."""

    def decode(self, atoms: IntArray | None, dtype: type[Real]) -> NDArray[Real]:
        """Return positions in angstrom, of all atoms for None; see :func:`empty_positions`."""

    def __getitem__(self, chosen: NDArray[np.bool_] | slice) -> Coded:
        """Return those of some of the frames."""


def empty_positions(
    n_frames: int, n_atoms: int, atoms: IntArray | None, dtype: type[Real]
) -> NDArray[Real]:
    """Return an array for positions, shape (F, k, 3): of all atoms for None, point after point.

    Those of some atoms are for loops over pairs: the x of all are side by side, then y, then z.
    """
    if atoms is None:
        return np.empty((n_frames, n_atoms, 3), dtype=dtype)
    return np.empty((n_frames, 3, len(atoms)), dtype=dtype).transpose(0, 2, 1)


@dataclass(frozen=True)
class Frames:
    """A chunk of frames.

    Attributes
    ----------
    numbers : ndarray of int
        Place of each frame in the file, from 0, shape (F,).
    coordinates : ndarray or Coded
        Positions, or what they are decoded from; see :attr:`positions` and :meth:`of`.
    cells : ndarray
        Edge lengths in angstrom, shape (F, 3); the topology's where the file has none.
    steps : ndarray of int or None
        MD step of each frame, shape (F,), where the file counts them.
    times_fs : ndarray or None
        Shape (F,), where the file has times in a unit that is known.
    clock : str
        Where ``times_fs`` come from, in a word such as ``xtc-ps``.
    """

    numbers: IntArray
    coordinates: FloatArray | Coded
    cells: FloatArray
    steps: IntArray | None
    times_fs: FloatArray | None
    clock: str

    @cached_property
    def positions(self) -> FloatArray:
        """Angstrom, as written (wrapped or not), in the topology's order, shape (F, N, 3)."""
        if isinstance(self.coordinates, np.ndarray):
            return self.coordinates
        return self.coordinates.decode(None, np.float64)

    def of(self, atoms: IntArray, dtype: type[Real]) -> NDArray[Real]:
        """Return positions of some atoms; no others are decoded where the format allows that.

        Parameters
        ----------
        atoms : ndarray of int
            Their indices, in any order, none twice.
        dtype : type
            ``numpy.float32``, which is what binary formats hold, or ``numpy.float64``.

        Returns
        -------
        ndarray
            Angstrom, shape (F, len(atoms), 3), perhaps laid out as :func:`empty_positions` says.
        """
        if isinstance(self.coordinates, np.ndarray):
            return self.coordinates.take(atoms, axis=1).astype(dtype, copy=False)
        return self.coordinates.decode(atoms, dtype)

    def until(self, last_step: int | None) -> Frames:
        """Return the frames of MD steps up to this one; all where it is None or none is counted."""
        if last_step is None or self.steps is None or self.steps[-1] <= last_step:
            return self
        return self[self.steps <= last_step]

    def __getitem__(self, chosen: NDArray[np.bool_] | slice) -> Frames:
        """Return some of the frames."""
        return Frames(
            numbers=self.numbers[chosen],
            coordinates=self.coordinates[chosen],
            cells=self.cells[chosen],
            steps=None if self.steps is None else self.steps[chosen],
            times_fs=None if self.times_fs is None else self.times_fs[chosen],
            clock=self.clock,
        )

    def times_ps(self, frame_ps: float | None = None, step_fs: float | None = None) -> FloatArray:
        """Time of each frame in ps, shape (F,).

        Parameters
        ----------
        frame_ps : float or None
            Time between frames of the file in ps, whatever the file says.
        step_fs : float or None
            Time step in fs, for files that count steps and have no times (LAMMPS dumps). Where
            nothing tells the time, frames count as 1 ps.
        """
        if frame_ps is None and self.times_fs is not None:
            return np.asarray(self.times_fs / _FS_PER_PS, dtype=np.float64)
        if frame_ps is None and step_fs is not None and self.steps is not None:
            return np.asarray(self.steps * (step_fs / _FS_PER_PS), dtype=np.float64)
        apart = 1.0 if frame_ps is None else frame_ps
        return np.asarray(self.numbers * apart, dtype=np.float64)
