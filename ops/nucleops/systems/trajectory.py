"""Trajectories of any length and format, read in chunks of frames.

One reader for everything that is computed along a trajectory::

    for frames in Trajectory(Path("md.xtc"), topology, stride=10):
        frames.positions                       # (F, N, 3) angstrom, float64

Formats are told by a file's first bytes, not by its name: extended XYZ and CP2K's XYZ, LAMMPS
text dumps, either of them gzipped or not, XTC, TRR and DCD. Memory does not grow with the length
of the file. What a format says of its atoms (their number, elements, LAMMPS types) is held against
the topology in every frame that is read.
"""

from __future__ import annotations

import gzip
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleops.errors import WrongInput
from nucleops.systems.binary_frames import dcd_frames, xdr_frames
from nucleops.systems.lammps_dump import dump_frames
from nucleops.systems.lines import EndsEarly
from nucleops.systems.raw_frame import RawFrame, Selection
from nucleops.systems.system import FloatArray, System
from nucleops.systems.topology_check import check_frame
from nucleops.systems.xyz_frames import xyz_frames

IntArray = NDArray[np.int64]

ATOMS_AT_ONCE = 250_000
"""A chunk holds about so many atoms, all its frames together: 6 MB of coordinates."""
_FS_PER_PS = 1000.0

FORMATS: dict[str, tuple[str, Callable[[Path, Selection], Iterator[RawFrame]]]] = {
    "xyz": ("extended XYZ", xyz_frames),
    "dump": ("LAMMPS text dump", dump_frames),
    "xtc": ("XTC", partial(xdr_frames, "xtc")),
    "trr": ("TRR", partial(xdr_frames, "trr")),
    "dcd": ("DCD", dcd_frames),
}
"""What each format is called, and what reads it."""


@dataclass(frozen=True)
class Frames:
    """A chunk of frames.

    Attributes
    ----------
    numbers : ndarray of int
        Place of each frame in the file, from 0, shape (F,).
    positions : ndarray
        Angstrom, as written (wrapped or not), in the topology's order, shape (F, N, 3).
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
    positions: FloatArray
    cells: FloatArray
    steps: IntArray | None
    times_fs: FloatArray | None
    clock: str

    def until(self, last_step: int | None) -> Frames:
        """Return the frames of MD steps up to this one; all where it is None or none is counted."""
        if last_step is None or self.steps is None or self.steps[-1] <= last_step:
            return self
        return self[self.steps <= last_step]

    def __getitem__(self, chosen: NDArray[np.bool_] | slice) -> Frames:
        """Return some of the frames."""
        return Frames(
            numbers=self.numbers[chosen],
            positions=self.positions[chosen],
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


@dataclass(frozen=True)
class Trajectory:
    """A trajectory file; iterating yields :class:`Frames`, from the beginning each time.

    Parameters
    ----------
    path : Path
        The file.
    topology : System
        Atoms, their order, and whether the cell repeats.
    start, stop, stride : int, int or None, int
        Which frames, by their number from 0, as slices of sequences have it; ``stop`` is not
        among them.
    atoms_at_once : int
        Size of the chunks.

    Raises
    ------
    WrongInput
        On making it: the range is empty, or the file cannot be read or is of no known format.
        On iterating: a frame is malformed, does not fit the topology, has a triclinic cell, or no
        frame is in the range. The message names file and frame.

    Notes
    -----
    A last frame that is cut off is left out with a warning, since a run that goes on or was killed
    ends so.
    """

    path: Path
    topology: System
    start: int = 0
    stop: int | None = None
    stride: int = 1
    atoms_at_once: int = ATOMS_AT_ONCE

    def __post_init__(self) -> None:
        """Check the range and the format."""
        Selection(self.start, self.stop, self.stride)
        format_of(self.path)

    def __iter__(self) -> Iterator[Frames]:
        """Yield chunks of frames."""
        at_once = max(1, self.atoms_at_once // max(self.topology.n_atoms, 1))
        chunk: list[RawFrame] = []
        found = 0
        for frame in self._raw():
            chunk.append(frame)
            found += 1
            if len(chunk) == at_once:
                yield self._joined(chunk)
                chunk = []
        if chunk:
            yield self._joined(chunk)
        if not found:
            raise WrongInput(
                f"{self.path}: no whole frame from number {self.start} on"
                + ("" if self.stop is None else f" and before {self.stop}")
            )

    def _raw(self) -> Iterator[RawFrame]:
        read = FORMATS[format_of(self.path)][1]
        first: RawFrame | None = None
        try:
            for frame in read(self.path, Selection(self.start, self.stop, self.stride)):
                check_frame(self.path, frame, self.topology, first)
                if first is None and frame.cell is None and self.topology.periodic:
                    warnings.warn(
                        f"{self.path} has no cell; that of the topology is taken", stacklevel=3
                    )
                first = first or frame
                yield frame
        except EndsEarly as error:
            warnings.warn(f"{error.message}; left out", stacklevel=3)

    def _joined(self, chunk: list[RawFrame]) -> Frames:
        steps = [frame.step for frame in chunk if frame.step is not None]
        times = [frame.time_fs for frame in chunk if frame.time_fs is not None]
        cells = [self.topology.cell if frame.cell is None else frame.cell for frame in chunk]
        return Frames(
            numbers=np.array([frame.number for frame in chunk], dtype=np.int64),
            positions=np.array([frame.positions for frame in chunk]),
            cells=np.array(cells, dtype=np.float64),
            steps=np.array(steps, dtype=np.int64) if len(steps) == len(chunk) else None,
            times_fs=np.array(times) if len(times) == len(chunk) else None,
            clock=chunk[0].clock,
        )


def format_of(path: Path) -> str:
    """Tell a trajectory's format by its first bytes.

    Returns
    -------
    str
        A key of :data:`FORMATS`.

    Raises
    ------
    WrongInput
        The file cannot be read, or is of none of these formats.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
        if head[:2] == b"\x1f\x8b":
            with gzip.open(path) as unpacked:
                head = unpacked.read(64)
    except (EOFError, zlib.error):
        head = b""
    except OSError as error:
        raise WrongInput(f"{path}: cannot be read ({error.strerror or error})") from error
    if head[4:8] == b"CORD":
        return "dcd"
    number = struct.unpack(">i", head[:4])[0] if len(head) >= 4 else 0
    if number in (1993, 1995, 2023):
        return "trr" if number == 1993 else "xtc"
    if head.startswith(b"ITEM:"):
        return "dump"
    if head.split() and head.split()[0].isdigit():
        return "xyz"
    allowed = ", ".join(name for name, _ in FORMATS.values())
    begins = f"begins with {head[:12]!r}" if head else "is empty"
    raise WrongInput(f"{path}: {begins}, which is no trajectory; allowed: {allowed}")
