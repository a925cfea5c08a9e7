"""Distances and angles of bonded atoms, counted while a trajectory is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nucleops.analysis.density import Density, density
from nucleops.analysis.grid import FloatArray
from nucleops.analysis.in_blocks import BlockLength, Blocks
from nucleops.analysis.structure import Kind

BINS = {"A": np.linspace(0.0, 12.0, 2401), "degree": np.linspace(0.0, 180.0, 1801)}
"""Edges of the histograms: 0.005 A and 0.1 degrees, a tenth of a kernel's width or less."""


@dataclass(frozen=True)
class Followed:
    """The density of a kind of distance or angle, or of one bonding role in it.

    Attributes
    ----------
    name, role, unit : str
        Elements; role, empty for all of a kind; ``A`` or ``degree``.
    n_bonded : int
        Distances or angles in each frame.
    density : Density
        With errors over blocks.
    block_frames : int
        Frames in a block.
    long_enough : bool
        Whether blocks are long enough by the rule, or the errors lower bounds.
    lost : int
        Values beyond 12 A: the bond broke for good.
    """

    name: str
    role: str
    unit: str
    n_bonded: int
    density: Density
    block_frames: int
    long_enough: bool
    lost: int


@dataclass
class _Count:
    blocks: Blocks = field(default_factory=Blocks)
    length: BlockLength = field(default_factory=BlockLength)
    lost: int = 0


class BondTally:
    """Counts the values of every kind, frame by frame.

    Parameters
    ----------
    kinds : sequence of Kind
        What to follow.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.kinds = list(kinds)
        self._counts = {(k.name, role): _Count() for k in kinds for role in ("", *k.roles)}

    def add(self, values: Mapping[str, FloatArray]) -> None:
        """Take in frames.

        Parameters
        ----------
        values : mapping
            Name of each kind to its values, shape (F, P), as :meth:`Kind.values` returns them.
        """
        for kind in self.kinds:
            edges = BINS[kind.unit]
            every = np.arange(len(kind.atoms))
            for role, columns in {"": every, **kind.roles}.items():
                count, own = self._counts[kind.name, role], values[kind.name][:, columns]
                if not len(own):
                    continue
                count.length.add(own.mean(axis=1))
                count.lost += int(np.sum(own > edges[-1]))
                for piece in count.blocks.pieces(len(own)):
                    count.blocks.add(np.histogram(own[piece], edges)[0])

    def followed(self, n_blocks: int) -> list[Followed]:
        """Make the densities.

        Parameters
        ----------
        n_blocks : int
            Blocks where no length is enough, see
            :meth:`nucleops.analysis.in_blocks.BlockLength.chosen`.
        """
        return [
            self._density(kind, role, n_blocks)
            for kind in self.kinds
            for role in ("", *kind.roles)
            if np.any(self._counts[kind.name, role].blocks.sums)
        ]

    def _density(self, kind: Kind, role: str, n_blocks: int) -> Followed:
        count = self._counts[kind.name, role]
        block, enough = count.length.chosen(n_blocks)
        sums, frames = count.blocks.grouped(block)
        edges = BINS[kind.unit]
        made = density((edges[1:] + edges[:-1]) / 2, sums, n_frames=int(frames.sum()))
        n_bonded = len(kind.roles[role]) if role else len(kind.atoms)
        return Followed(kind.name, role, kind.unit, n_bonded, made, block, enough, count.lost)
