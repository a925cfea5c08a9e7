"""The history of a nucleus, told backwards from its final members.

The nucleation point is the centre of mass of the metals that end up in the nucleus, followed back
in time. Three series tell the article's two steps: the solvent around it (drying), the metal
around it (aggregation), and, of six metals, the logarithm of their distance from an octahedron
(reorganisation). A step is dated by the largest change of its series' level in its sense, see
:mod:`.changepoints`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from nucleops.analysis.geometry import make_whole, minimum_image
from nucleops.analysis.grid import FloatArray
from nucleops.analysis.nuclei.changepoints import ChangePoint, change_points
from nucleops.analysis.nuclei.contacts import LabelArray
from nucleops.analysis.nuclei.looks import Looks, look_at, majority
from nucleops.analysis.nuclei.naming import KINDS, PERFECT, Named, Namer
from nucleops.analysis.nuclei.watched import Watched
from nucleops.analysis.settings import NucleationSettings
from nucleops.bias.coordination import coordination_numbers
from nucleops.cores import in_threads, usable_threads

EVENTS = ("drying", "aggregation", "reorganisation")
"""Steps of nucleation that are dated, each by the change of level of one series."""
_LEAST_MEASURE = 0.01
"""Shape measures below this are those of a perfect octahedron, and equal."""
LEAST_EVIDENCE = 3.0
"""Logarithm of the Bayes factor from which a change of level is believed (strong: 20 to 1)."""


@dataclass(frozen=True)
class Story:
    """What happened where one nucleus formed.

    Attributes
    ----------
    members : tuple of int
        Its metals at the end, as places among the metals.
    kind : str
        What it is: the name it has in most of the last frames.
    reason : str
        Why, in the last frame with that name.
    measure, rmsd_A : float
        Continuous shape measure and distance from the best regular octahedron, medians over the
        last frames; nan unless it has six metals.
    contacts : float
        Metal contacts per metal, median over the last frames.
    points : ndarray
        Nucleation point in each frame, in angstrom (not wrapped), shape (F, 3).
    series : dict
        ``metal_around``, ``solvent_around``, ``sulfur_per_metal``, ``shape_measure``: shape (F,).
    kinds : ndarray of int
        What its final members are in each frame, by themselves, as places in ``KINDS``.
    events : dict
        Step to its change point; None where the series shows no change in that sense, and for the
        reorganisation of a nucleus that does not have six metals.
    together_since : int
        Frame from which its members are in one aggregate to the end, by the same vote as bonds.
    perfect_since : int or None
        Frame from which its members are a perfect octahedron to the end.
    """

    members: tuple[int, ...]
    kind: str
    reason: str
    measure: float
    rmsd_A: float
    contacts: float
    points: FloatArray
    series: dict[str, FloatArray]
    kinds: NDArray[np.int8]
    events: dict[str, ChangePoint | None]
    together_since: int
    perfect_since: int | None


def tell(
    watched: Watched,
    labels: LabelArray,
    nuclei: Sequence[tuple[int, ...]],
    settings: NucleationSettings,
) -> list[Story]:
    """Tell the stories of nuclei that are there at the end.

    Parameters
    ----------
    watched : Watched
        Positions.
    labels : ndarray of int
        Aggregate of each metal in each frame, shape (F, n).
    nuclei : sequence of tuple of int
        Final members of each, as places among the metals.
    settings : NucleationSettings
        Switching functions and limits.
    """
    if not len(watched) or not nuclei:
        return []
    n_frames = len(watched)
    points = np.empty((n_frames, len(nuclei), 3))
    metal, solvent = np.empty(points.shape[:2]), np.empty(points.shape[:2])
    sulfur = np.empty(points.shape[:2])
    namers = [Namer(watched.groups.ligands, settings) for _ in nuclei]
    offsets = _offsets(watched, nuclei)
    members = sorted({metal for nucleus in nuclei for metal in nucleus})
    rows = [np.searchsorted(members, nucleus) for nucleus in nuclei]

    def look(chunk: tuple[slice, FloatArray]) -> list[Looks]:
        part, free = chunk
        wholes = [free[:, own] + offset for own, offset in zip(rows, offsets, strict=True)]
        points[part] = np.stack([whole.mean(axis=1) for whole in wholes], axis=1)
        metal[part] = _coordination(watched, part, points[part], watched.metal, settings, "metal")
        solvent[part] = _coordination(
            watched, part, points[part], watched.solvent, settings, "solvent"
        )
        for k, whole in enumerate(wholes):
            bound = _coordination(watched, part, whole, watched.sulfur, settings, "pair")
            sulfur[part, k] = bound.mean(axis=1)
        return [look_at(watched, part, whole, settings) for whole in wholes]

    chunks = _unwrapped_backwards(watched, members)
    while some := list(islice(chunks, usable_threads())):
        for looks in in_threads(look, some):
            for namer, seen in zip(namers, looks, strict=True):
                namer.add(seen)
    return [
        _story(
            watched, labels, members, namers[k].result(), points[:, k],
            {
                "metal_around": metal[:, k],
                "solvent_around": solvent[:, k],
                "sulfur_per_metal": sulfur[:, k],
            },
            settings,
        )
        for k, members in enumerate(nuclei)
    ]  # fmt: skip


def _story(
    watched: Watched,
    labels: LabelArray,
    members: tuple[int, ...],
    named: Named,
    points: FloatArray,
    series: dict[str, FloatArray],
    settings: NucleationSettings,
) -> Story:
    last = slice(max(0, len(watched) - settings.vote_frames), len(watched))
    kind = int(np.bincount(named.kinds[last]).argmax())
    frame = int(np.flatnonzero(named.kinds == kind)[-1])
    order = np.log(np.maximum(named.measure, _LEAST_MEASURE))
    dated = {
        "drying": (series["solvent_around"], -1),
        "aggregation": (series["metal_around"], 1),
        "reorganisation": (order, -1),
    }
    return Story(
        members=members,
        kind=KINDS[kind],
        reason=named.reason(frame, settings),
        measure=float(np.median(named.measure[last])),
        rmsd_A=float(np.median(named.rmsd_A[last])),
        contacts=float(np.median(named.contacts[last])),
        points=points,
        series=series | {"shape_measure": named.measure},
        kinds=named.kinds,
        events={step: _largest(watched.times_ps, *dated[step]) for step in EVENTS},
        together_since=_together_since(labels, members, settings.vote_frames),
        perfect_since=_perfect_since(named.kinds),
    )


def _largest(times_ps: FloatArray, values: FloatArray, sense: int) -> ChangePoint | None:
    """Largest change of level upwards (1) or downwards (-1), if there is one beyond doubt."""
    if np.isnan(values).any():
        return None
    found = [
        change
        for change in change_points(times_ps, values)
        if change.evidence >= LEAST_EVIDENCE and sense * (change.after - change.before) > 0
    ]
    return max(found, key=lambda c: sense * (c.after - c.before), default=None)


def _together_since(labels: LabelArray, members: Sequence[int], vote_frames: int) -> int:
    rows = labels[:, list(members)]
    joined = majority(np.all(rows == rows[:, :1], axis=1), vote_frames // 2)
    apart = np.flatnonzero(~joined)
    return int(apart[-1]) + 1 if len(apart) else 0


def _perfect_since(kinds: NDArray[np.int8]) -> int | None:
    """First frame from which it is perfect to the end; None if it is not perfect at the end."""
    other = np.flatnonzero(kinds != PERFECT)
    since = int(other[-1]) + 1 if len(other) else 0
    return since if since < len(kinds) else None


def _coordination(
    watched: Watched,
    part: slice,
    centres: FloatArray,
    around: NDArray[np.float32],
    settings: NucleationSettings,
    which: str,
) -> FloatArray:
    """Coordination number of centres (F, c, 3) by watched atoms, shape (F, c)."""
    rational = {
        "metal": settings.metal_point_switch,
        "solvent": settings.solvent_point_switch,
        "pair": settings.pair_switch,
    }[which]
    cells = watched.cells[part] if watched.periodic else None
    return coordination_numbers(
        centres.astype(np.float32),
        around[part],
        cells,
        rational.r0_A,
        rational.n,
        rational.m,
        threads=1,
    ).astype(np.float64)


def _offsets(watched: Watched, nuclei: Sequence[tuple[int, ...]]) -> list[FloatArray]:
    """Shifts, shape (k, 3), that bring each nucleus together in the last frame."""
    last, cell = np.asarray(watched.metal[-1], dtype=np.float64), watched.cells[-1]
    return [
        make_whole(last[list(members)], cell, watched.periodic) - last[list(members)]
        for members in nuclei
    ]


def _unwrapped_backwards(
    watched: Watched, metals: Sequence[int]
) -> Iterator[tuple[slice, FloatArray]]:
    """Yield chunks of some metals' positions, the last first, each followed by its shortest moves.

    The last frame is as it was written. Atoms must move less than half an edge between frames.
    """
    after: FloatArray | None = None
    for part in reversed(list(watched.chunks())):
        x = watched.metal[part][:, metals].astype(np.float64)
        cells = watched.cells[part][:, None, :]
        moves = np.zeros_like(x)
        moves[:-1] = minimum_image(x[:-1] - x[1:], cells[:-1], watched.periodic)
        if after is None:
            moves[-1] = x[-1]
        else:
            moves[-1] = after + minimum_image(x[-1] - after, cells[-1], watched.periodic)
        free = np.cumsum(moves[::-1], axis=0)[::-1]
        after = free[0]
        yield part, free
