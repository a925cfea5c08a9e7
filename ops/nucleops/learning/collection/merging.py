"""Put frames together so that none is there twice.

Two frames are of the same configuration if the atoms and their order, the periodicity and the level
of theory agree and no coordinate or cell edge differs by more than 1e-5 A: single precision and
text files keep that much, and one step of molecular dynamics moves atoms by a hundred times more.
Wrapped, turned or renumbered copies count as other configurations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from nucleops.errors import WrongInput
from nucleops.learning.collection.collection import Collection, Duplicate, provenance_of
from nucleops.learning.frames import LabelledFrames, concatenate
from nucleops.learning.provenance import Provenance

SAME_CONFIGURATION_A = 1.0e-5
"""Largest difference of a coordinate or cell edge, in angstrom."""
SAME_ENERGY_EV_ATOM = 1.0e-4
"""Labels whose energies differ by more conflict; a third of a good potential's error."""
SAME_FORCE_EV_A = 5.0e-3
"""Labels of which a force component differs by more conflict; a tenth of that error."""

Pair = tuple[int, int]


class ConflictingLabels(WrongInput):
    """The same configuration has two labels of one level of theory that do not agree."""

    kind = "conflicting labels"


def unite(
    parts: Iterable[LabelledFrames], type_map: Sequence[str], *, mixed_levels: bool = False
) -> Collection:
    """Make a collection.

    Of frames of the same configuration at the same level the one of the earliest round stays, then
    the first by trajectory, step and identity. The result does not depend on the order of
    the parts, nor on how they were cut, unless different configurations lie within 1e-5 A of a
    third.

    Parameters
    ----------
    parts : iterable of LabelledFrames
        Frames with provenance.
    type_map : sequence of str
        Element order.
    mixed_levels : bool
        Whether frames of several levels of theory may be in it.

    Raises
    ------
    ConflictingLabels
        The same configuration has different labels at one level.
    WrongInput
        There are several levels, an element is not in the type map, or provenance is missing.
    """
    by_level: dict[str, list[LabelledFrames]] = {}
    for part in parts:
        unknown = sorted(set(part.symbols) - set(type_map))
        if unknown:
            raise WrongInput(f"element {', '.join(unknown)}; allowed: {', '.join(type_map)}")
        known = provenance_of(part)
        for level in dict.fromkeys(entry.level for entry in known):
            numbers = [k for k, entry in enumerate(known) if entry.level == level]
            by_level.setdefault(level, []).append(part.take(numbers))
    if len(by_level) > 1 and not mixed_levels:
        _refuse_levels(by_level)
    systems, duplicates = [], []
    for level in sorted(by_level):
        for joined in concatenate(by_level[level]):
            system, dropped = _without_duplicates(joined)
            systems.append(system)
            duplicates += dropped
    systems.sort(key=lambda s: (s.formula(type_map), s.symbols, s.periodic, _first(s).level))
    return Collection(tuple(type_map), tuple(systems), tuple(duplicates))


def same_configurations(frames: LabelledFrames) -> Iterator[Pair]:
    """Yield the pairs of frames of the same configuration.

    Frames are sorted along one direction in the space of all coordinates; only those that lie
    close there can be the same, so that few pairs are compared.

    Parameters
    ----------
    frames : LabelledFrames
        Frames of the same atoms.

    Yields
    ------
    tuple of int
        Two frame numbers, the smaller first.
    """
    points = np.concatenate([frames.positions.reshape(len(frames), -1), frames.cells], axis=1)
    direction = np.cos(np.arange(points.shape[1], dtype=np.float64))
    direction /= np.linalg.norm(direction)
    along = points @ direction
    order = np.argsort(along, kind="stable")
    # rounding of the sum, for coordinates of a few hundred angstrom
    reach = SAME_CONFIGURATION_A * np.sqrt(points.shape[1]) + 1e-9
    ends = np.searchsorted(along[order], along[order] + reach, side="right")
    for place in np.flatnonzero(ends > np.arange(1, len(order) + 1)):
        others = order[place + 1 : ends[place]]
        apart = np.abs(points[others] - points[order[place]]).max(axis=1)
        for other in others[apart <= SAME_CONFIGURATION_A]:
            first, second = sorted((int(order[place]), int(other)))
            yield first, second


def _without_duplicates(frames: LabelledFrames) -> tuple[LabelledFrames, list[Duplicate]]:
    known = provenance_of(frames)
    frames = frames.take(sorted(range(len(known)), key=lambda k: known[k].order))
    known = provenance_of(frames)
    gone: dict[int, int] = {}
    for first, second in sorted(same_configurations(frames)):
        _refuse_conflict(frames, first, second)
        if first not in gone:
            gone.setdefault(second, first)
    kept = [k for k in range(len(known)) if k not in gone]
    dropped = [Duplicate(known[first], known[second]) for second, first in sorted(gone.items())]
    return frames.take(kept), dropped


def _refuse_conflict(frames: LabelledFrames, first: int, second: int) -> None:
    energies, forces = frames.energies, frames.forces
    energy = abs(float(energies[first] - energies[second])) / len(frames.symbols)
    force = float(np.abs(forces[first] - forces[second]).max())
    if energy <= SAME_ENERGY_EV_ATOM and force <= SAME_FORCE_EV_A:
        return
    known = provenance_of(frames)
    raise ConflictingLabels(
        f"the same configuration is labelled twice at {known[first].level}, and the labels differ"
        f" by {1e3 * energy:.4g} meV/atom and {1e3 * force:.4g} meV/A (allowed:"
        f" {1e3 * SAME_ENERGY_EV_ATOM:g} and {1e3 * SAME_FORCE_EV_A:g}): {words(known[first])},"
        f" and {words(known[second])}",
        advice="one of them is not of that level of theory, or its SCF found another state",
    )


def _refuse_levels(by_level: dict[str, list[LabelledFrames]]) -> None:
    counts = {level: sum(len(part) for part in parts) for level, parts in by_level.items()}
    found = ", ".join(f"{level} ({n} frames)" for level, n in sorted(counts.items()))
    raise WrongInput(
        f"the frames are of different levels of theory: {found}",
        advice="a potential trained on both describes neither; if they are wanted side by side,"
        " ask for it (--mixed-levels)",
    )


def _first(system: LabelledFrames) -> Provenance:
    return provenance_of(system)[0]


def words(entry: Provenance) -> str:
    """Name a frame for messages."""
    place = f"step {entry.step} of {entry.parent}" if entry.step is not None else entry.parent
    return f"frame {entry.id[:12]} ({place or 'no trajectory'}, {entry.round or 'no round'})"


def completed(
    frames: LabelledFrames, *, round_name: str, parent: str, level: str, program: str
) -> LabelledFrames:
    """Fill in what the provenance of frames leaves open; identities are computed anew.

    Parameters
    ----------
    frames : LabelledFrames
        Frames, with provenance or without.
    round_name, parent, level, program : str
        What counts where nothing is known.
    """
    default = Provenance("", round_name, parent, None, level, program)
    unset = Provenance()
    names = ("round", "parent", "level", "program")

    def fill(entry: Provenance) -> Provenance:
        missing = [n for n in names if getattr(entry, n) == getattr(unset, n)]
        return replace(entry, **{name: getattr(default, name) for name in missing})

    known = frames.provenance or [unset] * len(frames)
    return frames.known_as([fill(entry) for entry in known])
