"""Aggregates through time, with identities that persist.

An aggregate of one frame goes on in the aggregate of the next that holds most of its metals. Where
several go on in one, it takes the identity of the one that brings most metals (the older one, if
they bring as many), and the others have merged into it; where one breaks, the part with most of
its metals keeps the identity, and the others have split from it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np

from nucleops.analysis.nuclei.contacts import LabelArray

EventKind = Literal["birth", "growth", "merge", "split", "loss", "end"]


@dataclass(frozen=True)
class Event:
    """Something that happened to an aggregate.

    Attributes
    ----------
    frame : int
        First frame after it.
    kind : str
        ``birth``: it formed from metals that were in no aggregate; ``growth`` and ``loss``: single
        metals or pieces below the smallest size joined or left; ``merge``: `other` went on in it;
        ``split``: it broke off `other`; ``end``: it fell below the smallest size.
    track : int
        Identity.
    other : int or None
        The other aggregate of a merge or split.
    size : int
        Metals of the track after the event.
    """

    frame: int
    kind: EventKind
    track: int
    other: int | None
    size: int


@dataclass
class Track:
    """One aggregate through time.

    Attributes
    ----------
    number : int
        Its identity, from 1, in the order of appearance (larger ones first).
    spans : list of (int, int, tuple of int)
        First frame, frame after the last, and members (places among the metals) between them.
    merged_into : int or None
        The track it went on in.
    split_from : int or None
        The track it broke off.
    """

    number: int
    spans: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)
    merged_into: int | None = None
    split_from: int | None = None

    @property
    def first(self) -> int:
        """Frame in which it is first seen."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """Frame after the last in which it is seen."""
        return self.spans[-1][1]

    @property
    def members(self) -> tuple[int, ...]:
        """Members when it was last seen."""
        return self.spans[-1][2]

    def members_at(self, frame: int) -> tuple[int, ...]:
        """Members in a frame; empty where it is not there."""
        for start, end, members in self.spans:
            if start <= frame < end:
                return members
        return ()


@dataclass(frozen=True)
class History:
    """All aggregates of a run: tracks by number, and events in order of time."""

    tracks: dict[int, Track]
    events: list[Event]


def follow_aggregates(labels: LabelArray, smallest: int = 3) -> History:
    """Give aggregates identities through time.

    Parameters
    ----------
    labels : ndarray of int
        Aggregate of each metal in each frame, shape (F, n), as
        :func:`nucleops.analysis.nuclei.contacts.aggregate_labels` makes them.
    smallest : int
        Fewest metals of an aggregate that is followed.

    Returns
    -------
    History
        Tracks and events; those that are there in the first frame have no birth.
    """
    history = _Followed(smallest)
    for start, end in _constant_spans(labels):
        history.step(start, end, labels[start])
    return History(history.tracks, history.events)


def _constant_spans(labels: LabelArray) -> Iterator[tuple[int, int]]:
    """Spans of frames over which the partition does not change: most frames change nothing."""
    if not len(labels):
        return
    changes = np.flatnonzero(np.any(labels[1:] != labels[:-1], axis=1)) + 1
    edges = [0, *changes.tolist(), len(labels)]
    yield from pairwise(edges)


class _Followed:
    def __init__(self, smallest: int) -> None:
        self.tracks: dict[int, Track] = {}
        self.events: list[Event] = []
        self._smallest = smallest
        self._owner: dict[int, int] = {}  # metal -> number of its track, in the span before

    def step(self, start: int, end: int, row: LabelArray) -> None:
        groups = defaultdict(list)
        for metal, label in enumerate(row.tolist()):
            groups[label].append(metal)
        now = [tuple(g) for g in groups.values() if len(g) >= self._smallest]
        heirs = self._heirs(now)
        self._note_splits(now, heirs, start)
        owner: dict[int, int] = {}
        aggregated = {metal for members in now for metal in members}
        for members in sorted(now, key=lambda g: (-len(g), g)):
            number = self._continue(members, heirs.get(members), start, end, aggregated)
            owner.update(dict.fromkeys(members, number))
        for number in set(self._owner.values()) - set(owner.values()):
            self._finish(number, start, owner)
        self._owner = owner

    def _heirs(self, now: list[tuple[int, ...]]) -> dict[tuple[int, ...], int]:
        """Which track each aggregate goes on: pairs with most common metals first."""
        overlaps = [
            (count, -number, members)
            for members in now
            for number, count in Counter(
                self._owner[m] for m in members if m in self._owner
            ).items()
        ]
        heirs: dict[tuple[int, ...], int] = {}
        taken: set[int] = set()
        for _, negative, members in sorted(overlaps, key=lambda o: (-o[0], -o[1], o[2])):
            if members not in heirs and -negative not in taken:
                heirs[members] = -negative
                taken.add(-negative)
        return heirs

    def _note_splits(
        self, now: list[tuple[int, ...]], heirs: dict[tuple[int, ...], int], start: int
    ) -> None:
        """Number the pieces that broke off, before anything else is numbered."""
        for members in sorted(now, key=lambda g: (-len(g), g)):
            before = Counter(self._owner[m] for m in members if m in self._owner)
            if members in heirs or not before:
                continue
            parent = max(before, key=lambda number: (before[number], -number))
            piece = self._new()
            piece.split_from = parent
            heirs[members] = piece.number
            size = sum(len(g) for g, heir in heirs.items() if heir == parent)
            self.events.append(Event(start, "split", parent, piece.number, size))

    def _continue(
        self,
        members: tuple[int, ...],
        number: int | None,
        start: int,
        end: int,
        aggregated: set[int],
    ) -> int:
        """Give a span to a track, and say what changed; returns the track's number."""
        track = self.tracks[number] if number is not None else self._new()
        if not track.spans:
            if track.split_from is None and start > 0:
                self.events.append(Event(start, "birth", track.number, None, len(members)))
            track.spans.append((start, end, members))
            return track.number
        first, _, before = track.spans[-1]
        if before == members:
            track.spans[-1] = (first, end, members)
            return track.number
        # what went to or came from another track is a merge or a split, and said as such
        if any(m not in self._owner for m in members):
            self.events.append(Event(start, "growth", track.number, None, len(members)))
        if any(m not in aggregated for m in before):
            self.events.append(Event(start, "loss", track.number, None, len(members)))
        track.spans.append((start, end, members))
        return track.number

    def _finish(self, number: int, start: int, owner: dict[int, int]) -> None:
        track = self.tracks[number]
        after = Counter(owner[m] for m in track.members if m in owner)
        if not after:
            self.events.append(Event(start, "end", number, None, 0))
            return
        track.merged_into = max(after, key=lambda other: (after[other], -other))
        size = len(self.tracks[track.merged_into].members)
        self.events.append(Event(start, "merge", track.merged_into, number, size))

    def _new(self) -> Track:
        track = Track(len(self.tracks) + 1)
        self.tracks[track.number] = track
        return track
