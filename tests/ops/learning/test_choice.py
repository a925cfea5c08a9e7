"""Which candidates are labelled: spread out, capped, the same whatever order runs come in."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nucleops.learning.choice import Caps, Pool, choose, distances
from nucleops.learning.levels import Levels
from nucleops.learning.selector import candidates

LEVELS = Levels(0.2, 0.5)
numbers = st.floats(0, 2) | st.just(float("nan")) | st.just(float("inf"))
deviation_lists = st.lists(
    st.lists(numbers, max_size=30).map(lambda v: np.array(v, dtype=float)), max_size=6
)


@st.composite
def pools(draw: st.DrawFn) -> list[Pool]:
    """Pools of up to five trajectories, with or without fingerprints and weights."""
    sizes = draw(st.lists(st.integers(0, 12), max_size=5))
    spread, weighted = draw(st.booleans()), draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    made = []
    for k, n in enumerate(sizes):
        # few different places, so that there are duplicates
        vectors = rng.integers(0, 4, (n, 2)).astype(float) if spread else None
        weights = rng.uniform(0.1, 3.0, n) if weighted else None
        frames = np.sort(rng.choice(50, n, replace=False))
        nearest = None if vectors is None else distances(vectors, np.array([[1.0, 1.0]]))
        made.append(Pool(frames, "ab"[k % 2], weights, vectors, nearest, bytes([k])))
    return made


caps = st.builds(
    Caps,
    st.integers(0, 20),
    st.none() | st.integers(1, 5),
    st.none() | st.integers(1, 8),
)


@given(pools(), caps, st.integers(0, 9), st.sampled_from([0.0, 1.5]))
def test_caps_hold_and_nothing_is_chosen_twice(
    given_pools: list[Pool], limits: Caps, seed: int, apart: float
) -> None:
    choice = choose(given_pools, limits, seed, apart)
    assert choice.total <= limits.total
    of_system: Counter[str] = Counter()
    for pool, frames in zip(given_pools, choice.frames, strict=True):
        assert set(frames.tolist()) <= set(pool.frames.tolist())
        assert sorted(set(frames.tolist())) == frames.tolist()
        assert limits.per_trajectory is None or len(frames) <= limits.per_trajectory
        of_system[pool.system] += len(frames)
    assert all(limits.per_system is None or n <= limits.per_system for n in of_system.values())


@given(pools(), caps, st.integers(0, 9), st.sampled_from([0.0, 1.5]))
def test_no_two_chosen_frames_are_alike(
    given_pools: list[Pool], limits: Caps, seed: int, apart: float
) -> None:
    choice = choose(given_pools, limits, seed, apart)
    taken = [
        pool.vectors[np.searchsorted(pool.frames, frames)]
        for pool, frames in zip(given_pools, choice.frames, strict=True)
        if pool.vectors is not None
    ]
    rows = np.concatenate([*taken, [[1.0, 1.0]]]) if taken else np.zeros((0, 2))
    between = np.linalg.norm(rows[:, None] - rows, axis=2)[np.triu_indices(len(rows), 1)]
    assert np.all(between >= apart)


@given(pools(), caps, st.integers(0, 9), st.randoms(use_true_random=False))
def test_the_order_of_trajectories_does_not_matter(
    given_pools: list[Pool], limits: Caps, seed: int, shuffle: object
) -> None:
    order = list(range(len(given_pools)))
    shuffle.shuffle(order)  # type: ignore[attr-defined]
    one = choose(given_pools, limits, seed, 1.5)
    other = choose([given_pools[i] for i in order], limits, seed, 1.5)
    assert [one.frames[i].tolist() for i in order] == [f.tolist() for f in other.frames]
    assert one.n_duplicates == other.n_duplicates
    again = choose(given_pools, limits, seed, 1.5)
    assert [f.tolist() for f in again.frames] == [f.tolist() for f in one.frames]


@given(deviation_lists)
def test_only_candidates_are_chosen_or_what_stands_in_for_them(
    deviations: list[np.ndarray],
) -> None:
    found = candidates(deviations, LEVELS)
    every = np.concatenate([*deviations, np.zeros(0)])
    assert len(found) == len(deviations)
    for d, frames in zip(deviations, found, strict=True):
        assert not np.isnan(d[frames]).any()
        assert np.all(np.diff(frames) > 0)
        if np.any(LEVELS.candidates(every)):
            assert frames.tolist() == np.flatnonzero(LEVELS.candidates(d)).tolist()
        else:
            assert np.all(d[frames] > LEVELS.high_eV_A)
            assert len(frames) <= 2


def test_without_candidates_the_least_failed_frames_stand_in() -> None:
    found = candidates([np.array([0.1, 0.9, 0.6, 0.7]), np.array([0.1])], LEVELS)
    assert [frames.tolist() for frames in found] == [[2, 3], []]


def test_a_long_trajectory_does_not_crowd_out_a_short_one() -> None:
    long, short = Pool(np.arange(1000), key=b"l"), Pool(np.arange(3), key=b"s")
    choice = choose([long, short], Caps(10), 1)
    assert [len(frames) for frames in choice.frames] == [7, 3]


def test_the_farthest_comes_first() -> None:
    places = np.array([[0.0], [0.1], [5.0], [9.0], [9.1]])
    pool = Pool(np.arange(5), vectors=places, nearest=distances(places, np.array([[0.0]])))
    assert choose([pool], Caps(2), 1).frames[0].tolist() == [2, 4]
    crowded = choose([pool], Caps(5), 1, minimum_distance=0.5)
    assert crowded.frames[0].tolist() == [2, 4]
    assert crowded.n_duplicates == 3


def test_preferred_frames_come_first() -> None:
    weights = np.where(np.arange(200) < 20, 50.0, 1.0)
    drawn = choose([Pool(np.arange(200), weights=weights)], Caps(20), 5).frames[0]
    assert np.sum(drawn < 20) > 12  # of an even draw two would be expected
    places = np.arange(4.0)[:, None]
    pool = Pool(np.arange(4), "", np.array([1.0, 9.0, 1.0, 1.0]), places, places[:, 0] + 1)
    assert choose([pool], Caps(1), 1).frames[0].tolist() == [1]
