"""Labelled frames of one composition as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.errors import TruncatedOutput
from nucleops.learning.provenance import Provenance, frame_id
from nucleops.systems.system import FloatArray

_SMALLEST_SPLIT = 5


@dataclass(frozen=True)
class LabelledFrames:
    """Frames of the same atoms in the same order.

    Attributes
    ----------
    symbols : tuple of str
        Elements, shape (n_atoms,).
    positions : ndarray
        Coordinates in angstrom, shape (n_frames, n_atoms, 3).
    cells : ndarray
        Edges of the orthorhombic cells in angstrom, shape (n_frames, 3).
    energies : ndarray
        Energies in eV, shape (n_frames,).
    forces : ndarray
        Forces in eV/A, shape (n_frames, n_atoms, 3).
    periodic : bool
        Whether the cells repeat.
    provenance : tuple of Provenance or None
        Where each frame comes from, shape (n_frames,); None for data that came without.

    Raises
    ------
    TruncatedOutput
        On construction, if a number is not finite or the arrays differ in length.
    """

    symbols: tuple[str, ...]
    positions: FloatArray
    cells: FloatArray
    energies: FloatArray
    forces: FloatArray
    periodic: bool
    provenance: tuple[Provenance, ...] | None = None

    def __post_init__(self) -> None:
        n_frames, n_atoms = len(self.energies), len(self.symbols)
        wanted = {
            "positions": (n_frames, n_atoms, 3),
            "cells": (n_frames, 3),
            "energies": (n_frames,),
            "forces": (n_frames, n_atoms, 3),
        }
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise TruncatedOutput(f"{name} have shape {array.shape} instead of {shape}")
            if not np.isfinite(array).all():
                raise TruncatedOutput(f"{name} hold numbers that are not finite")
        if self.provenance is not None and len(self.provenance) != n_frames:
            raise TruncatedOutput(
                f"provenance is of {len(self.provenance)} frames, the data of {n_frames}"
            )

    def __len__(self) -> int:
        return len(self.energies)

    @property
    def key(self) -> tuple[tuple[str, ...], bool]:
        """What frames need in common to be in one data set: atoms in order, and periodicity."""
        return self.symbols, self.periodic

    def formula(self, type_map: Sequence[str]) -> str:
        """Composition in the order of the type map, such as ``Ag2S2N2C2H6``."""
        counts = {element: self.symbols.count(element) for element in type_map}
        return "".join(f"{element}{n}" for element, n in counts.items() if n)

    def take(self, chosen: slice | Sequence[int] | NDArray[np.int64]) -> LabelledFrames:
        """Return some of the frames: a slice, or their numbers in the order that is wanted."""
        numbers = np.arange(len(self))[chosen]
        known = self.provenance
        return replace(
            self,
            positions=self.positions[numbers],
            cells=self.cells[numbers],
            energies=self.energies[numbers],
            forces=self.forces[numbers],
            provenance=None if known is None else tuple(known[k] for k in numbers),
        )

    def identity(self, number: int, level: str) -> str:
        """Return the :func:`~nucleops.learning.provenance.frame_id` of a frame at some level."""
        return frame_id(
            self.symbols,
            self.positions[number],
            self.cells[number],
            self.energies[number],
            self.forces[number],
            level,
            periodic=self.periodic,
        )

    def known_as(self, provenance: Sequence[Provenance]) -> LabelledFrames:
        """Return the frames with their provenance, its ``id`` computed from their content."""
        named = [
            replace(entry, id=self.identity(number, entry.level))
            for number, entry in enumerate(provenance)
        ]
        return replace(self, provenance=tuple(named))


def stack_frames(
    frames: Sequence[LabelledFrame], provenance: Sequence[Provenance] | None = None
) -> list[LabelledFrames]:
    """Gather single frames into one :class:`LabelledFrames` for each set of atoms, in order.

    Parameters
    ----------
    frames : sequence of LabelledFrame
        Frames of any atoms.
    provenance : sequence of Provenance, optional
        One a frame; ``id`` is filled in.
    """
    groups: dict[tuple[tuple[str, ...], bool], list[int]] = {}
    for number, frame in enumerate(frames):
        groups.setdefault((frame.system.symbols, frame.system.periodic), []).append(number)
    stacked = []
    for (symbols, periodic), numbers in groups.items():
        group = [frames[number] for number in numbers]
        arrays = LabelledFrames(
            symbols,
            np.array([f.system.positions for f in group]),
            np.array([f.system.cell for f in group]),
            np.array([f.energy_eV for f in group]),
            np.array([f.forces_eV_A for f in group]),
            periodic,
        )
        if provenance is not None:
            arrays = arrays.known_as([provenance[number] for number in numbers])
        stacked.append(arrays)
    return stacked


def concatenate(parts: Iterable[LabelledFrames]) -> list[LabelledFrames]:
    """Join data of the same atoms, in order; different atoms or periodicity stay apart.

    Provenance is kept where all parts of the same atoms have it.
    """
    groups: dict[tuple[tuple[str, ...], bool], list[LabelledFrames]] = {}
    for part in parts:
        groups.setdefault(part.key, []).append(part)
    return [
        LabelledFrames(
            symbols,
            np.concatenate([p.positions for p in group]),
            np.concatenate([p.cells for p in group]),
            np.concatenate([p.energies for p in group]),
            np.concatenate([p.forces for p in group]),
            periodic,
            _joined([p.provenance for p in group]),
        )
        for (symbols, periodic), group in groups.items()
    ]


def _joined(parts: list[tuple[Provenance, ...] | None]) -> tuple[Provenance, ...] | None:
    known = [part for part in parts if part is not None]
    return tuple(chain.from_iterable(known)) if len(known) == len(parts) else None


def split(frames: LabelledFrames, held_out: float) -> tuple[LabelledFrames, LabelledFrames]:
    """Split a trajectory's or task's frames: the last block is held out.

    Neighbouring frames of a trajectory are alike; a block leaves one border where a random choice
    would leave many.

    Parameters
    ----------
    frames : LabelledFrames
        Frames in time order.
    held_out : float
        Share to hold out, 0..1; at least one frame is, of five or more, unless it is zero.

    Returns
    -------
    train, test : LabelledFrames
        The first and the last block.
    """
    n = round(held_out * len(frames))
    if held_out > 0 and n == 0 and len(frames) >= _SMALLEST_SPLIT:
        n = 1
    border = len(frames) - n
    return frames.take(slice(0, border)), frames.take(slice(border, None))
