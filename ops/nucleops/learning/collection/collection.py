"""The collection: labelled frames with provenance, in a fixed order, with an address."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nucleops.errors import WrongInput
from nucleops.learning.dataset import numbered
from nucleops.learning.frames import LabelledFrames
from nucleops.learning.provenance import Provenance


def address_of(ids: Sequence[str]) -> str:
    """Return the address of a set of frames: the digest of their sorted identities.

    It does not depend on the order of the frames, on the rounds they came in, nor on how often
    and in which order parts were merged.
    """
    return "sha256:" + hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


@dataclass(frozen=True)
class Duplicate:
    """A frame that was left out, because the configuration is there at the same level.

    Attributes
    ----------
    kept, dropped : Provenance
        The one that stays (of the earliest round, then trajectory, step and id) and the other.
    """

    kept: Provenance
    dropped: Provenance


@dataclass(frozen=True)
class Collection:
    """Labelled frames of any systems, each with provenance and none twice.

    :func:`nucleops.learning.collection.merging.unite` makes one of frames in any order.

    Attributes
    ----------
    type_map : tuple of str
        Element order.
    systems : tuple of LabelledFrames
        Frames of the same atoms in the same order, all at one level of theory; sorted by formula,
        the frames of each by round, trajectory and step.
    duplicates : tuple of Duplicate
        What was left out when it was put together.
    """

    type_map: tuple[str, ...]
    systems: tuple[LabelledFrames, ...]
    duplicates: tuple[Duplicate, ...] = ()

    def __len__(self) -> int:
        return sum(len(system) for system in self.systems)

    @property
    def frames(self) -> Iterator[Provenance]:
        """Provenance of every frame."""
        return (entry for system in self.systems for entry in provenance_of(system))

    @property
    def address(self) -> str:
        """See :func:`address_of`."""
        return address_of([entry.id for entry in self.frames])

    @property
    def levels(self) -> Counter[str]:
        """Frames at each level of theory."""
        return Counter(entry.level for entry in self.frames)

    @property
    def rounds(self) -> Counter[str]:
        """Frames of each round."""
        return Counter(entry.round for entry in self.frames)

    @property
    def names(self) -> list[str]:
        """Folder names of the systems: formula, ``-nopbc`` for droplets, the level if several."""
        several = len(self.levels) > 1

        def ending(system: LabelledFrames) -> str:
            slug = re.sub(r"[^A-Za-z0-9]+", "-", level_of(system)).strip("-")
            return ("" if system.periodic else "-nopbc") + (f"-{slug}" if several else "")

        return numbered(s.formula(self.type_map) + ending(s) for s in self.systems)

    def select(
        self, rounds: Sequence[str] | None = None, systems: Sequence[str] | None = None
    ) -> Collection:
        """Return the part of some rounds and systems; None means all.

        Raises
        ------
        WrongInput
            A name is not there.
        """
        _refuse_unknown("round", rounds, sorted(self.rounds))
        names = self.names
        _refuse_unknown("system", systems, names)
        parts = []
        for name, system in zip(names, self.systems, strict=True):
            if systems is not None and name not in systems:
                continue
            known = provenance_of(system)
            chosen = [k for k, e in enumerate(known) if rounds is None or e.round in rounds]
            if chosen:
                parts.append(system.take(chosen))
        return replace(self, systems=tuple(parts), duplicates=())


def provenance_of(system: LabelledFrames) -> tuple[Provenance, ...]:
    """Return the provenance of a system's frames, which those of a collection all have.

    Raises
    ------
    WrongInput
        There is none.
    """
    if system.provenance is None:
        raise WrongInput("frames of a collection need provenance; these came without")
    return system.provenance


def level_of(system: LabelledFrames) -> str:
    """Return the one level of theory of a collection's system."""
    return provenance_of(system)[0].level


def _refuse_unknown(kind: str, asked: Sequence[str] | None, there: Sequence[str]) -> None:
    for name in asked or ():
        if name not in there:
            raise WrongInput(
                f"there is no {kind} '{name}' in the data", advice=f"there are: {', '.join(there)}"
            )
