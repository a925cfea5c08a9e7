"""DCD trajectories, as CHARMM, NAMD and LAMMPS write them.

What time means: a DCD has a step and a time step "in the program's own unit": 48.88821 fs for
CHARMM and NAMD; LAMMPS' own unit for LAMMPS, which is ps in ``units metal`` and fs in ``units
real``. LAMMPS does not write which, but a time step of 0.05 or more is fs (nobody takes 50 fs),
and a smaller one is ps.

The header is read by MDAnalysis' file class. Frames are all of one size, and those of a chunk are
read at once; where they are not (atoms that are fixed, a fourth dimension), the file class reads
them one by one.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.cores import in_threads, shares
from nucleops.errors import WrongInput
from nucleops.systems.binary import FS_PER_PS, cut_off, decimals, opened, triclinic, whole_or_nan
from nucleops.systems.chunks import in_chunks
from nucleops.systems.frames import Frames, IntArray, Real
from nucleops.systems.raw_frame import RawFrame, Selection
from nucleops.systems.system import FloatArray, System
from nucleops.systems.topology_check import other_count

AKMA_FS = 48.88821
"""CHARMM's unit of time in fs."""
_LARGEST_PS = 0.05
_WORD = 4
_HEADER = 84
"""Bytes of a file's first block."""
_FIXED, _FOURTH, _VERSION = 9, 12, 20
"""Places in it of the number of fixed atoms, of whether there is a fourth dimension (both of CHARMM
versions only), and of CHARMM's version."""
_IN_CACHE = 1 << 20
_CELL = slice(1, 13)
"""Words of a frame that hold the cell, as six double numbers, if there is one."""


@dataclass(frozen=True)
class _Layout:
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
        cell = 2 + _CELL.stop - _CELL.start if self.periodic else 0
        return cell + 1 + np.arange(3) * (2 + self.n_atoms)

    @cached_property
    def size(self) -> int:
        """Words of a frame."""
        return int(self.blocks[-1]) + self.n_atoms + 1


