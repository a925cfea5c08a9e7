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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.cores import in_threads, shares
from nucleops.errors import WrongInput
from nucleops.systems.binary import FS_PER_PS, cut_off, decimals, opened, triclinic, whole_or_nan
from nucleops.systems.chunks import one_by_one
from nucleops.systems.dcd_layout import CELL, WORD, Layout, layout_of
from nucleops.systems.frames import Frames, IntArray, Real, empty_positions
from nucleops.systems.raw_frame import RawFrame, Selection
from nucleops.systems.system import FloatArray, System
from nucleops.systems.topology_check import other_count

AKMA_FS = 48.88821
"""CHARMM's unit of time in fs."""
_LARGEST_PS = 0.05
_IN_CACHE = 1 << 20


class _Blocks:
    """Coordinates of some frames, picked out of their blocks when they are asked for."""

    def __init__(self, path: Path, layout: Layout, numbers: IntArray) -> None:
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
        out = empty_positions(len(self._numbers), n_atoms, atoms, dtype)
        by_axis = out.transpose(0, 2, 1)
        places: IntArray = self._layout.blocks[:, None] + own

        def some(part: slice) -> None:
            # a few at a time: they are picked from while they are in the processor's cache
            n = max(1, _IN_CACHE // (WORD * self._layout.size))
            words = np.empty((n, self._layout.size), dtype=self._layout.order + "f4")
            with self._path.open("rb", buffering=0) as file:
                for k in range(part.start, part.stop, n):
                    few = slice(k, min(k + n, part.stop))
                    read = words[: few.stop - few.start]
                    _fill(file, self._path, self._layout, self._numbers[few], read)
                    by_axis[few] = read.take(places, axis=1)

        in_threads(some, shares(len(out)))
        return out


def dcd_frames(
    path: Path, selection: Selection, topology: System, at_once: int
) -> Iterator[Frames]:
    """Read a DCD file, as :class:`nucleops.systems.chunks.Reader` says."""
    with opened(path, "dcd") as file:
        header, periodic = file.header, bool(file.is_periodic)
    if header["natoms"] != topology.n_atoms:
        raise other_count(f"{path}, frame 0", int(header["natoms"]), topology)
    layout = layout_of(path, int(header["natoms"]), periodic)
    if layout is None:
        yield from one_by_one(_by_mdanalysis)(path, selection, topology, at_once)
        return
    wanted = selection.among(0, layout.n_frames)
    for k in range(0, len(wanted), at_once):
        yield _chunk(path, header, layout, wanted[k : k + at_once])
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


def _fill(
    file: io.FileIO, path: Path, layout: Layout, numbers: IntArray, words: NDArray[np.float32]
) -> None:
    """Read the first words of frames, as many as there is room for: shape (F, words).

    Raises
    ------
    EndsEarly
        A frame that was there when the file was opened is there no more.
    """
    n_bytes = WORD * layout.size
    rows = words.view(np.uint8)
    if rows.shape[1] == n_bytes and numbers[-1] - numbers[0] == len(numbers) - 1:
        rows = rows.reshape(1, -1)  # they follow one another
    for number, row in zip(numbers.tolist(), rows, strict=False):
        there = os.preadv(file.fileno(), [row.data], layout.first + number * n_bytes)
        if there < len(row):
            raise cut_off(path, number + there // n_bytes, there % n_bytes)


def _chunk(path: Path, header: dict[str, Any], layout: Layout, numbers: IntArray) -> Frames:
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


def _cells(path: Path, layout: Layout, numbers: IntArray) -> FloatArray:
    """Read the edges of cells, shape (F, 3), and make sure that a frame begins where it should."""
    words = np.empty((len(numbers), layout.blocks[0]), dtype=layout.order + "f4")
    with path.open("rb", buffering=0) as file:
        _fill(file, path, layout, numbers, words)
    lengths = words[:, -1:].view(layout.order + "i4")[:, 0]
    wrong = lengths != WORD * layout.n_atoms
    if wrong.any():
        k = int(wrong.argmax())
        raise WrongInput(
            f"{path}, frame {numbers[k]}: found a block of {lengths[k]} bytes, allowed"
            f" {WORD * layout.n_atoms}, four for each atom"
        )
    if not layout.periodic:
        return np.full((len(numbers), 3), np.nan)
    cells = np.ascontiguousarray(words[:, CELL]).view(layout.order + "f8")
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


def _by_mdanalysis(path: Path, selection: Selection) -> Iterator[RawFrame]:
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
