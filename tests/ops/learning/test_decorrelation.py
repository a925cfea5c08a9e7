"""Which steps of an AIMD run are kept."""

from __future__ import annotations

import numpy as np
import pytest

from nucleops.engines.cp2k.settings import AimdRun
from nucleops.learning.decorrelation import statistical_inefficiency, thinning


def correlated(n: int, tau: float, seed: int = 1) -> np.ndarray:
    """An autoregressive series of order one, whose statistical inefficiency is known."""
    rng, keep = np.random.default_rng(seed), np.exp(-1 / tau)
    noise = rng.normal(size=n) * np.sqrt(1 - keep**2)
    series = np.empty(n)
    value = rng.normal()
    for i in range(n):
        series[i] = value = keep * value + noise[i]
    return series


def run(steps: int = 4000, **changes: object) -> AimdRun:
    return AimdRun(system="s", temperatures_K=(300.0,), steps=steps, skip_steps=1, **changes)


@pytest.mark.parametrize("tau", [2.0, 8.0, 25.0])
def test_inefficiency_of_a_known_series(tau):
    keep = np.exp(-1 / tau)
    exact = (1 + keep) / (1 - keep)
    found = [statistical_inefficiency(correlated(20_000, tau, seed)) for seed in range(8)]
    assert np.mean(found) == pytest.approx(exact, rel=0.08)


def test_a_drift_is_not_a_correlation():
    noise = np.random.default_rng(2).normal(size=2000)
    assert statistical_inefficiency(noise) < 2
    assert statistical_inefficiency(noise + np.linspace(0, 50, 2000)) < 2
    assert statistical_inefficiency(np.zeros(3)) == 1.0


def test_frames_are_an_inefficiency_apart():
    chosen = thinning(correlated(4000, 10.0), run(stride=5))
    assert chosen.stride_steps == np.ceil(chosen.inefficiency_steps)
    assert 12 < chosen.stride_steps < 30
    assert chosen.decided_by == "statistical inefficiency"
    twice = thinning(correlated(4000, 10.0), run(stride=5, decorrelation=2.0))
    assert twice.stride_steps == np.ceil(2 * chosen.inefficiency_steps)


def test_the_stride_is_the_least_distance():
    white = np.random.default_rng(3).normal(size=4000)
    chosen = thinning(white, run(stride=7))
    assert (chosen.stride_steps, chosen.decided_by) == (7, "minimum stride")
    never = thinning(correlated(4000, 50.0), run(stride=7, decorrelation=0.0))
    assert (never.stride_steps, never.decided_by) == (7, "minimum stride")


def test_a_short_run_keeps_its_fewest_frames():
    chosen = thinning(correlated(200, 60.0), run(steps=200, stride=4, fewest_frames=20))
    assert (chosen.stride_steps, chosen.decided_by) == (10, "fewest frames")
    # but frames are never closer than the stride
    assert thinning(correlated(30, 60.0), run(steps=30, stride=5)).stride_steps == 5
