"""Change points, identities through time, and what replicas say together, on known cases."""

from __future__ import annotations

import numpy as np
import pytest

from nucleops.analysis.nuclei.changepoints import change_points
from nucleops.analysis.nuclei.pool import order_of, size_distribution, survival
from nucleops.analysis.nuclei.tracks import follow_aggregates


def correlated(rng: np.random.Generator, n: int, memory: float) -> np.ndarray:
    noise = rng.normal(size=n)
    for k in range(1, n):
        noise[k] += memory * noise[k - 1]
    return noise


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_intervals_of_a_change_cover_it(memory: float) -> None:
    """The stated 95 % hold for the largest rise of a noisy series with one step in it."""
    rng = np.random.default_rng(int(10 * memory))
    n, runs, covered = 150, 100, 0
    for _ in range(runs):
        at = int(rng.integers(20, n - 20))
        step = 2.0 * correlated(rng, n, memory).std()
        values = correlated(rng, n, memory) + step * (np.arange(n) >= at)
        found = change_points(np.arange(n), values)
        if found:  # a step in slow noise can go unseen
            largest = max(found, key=lambda c: c.after - c.before)
            covered += largest.low <= at - 0.5 <= largest.high
    assert covered / runs > 0.88


def test_three_levels_are_found_to_the_frame() -> None:
    values = np.repeat([5.0, 2.0, 0.1], [30, 50, 40])
    found = change_points(0.1 * np.arange(120), values)
    assert [c.time for c in found] == pytest.approx([2.95, 7.95])
    assert [c.before for c in found] == pytest.approx([5.0, 2.0])
    assert [c.after for c in found] == pytest.approx([2.0, 0.1])
    assert all(c.evidence > 10 for c in found)


def test_noise_alone_is_no_strong_change() -> None:
    rng = np.random.default_rng(8)
    strong = sum(
        any(c.evidence > 3 for c in change_points(np.arange(200), rng.normal(size=200)))
        for _ in range(100)
    )
    assert strong <= 5


def test_long_series_are_dated_to_the_frame() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 0.2, 20_000) + (np.arange(20_000) >= 12_345)
    (found,) = change_points(np.arange(20_000), values)
    assert abs(found.time - 12_344.5) <= 3


def test_short_and_constant_series_have_no_change() -> None:
    assert change_points(range(7), range(7)) == []
    assert change_points(range(50), np.ones(50)) == []


def labels(*rows: str) -> np.ndarray:
    """Rows of letters: metals with the same letter are in one aggregate."""
    return np.array([[row.index(letter) for letter in row] for row in rows], dtype=np.int32)


def test_births_merges_splits_and_ends() -> None:
    history = follow_aggregates(
        labels("abcdefgh", "aaadefgh", "aaadddgh", "aaaaaagh", "aaadddgh", "aaadefgh", "aaaaefgh")
    )
    events = [(e.frame, e.kind, e.track, e.other, e.size) for e in history.events]
    assert events == [
        (1, "birth", 1, None, 3),
        (2, "birth", 2, None, 3),
        (3, "merge", 1, 2, 6),
        (4, "split", 1, 3, 3),
        (5, "end", 3, None, 0),
        (6, "growth", 1, None, 4),
    ]
    assert history.tracks[2].merged_into == 1
    assert history.tracks[3].split_from == 1
    assert history.tracks[1].members_at(3) == (0, 1, 2, 3, 4, 5)
    assert history.tracks[1].members_at(0) == ()
    assert history.tracks[2].end == 3


def test_the_larger_part_keeps_the_identity() -> None:
    history = follow_aggregates(labels("aaaaaaaa", "aaaccccc"))
    assert history.tracks[1].members == (3, 4, 5, 6, 7)
    assert history.tracks[2].members == (0, 1, 2)
    assert history.tracks[2].split_from == 1


def test_identity_does_not_depend_on_how_metals_are_numbered() -> None:
    rng = np.random.default_rng(2)
    rows = labels("aaaeeeghij", "aaaaaaghij", "aaaeeeggii", "aaaeeegggg")
    order = rng.permutation(rows.shape[1])
    shuffled = rows[:, order]
    places = [np.unique(row, return_inverse=True)[1] for row in shuffled]
    first = np.array([[np.flatnonzero(p == k)[0] for k in p] for p in places], dtype=np.int32)
    before = [(e.frame, e.kind, e.size) for e in follow_aggregates(rows).events]
    after = [(e.frame, e.kind, e.size) for e in follow_aggregates(first).events]
    assert before == after


def test_survival_and_rate_of_an_exponential_law() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        times = rng.exponential(100.0, 30)
        first = [float(t) if t < 80 else None for t in times]
        curve = survival(first, [80.0] * 30)
        covered += curve.rate_low_ns <= 10.0 <= curve.rate_high_ns
        assert curve.events == sum(f is not None for f in first)
        assert np.all(np.diff(curve.share) <= 0)
        assert np.all((curve.low <= curve.share + 1e-12) & (curve.share <= curve.high + 1e-12))
    assert 0.9 <= covered / 200 <= 1.0


def test_without_an_event_the_rate_has_an_upper_end() -> None:
    curve = survival([None, None], [500.0, 500.0])
    assert (curve.rate_ns, curve.rate_low_ns) == (0.0, 0.0)
    assert curve.rate_high_ns == pytest.approx(3.689, abs=1e-3)  # chi2(0.975, 2)/2 per ns
    with pytest.raises(ValueError, match="no replica"):
        survival([], [])


def test_sizes_of_replicas_count_alike() -> None:
    single = np.array([[0, 4, 0, 0, 0]] * 10)
    whole = np.array([[0, 0, 0, 0, 1]] * 100)
    edges, share = size_distribution([np.arange(10.0), np.arange(100) / 10], [single, whole], 5)
    assert edges[-1] == pytest.approx(9.9)
    np.testing.assert_allclose(share.sum(axis=1), 1)
    np.testing.assert_allclose(share[:, [1, 4]], 0.5)


def test_order_of_steps() -> None:
    found = [
        {"drying": change_points(range(40), [1.0] * k + [0.0] * (40 - k))[0],
         "aggregation": change_points(range(40), [0.0] * (k + 5) + [1.0] * (35 - k))[0]}
        for k in range(10, 18)
    ]  # fmt: skip
    order = order_of([*found, {"drying": None, "aggregation": None}], "drying", "aggregation")
    assert (order.nuclei, order.before, order.lead_ps) == (8, 8, 5.0)
    assert order.p_order == pytest.approx(2 / 2**8)
    assert np.isnan(order_of([], "drying", "aggregation").p_order)
