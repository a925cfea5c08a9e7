"""Everything about nucleation in one trajectory."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.nuclei.contacts import LabelArray, aggregate_labels
from nucleops.analysis.nuclei.naming import KINDS
from nucleops.analysis.nuclei.story import Story, tell
from nucleops.analysis.nuclei.tracks import History, follow_aggregates
from nucleops.analysis.nuclei.watched import Groups, Watched, groups_of, watch
from nucleops.analysis.settings import NucleationSettings
from nucleops.bias.coordination import coordination_numbers
from nucleops.cores import in_threads
from nucleops.errors import WrongInput
from nucleops.systems.frames import Frames
from nucleops.systems.system import System
from nucleops.systems.trajectory import Trajectory

Show = Callable[[Watched, LabelArray, History], None]
SMALLEST = 3
"""Fewest metals of an aggregate that is followed and told of."""


@dataclass(frozen=True)
class Replica:
    """What nucleated in one trajectory.

    Attributes
    ----------
    groups : Groups
        Atoms that were looked at.
    frames : ndarray of int
        Number of each frame in the file, shape (F,).
    times_ps : ndarray
        Shape (F,).
    coordination : dict
        ``metal``, ``sulfur``, ``nitrogen``: mean coordination of a metal by these, shape (F,).
    sizes : ndarray of int
        Aggregates of each size in each frame, shape (F, n + 1): column k counts those of k metals.
    labels : ndarray of int
        Aggregate of each metal in each frame, shape (F, n).
    history : History
        Aggregates through time.
    tracks : tuple of int
        Identity of each nucleus, in the order of ``stories``.
    stories : tuple of Story
        Aggregates of three metals or more at the end, the largest first.
    kinds : dict
        Kind to the number of aggregates of that kind at the end, monomers and dimers included.
    last : System
        The whole system in the last frame.
    """

    groups: Groups
    frames: IntArray
    times_ps: FloatArray
    coordination: dict[str, FloatArray]
    sizes: IntArray
    labels: LabelArray
    history: History
    tracks: tuple[int, ...]
    stories: tuple[Story, ...]
    kinds: dict[str, int]
    last: System

    def atoms(self, places: tuple[int, ...]) -> tuple[int, ...]:
        """Atom indices of metals given as places among them."""
        return tuple(int(self.groups.metal[p]) for p in places)


def analyse_trajectory(
    trajectory: Trajectory,
    settings: NucleationSettings,
    *,
    frame_ps: float | None = None,
    step_fs: float | None = None,
    last_step: int | None = None,
    scratch: Path | None = None,
    show: Show | None = None,
) -> Replica:
    """Find the nuclei of a trajectory and tell how they came about.

    Parameters
    ----------
    trajectory : Trajectory
        Read once; memory does not grow with its length, but for a few numbers a frame.
    settings : NucleationSettings
        Limits and switching functions.
    frame_ps, step_fs, last_step, scratch
        See :func:`nucleops.analysis.nuclei.watched.watch`.
    show : callable or None
        Given the watched atoms while they are there, the labels and the history: draws them.

    Raises
    ------
    WrongInput
        The topology holds no metal, or the trajectory no frame that fits it.
    """
    groups = groups_of(trajectory.topology)
    if not len(groups.metal):
        raise WrongInput(f"{trajectory.path}: the topology holds no Ag, Au or Cu atom")
    last: list[Frames] = []

    def remember(frames: Frames) -> None:
        last[:] = [frames[-1:]]

    with watch(
        trajectory,
        groups,
        frame_ps=frame_ps,
        step_fs=step_fs,
        last_step=last_step,
        scratch=scratch,
        each=remember,
    ) as watched:
        if not len(watched):
            raise WrongInput(f"{trajectory.path}: no frame up to step {last_step}")
        end = trajectory.topology.with_positions(last[0].positions[0])
        found = _analyse(watched, settings, replace(end, cell=last[0].cells[0]))
        if show is not None:
            show(watched, found.labels, found.history)
        return found


def _analyse(watched: Watched, settings: NucleationSettings, end: System) -> Replica:
    coordination = {name: np.empty(len(watched)) for name in ("metal", "sulfur", "nitrogen")}
    found: list[LabelArray] = []

    def label() -> None:
        found.append(aggregate_labels(watched, settings.bonds.metal_metal_A, settings.opens_A))

    # contacts go from frame to frame, and cannot be shared out: the rest is done beside them
    coordinate = partial(_coordinate, watched, settings, coordination)
    jobs: list[Callable[[], None]] = [label, *(partial(coordinate, p) for p in watched.chunks())]
    in_threads(operator.call, jobs)
    (labels,) = found
    history = follow_aggregates(labels, SMALLEST)
    last = len(watched)
    alive = sorted(
        (track for track in history.tracks.values() if track.end == last),
        key=lambda track: (-len(track.members), track.number),
    )
    stories = tell(watched, labels, [track.members for track in alive], settings)
    kinds: dict[str, int] = dict.fromkeys(KINDS, 0)
    for story in stories:
        kinds[story.kind] += 1
    sizes = _sizes(labels)
    for size in range(1, SMALLEST):
        kinds[KINDS[size - 1]] += int(sizes[-1, size])
    return Replica(
        groups=watched.groups,
        frames=watched.frames,
        times_ps=watched.times_ps,
        coordination=coordination,
        sizes=sizes,
        labels=labels,
        history=history,
        tracks=tuple(track.number for track in alive),
        stories=tuple(stories),
        kinds={kind: count for kind, count in kinds.items() if count},
        last=end,
    )


def _coordinate(
    watched: Watched,
    settings: NucleationSettings,
    series: Mapping[str, FloatArray],
    part: slice,
) -> None:
    """Fill the mean coordination of a metal by metal, sulfur and nitrogen in some frames."""
    rational = settings.pair_switch
    cells = watched.cells[part] if watched.periodic else None
    metal = watched.metal[part]
    for name, values in series.items():
        # without a second group each pair is counted once, and belongs to two metals
        around = None if name == "metal" else getattr(watched, name)[part]
        numbers = coordination_numbers(
            metal, around, cells, rational.r0_A, rational.n, rational.m, threads=1
        )
        mean = numbers.sum(axis=1, dtype=np.float64) / metal.shape[1]
        values[part] = 2 * mean if name == "metal" else mean


def _sizes(labels: LabelArray) -> IntArray:
    """Count aggregates by size: shape (F, n) -> (F, n + 1)."""
    # metals of each aggregate, at the place of its label
    counts = _counts(_counts(labels, labels.shape[1]), labels.shape[1] + 1)
    counts[:, 0] = 0
    return counts


def _counts(values: NDArray[Any], most: int) -> IntArray:
    """Count how often each whole number below `most` is in each row: (F, n) -> (F, most)."""
    rows = np.arange(len(values))[:, None] * most
    return np.bincount((rows + values).ravel(), minlength=len(values) * most).reshape(-1, most)
