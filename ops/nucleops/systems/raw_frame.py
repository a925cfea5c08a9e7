"""Frames as formats give them one by one, and chunks of them held against a topology."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.errors import WrongInput
from nucleops.systems.frames import IntArray
from nucleops.systems.system import FloatArray


@dataclass(frozen=True)
class Selection:
    """Which frames of a file are asked for, as slices of sequences have it.

    Parameters
    ----------
    start, stop, stride : int, int or None, int
        The first frame, the one that is not read any more, and the distance between frames.

    Raises
    ------
    WrongInput
        The range is empty or backwards.
    """

    start: int = 0
    stop: int | None = None
    stride: int = 1

    def __post_init__(self) -> None:
        """Check the range."""
        for name, value, least in (("start", self.start, 0), ("stride", self.stride, 1)):
            if value < least:
                raise WrongInput(f"{name}: found {value}, allowed {least} or more")
        if self.stop is not None and self.stop <= self.start:
            raise WrongInput(f"stop: found {self.stop}, allowed more than start, {self.start}")

    def wants(self, number: int) -> bool:
        """Whether the frame of this number, from 0, is among them."""
        return number >= self.start and (number - self.start) % self.stride == 0

    def among(self, first: int, end: int) -> IntArray:
        """Return which of the frames from one up to another, without it, are among them."""
        stop = end if self.stop is None else min(self.stop, end)
        passed = max(0, -(-(first - self.start) // self.stride))
        return np.arange(self.start + passed * self.stride, stop, self.stride)

    def over(self, number: int) -> bool:
        """Whether neither this frame nor a later one is among them."""
        return self.stop is not None and number >= self.stop


@dataclass(frozen=True)
class RawFrame:
    """One frame of a trajectory file.

    Attributes
    ----------
    number : int
        Its place in the file, from 0.
    positions : ndarray
        Angstrom, shape (n_atoms, 3), in the order of the atoms' numbers where there are any.
    cell : ndarray or None
        Edge lengths in angstrom, shape (3,); None where the file has none.
    periodic : bool or None
        Whether the cell repeats; None where the file does not say.
    step : int or None
        MD step, where the file counts them.
    time_fs : float or None
        Time in femtoseconds, where the file has it in a unit that is known.
    clock : str
        What ``time_fs`` was read from, in a word.
    labels : sequence or None
        Element (str) or LAMMPS type (int) of each atom, where the file has them.
    """

    number: int
    positions: FloatArray
    cell: FloatArray | None = None
    periodic: bool | None = None
    step: int | None = None
    time_fs: float | None = None
    clock: str = ""
    labels: Sequence[str] | Sequence[int] | None = None
