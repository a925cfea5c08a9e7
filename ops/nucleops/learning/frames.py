"""Labelled frames of one composition as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.errors import TruncatedOutput
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

    def take(self, chosen: slice) -> LabelledFrames:
        """Return some of the frames."""
        return replace(
            self,
            positions=self.positions[chosen],
            cells=self.cells[chosen],
            energies=self.energies[chosen],
            forces=self.forces[chosen],
        )


def stack_frames(frames: Sequence[LabelledFrame]) -> list[LabelledFrames]:
    """Gather single frames into one :class:`LabelledFrames` for each set of atoms, in order."""
    groups: dict[tuple[tuple[str, ...], bool], list[LabelledFrame]] = {}
    for frame in frames:
        groups.setdefault((frame.system.symbols, frame.system.periodic), []).append(frame)
    return [
        LabelledFrames(
            symbols,
            np.array([f.system.positions for f in group]),
            np.array([f.system.cell for f in group]),
            np.array([f.energy_eV for f in group]),
            np.array([f.forces_eV_A for f in group]),
            periodic,
        )
        for (symbols, periodic), group in groups.items()
    ]


def concatenate(parts: Iterable[LabelledFrames]) -> list[LabelledFrames]:
    """Join data of the same atoms, in order; different atoms or periodicity stay apart."""
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
        )
        for (symbols, periodic), group in groups.items()
    ]


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
