"""Choosing frames from pools of candidates: spread out, capped, without duplicates."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_BLOCK = 256
"""Known frames that are compared with at a time, to bound memory."""


@dataclass(frozen=True)
class Pool:
    """Candidates of one trajectory.

    Attributes
    ----------
    frames : ndarray
        Frame numbers, shape (n,).
    system : str
        What the trajectory is of.
    weights : ndarray or None
        How much each candidate is preferred, positive, shape (n,); None for no preference.
    vectors : ndarray or None
        Fingerprint of each candidate, shape (n, d); None to take candidates in any order.
    nearest : ndarray or None
        Distance of each to the closest frame that is labelled already, shape (n,); None where
        there is none.
    key : bytes
        Tells trajectories apart whatever order they come in.
    """

    frames: IntArray
    system: str = ""
    weights: FloatArray | None = None
    vectors: FloatArray | None = None
    nearest: FloatArray | None = None
    key: bytes = b""


@dataclass(frozen=True)
class Caps:
    """Largest numbers of frames: in all, of a trajectory, of all trajectories of a system."""

    total: int
    per_trajectory: int | None = None
    per_system: int | None = None


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes
    ----------
    frames : list of ndarray
        Chosen frame numbers of each pool, ascending.
    n_duplicates : int
        Candidates that were passed over for their likeness to another frame.
    """

    frames: list[IntArray]
    n_duplicates: int = 0

    @property
    def total(self) -> int:
        """Number of chosen frames."""
        return sum(map(len, self.frames))


def choose(pools: Sequence[Pool], caps: Caps, seed: int, minimum_distance: float = 0.0) -> Choice:
    """Choose frames to label.

    Trajectories take turns, so that a long one does not crowd out a short one. In its turn, a
    trajectory gives the candidate that is farthest from everything labelled or chosen so far
    (farthest-point sampling, Gonzalez, Theor. Comput. Sci. 38, 293 (1985)), its distance times its
    weight; without fingerprints, one drawn at random with a chance that grows with the weight.

    Parameters
    ----------
    pools : sequence of Pool
        One for each trajectory.
    caps : Caps
        How many at most.
    seed : int
        Seed of the order of turns, and of ties.
    minimum_distance : float
        A candidate closer than this to a labelled or chosen frame is a duplicate.

    Returns
    -------
    Choice
        The same, trajectory by trajectory, whatever order the trajectories come in.
    """
    order = sorted(range(len(pools)), key=lambda i: (pools[i].key, pools[i].system))
    draws = {i: _Draw(pools[i], _rng(seed, pools[i].key), minimum_distance) for i in order}
    turns = np.random.default_rng(seed)
    chosen: dict[int, list[int]] = {i: [] for i in order}
    of_system: Counter[str] = Counter()
    total, before = 0, -1
    while total > before:
        before = total
        for k in turns.permutation(len(order)):
            i = order[int(k)]
            own = pools[i].system
            full = _full(len(chosen[i]), caps.per_trajectory) or _full(
                of_system[own], caps.per_system
            )
            taken = None if full or total >= caps.total else draws[i].take()
            if taken is None:
                continue
            chosen[i].append(int(pools[i].frames[taken]))
            of_system[own] += 1
            total += 1
            for draw in draws.values():
                draw.note(pools[i], taken)
    frames = [np.array(sorted(chosen[i]), dtype=np.int64) for i in range(len(pools))]
    return Choice(frames, sum(draw.n_duplicates for draw in draws.values()))


def distances(vectors: FloatArray, known: FloatArray) -> FloatArray:
    """Distance of each vector to the closest known one.

    Parameters
    ----------
    vectors, known : ndarray
        Shapes (n, d) and (m, d).

    Returns
    -------
    ndarray
        Shape (n,); infinite where ``m`` is zero.
    """
    from scipy.spatial.distance import cdist

    nearest = np.full(len(vectors), np.inf)
    for first in range(0, len(known), _BLOCK):
        np.minimum(nearest, cdist(vectors, known[first : first + _BLOCK]).min(axis=1), out=nearest)
    return nearest


def _full(n: int, cap: int | None) -> bool:
    return cap is not None and n >= cap


def _rng(seed: int, key: bytes) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}:".encode() + key).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


class _Draw:
    """What is left of a pool."""

    def __init__(self, pool: Pool, rng: np.random.Generator, minimum_distance: float) -> None:
        n = len(pool.frames)
        self._pool = pool
        self._minimum = minimum_distance
        self._left = np.ones(n, dtype=np.bool_)
        self._weights = np.ones(n) if pool.weights is None else pool.weights
        # Weighted order without replacement: Efraimidis and Spirakis, Inf. Process. Lett. 97, 181.
        self._luck = np.log(rng.uniform(1e-12, 1.0, n)) / self._weights
        self._nearest = np.full(n, np.inf) if pool.nearest is None else pool.nearest.copy()

    @property
    def n_duplicates(self) -> int:
        """Candidates left that are too close to something."""
        return int(np.sum(self._left & (self._nearest < self._minimum)))

    def take(self) -> int | None:
        """Take the best candidate; None where there is none."""
        free = np.flatnonzero(self._left & ~(self._nearest < self._minimum))
        if not len(free):
            return None
        luck = self._luck[free]
        if self._pool.vectors is None:
            best = int(free[np.argmax(luck)])
        else:
            # before anything is labelled or chosen every distance is infinite, and luck decides
            score = self._nearest[free] * self._weights[free]
            best = int(free[np.lexsort((luck, score))[-1]])
        self._left[best] = False
        return best

    def note(self, pool: Pool, taken: int) -> None:
        """Take into account that a candidate of some pool was chosen."""
        if self._pool.vectors is not None and pool.vectors is not None:
            new = np.linalg.norm(self._pool.vectors - pool.vectors[taken], axis=1)
            np.minimum(self._nearest, new, out=self._nearest)