class _Blocks:
    """Coordinates of some frames, picked out of their blocks when they are asked for."""

    def __init__(self, path: Path, layout: _Layout, numbers: IntArray) -> None:
        self._path, self._layout, self._numbers = path, layout, numbers

    def __getitem__(self, chosen: NDArray[np.bool_] | slice) -> _Blocks:
        return _Blocks(self._path, self._layout, self._numbers[chosen])

    def decode(self, atoms: IntArray | None, dtype: type[Real]) -> NDArray[Real]:
        """Return positions in angstrom, of all atoms for None, shape (F, k, 3).

        Raises
        ------
        EndsEarly
            A frame is not there any more.
        """
        n_atoms = self._layout.n_atoms
        own = np.arange(n_atoms) if atoms is None else np.asarray(atoms)
        places: IntArray = own[:, None] + self._layout.blocks
        out = np.empty((len(self._numbers), *places.shape), dtype=dtype)

        def some(part: slice) -> None:
            # a few at a time: they are picked from while they are in the processor's cache
            n = max(1, _IN_CACHE // (_WORD * self._layout.size))
            words = np.empty((n, self._layout.size), dtype=self._layout.order + "f4")
            with self._path.open("rb", buffering=0) as file:
                for k in range(part.start, part.stop, n):
                    own = slice(k, min(k + n, part.stop))
                    read = words[: own.stop - own.start]
                    _fill(file, self._path, self._layout, self._numbers[own], read)
                    out[own] = read.take(places, axis=1)

        in_threads(some, shares(len(out)))
        return out


def dcd_frames(
    path: Path, selection: Selection, topology: System, at_once: int
) -> Iterator[Frames]:
    """Yield the frames of a DCD file that are asked for, in chunks.

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
        The file ends inside a frame; it comes after those before that.
    WrongInput
        The file is not of the topology's atoms, a cell is triclinic, or a frame does not begin
        where it should.
    """
    with opened(path, "dcd") as file:
        header, periodic = file.header, bool(file.is_periodic)
    if header["natoms"] != topology.n_atoms:
        raise other_count(f"{path}, frame 0", int(header["natoms"]), topology)
    layout = _layout_of(path, int(header["natoms"]), periodic)
    if layout is None:
        yield from in_chunks(path, _one_by_one(path, selection), topology, at_once)
        return
    stop = layout.n_frames if selection.stop is None else min(selection.stop, layout.n_frames)
    wanted = range(selection.start, stop, selection.stride)
    for k in range(0, len(wanted), at_once):
        yield _chunk(path, header, layout, np.array(wanted[k : k + at_once]))
    if layout.left and not selection.over(layout.n_frames):
        raise cut_off(path, layout.n_frames, layout.left)


def dcd_time_step(header: dict[str, Any]) -> tuple[float | None, str]:
    """Return the time step of a DCD in fs and what tells it; None where the header has none."""
    delta = float(decimals(np.array(header["delta"])))
    if delta <= 0:
        return None, ""
    if "LAMMPS" not in header["remarks"]:
        return delta * AKMA_FS, "dcd-AKMA"
    metal = delta < _LARGEST_PS
    return (FS_PER_PS * delta, "dcd-LAMMPS-ps") if metal else (delta, "dcd-LAMMPS-fs")


def _layout_of(path: Path, n_atoms: int, periodic: bool) -> _Layout | None:
    """Find where the frames are; None where they are not all of one size."""
    with path.open("rb") as file:
        order = "<" if file.read(_WORD) == struct.pack("<i", _HEADER) else ">"
        control = struct.unpack(f"{order}21i", file.read(_HEADER))
        first = 0
        for _ in range(3):
            file.seek(first)
            first += 2 * _WORD + struct.unpack(f"{order}i", file.read(_WORD))[0]
        size = os.fstat(file.fileno()).st_size
    if control[_FIXED] or (control[_VERSION] and control[_FOURTH]):
        return None
    layout = _Layout(order, first, n_atoms, periodic, 0, 0)
    n_frames, left = divmod(size - first, _WORD * layout.size)
    return replace(layout, n_frames=n_frames, left=left)


def _fill(
    file: io.FileIO, path: Path, layout: _Layout, numbers: IntArray, words: NDArray[np.float32]
) -> None:
    """Read the first words of frames, as many as there is room for: shape (F, words).

    Raises
    ------
    EndsEarly
        A frame that was there when the file was opened is there no more.
    """
    n_bytes = _WORD * layout.size
    rows = words.view(np.uint8)
    if rows.shape[1] == n_bytes and numbers[-1] - numbers[0] == len(numbers) - 1:
        rows = rows.reshape(1, -1)  # they follow one another
    for number, row in zip(numbers.tolist(), rows, strict=False):
        there = os.preadv(file.fileno(), [row.data], layout.first + number * n_bytes)
        if there < len(row):
            raise cut_off(path, number + there // n_bytes, there % n_bytes)


def _chunk(path: Path, header: dict[str, Any], layout: _Layout, numbers: IntArray) -> Frames:
    step_fs, clock = dcd_time_step(header)
    steps = header["istart"] + numbers * header["nsavc"] if header["nsavc"] else None
    return Frames(
        numbers=numbers,
        coordinates=_Blocks(path, layout, numbers),
        cells=_cells(path, layout, numbers),
        steps=steps,
        times_fs=None if steps is None or step_fs is None else steps * step_fs,
        clock=clock,
    )


def _cells(path: Path, layout: _Layout, numbers: IntArray) -> FloatArray:
    """Read the edges of cells, shape (F, 3), and make sure that a frame begins where it should."""
    words = np.empty((len(numbers), layout.blocks[0]), dtype=layout.order + "f4")
    with path.open("rb", buffering=0) as file:
        _fill(file, path, layout, numbers, words)
    lengths = words[:, -1:].view(layout.order + "i4")[:, 0]
    wrong = lengths != _WORD * layout.n_atoms
    if wrong.any():
        k = int(wrong.argmax())
        raise WrongInput(
            f"{path}, frame {numbers[k]}: found a block of {lengths[k]} bytes, allowed"
            f" {_WORD * layout.n_atoms}, four for each atom"
        )
    if not layout.periodic:
        return np.full((len(numbers), 3), np.nan)
    cells = np.ascontiguousarray(words[:, _CELL]).view(layout.order + "f8")
    return _edges(path, numbers, cells)


def _edges(path: Path, numbers: IntArray, unitcells: FloatArray) -> FloatArray:
    """Edges of A, gamma, B, beta, alpha, C, shape (F, 6); angles in degrees, or their cosines."""
    edges = whole_or_nan(unitcells[:, [0, 2, 5]])
    angles = unitcells[:, [1, 3, 4]]
    straight = (np.abs(angles) <= 1e-4).all(axis=1) | (np.abs(angles - 90.0) <= 1e-3).all(axis=1)
    skew = ~straight & np.isfinite(edges[:, 0])
    if skew.any():
        raise triclinic(path, int(numbers[skew.argmax()]))
    return edges


def _one_by_one(path: Path, selection: Selection) -> Iterator[RawFrame]:
    """Frames as MDAnalysis' file class reads them."""
    with opened(path, "dcd") as file:
        header = file.header
        step_fs, clock = dcd_time_step(header)
        for number in range(len(file)):
            if selection.over(number):
                return
            frame = file.read()
            if not selection.wants(number):
                continue
            step = header["istart"] + number * header["nsavc"] if header["nsavc"] else None
            cell = None
            if file.is_periodic:
                unitcell = np.array(frame.unitcell, dtype=np.float64)[None]
                cell = _edges(path, np.array([number]), unitcell)[0]
            yield RawFrame(
                number,
                np.array(frame.xyz, dtype=np.float64),
                cell=None if cell is None or np.isnan(cell).any() else cell,
                step=step,
                time_fs=None if step is None or step_fs is None else step * step_fs,
                clock=clock,
            )
