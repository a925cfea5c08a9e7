"""Which frames a potential is tested on: whole trajectories, never trained on in any round.

Neighbouring frames of a trajectory are alike. A test on frames drawn at random measures how well a
net interpolates between them, and looks better than the potential is; so whole trajectories are
held out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nucleops.learning.provenance import INITIAL
from nucleops.seeds import derive_seed

SMALLEST_BLOCK_OF = 5
"""A lone trajectory of as many frames or more has at least one of them held out."""


@dataclass(frozen=True)
class Trajectory:
    """A trajectory that frames were taken from: what is held out, or trained on, as a whole.

    Attributes
    ----------
    name : str
        Unique in a run.
    round : str
        ``initial``, or the round whose labels brought it, ``iter-000000`` ...
    composition : str
        Elements with their counts.
    size : int
        Frames that this round labelled.
    """

    name: str
    round: str
    composition: str
    size: int

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by from round to round."""
        return self.composition, self.name


@dataclass(frozen=True)
class Choice:
    """What is held out.

    Attributes
    ----------
    whole : frozenset of Trajectory
        Trajectories held out as a whole.
    blocks : dict
        For the only trajectory of its round: how many frames at its end.
    """

    whole: frozenset[Trajectory] = frozenset()
    blocks: dict[Trajectory, int] = field(default_factory=dict)


def choose(trajectories: Iterable[Trajectory], share: float, seed: int) -> Choice:
    """Choose what is held out.

    Round by round in their order, so that what was chosen, and what was trained on, stays so when
    later rounds bring more. In each round trajectories are taken until the share of its frames is
    met as nearly as whole trajectories allow, and at least one where there are two or more; the
    next is always one of the composition that is furthest below its share so far, and among those
    the one with the lowest hash of seed and name. One that is more than half of a round is not
    taken where another can be. The only trajectory of a round is cut in two along time.

    Parameters
    ----------
    trajectories : iterable of Trajectory
        All there are.
    share : float
        Share of the frames to hold out, 0..1.
    seed : int
        The committee's seed: all members and all rounds share it.

    Returns
    -------
    Choice
        Depends on nothing but the arguments; not on the order of the trajectories.
    """
    rounds: dict[str, list[Trajectory]] = {}
    for trajectory in trajectories:
        rounds.setdefault(trajectory.round, []).append(trajectory)
    whole: set[Trajectory] = set()
    blocks: dict[Trajectory, int] = {}
    fate: dict[tuple[str, str], bool] = {}  # of the trajectories of earlier rounds
    lacking: dict[str, float] = {}  # frames that a composition lacks to its share
    for name in sorted(rounds, key=lambda name: (name != INITIAL, name)):
        whole |= {t for t in rounds[name] if fate.get(t.key)}
        new = [t for t in rounds[name] if t.key not in fate]
        for t in new:
            lacking[t.composition] = lacking.get(t.composition, 0.0) + share * t.size
        taken: set[Trajectory] = set()
        if len(new) == 1:
            n_frames = _block(new[0].size, share)
            lacking[new[0].composition] -= n_frames
            blocks |= {new[0]: n_frames} if n_frames else {}
        elif new and share > 0:
            taken = _taken(new, share, seed, lacking)
        whole |= taken
        fate |= {t.key: t in taken for t in new}
    return Choice(frozenset(whole), blocks)


def _taken(
    new: Sequence[Trajectory], share: float, seed: int, lacking: dict[str, float]
) -> set[Trajectory]:
    total = sum(t.size for t in new)
    rank = {t: derive_seed(seed, "held out", t.composition, t.name) for t in new}
    left = [t for t in new if 2 * t.size <= total] or [min(new, key=lambda t: (t.size, rank[t]))]
    left = list(new) if share == 1 else left
    taken: set[Trajectory] = set()
    n_frames = 0.0
    while left:
        best = max(left, key=lambda t: (lacking[t.composition], -rank[t]))
        if taken and n_frames + best.size / 2 > share * total:
            break
        left.remove(best)
        taken.add(best)
        n_frames += best.size
        lacking[best.composition] -= best.size
    return taken


def _block(size: int, share: float) -> int:
    n_frames = round(share * size)
    return max(n_frames, 1) if share > 0 and size >= SMALLEST_BLOCK_OF else n_frames


def evenly_spaced(n_frames: int, share: float) -> NDArray[np.int64]:
    """Frame numbers held out of frames that come without any word on where they are from.

    Parameters
    ----------
    n_frames : int
        Frames of one data set.
    share : float
        Share to hold out, 0..1.

    Returns
    -------
    ndarray
        ``round(share * n_frames)`` frame numbers, ascending. They depend on nothing else, so that
        they are the same in every round.
    """
    n_held = round(share * n_frames)
    if n_held == 0:
        return np.empty(0, dtype=np.int64)
    return np.floor((np.arange(n_held) + 0.5) * n_frames / n_held).astype(np.int64)
