"""Trajectories of any length and format, read in chunks of frames.

One reader for everything that is computed along a trajectory::

    for frames in Trajectory(Path("md.xtc"), topology, stride=10):
        frames.positions                       # (F, N, 3) angstrom, float64
        frames.of(atoms, np.float32)           # (F, k, 3), reading no others where it can

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
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nucleops.errors import WrongInput
from nucleops.systems.chunks import Reader, one_by_one
from nucleops.systems.dcd import dcd_frames
from nucleops.systems.frames import Frames
from nucleops.systems.lammps_dump import dump_frames
from nucleops.systems.lines import EndsEarly
from nucleops.systems.raw_frame import Selection
from nucleops.systems.system import System
from nucleops.systems.trr import trr_frames
from nucleops.systems.xtc.frames import xtc_frames
from nucleops.systems.xyz_frames import xyz_frames

ATOMS_AT_ONCE = 1_000_000
"""A chunk holds about so many atoms, all its frames together: 24 MB of coordinates."""

FORMATS: dict[str, tuple[str, Reader]] = {
    "xyz": ("extended XYZ", one_by_one(xyz_frames)),
    "dump": ("LAMMPS text dump", one_by_one(dump_frames)),
    "xtc": ("XTC", xtc_frames),
    "trr": ("TRR", one_by_one(trr_frames)),
    "dcd": ("DCD", dcd_frames),
}
"""What each format is called, and what reads it."""


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
        read = FORMATS[format_of(self.path)][1]
        selection = Selection(self.start, self.stop, self.stride)
        first = True
        try:
            for frames in read(self.path, selection, self.topology, at_once):
                yield self._with_cells(frames, first)
                first = False
        except EndsEarly as error:
            warnings.warn(f"{error.message}; left out", stacklevel=2)
        if first:
            raise WrongInput(
                f"{self.path}: no whole frame from number {self.start} on"
                + ("" if self.stop is None else f" and before {self.stop}")
            )

    def _with_cells(self, frames: Frames, first: bool) -> Frames:
        """Give the topology's cell to frames that have none."""
        without = np.isnan(frames.cells[:, 0])
        if not without.any():
            return frames
        if first and without[0] and self.topology.periodic:
            warnings.warn(f"{self.path} has no cell; that of the topology is taken", stacklevel=3)
        cells = np.where(without[:, None], self.topology.cell, frames.cells)
        return replace(frames, cells=cells)


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
