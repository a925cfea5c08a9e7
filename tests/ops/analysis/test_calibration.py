"""Two hundred runs with a known answer: what is stated with 95 % holds in about 95 of 100."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
RUNS, STEPS = 200, 100_000


@pytest.fixture(scope="module")
def outcomes() -> list:
    """Outcomes of runs whose random numbers are fixed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        from calibration import SURFACES, run

        return [run(SURFACES[0], seed, STEPS) for seed in range(RUNS)]


def test_intervals_of_a_difference_hold_the_truth(outcomes: list) -> None:
    told = [one for one in outcomes if one.stated]
    assert len(told) > 0.9 * RUNS
    assert 0.90 <= np.mean([one.holds for one in told]) <= 0.99


def test_errors_are_as_large_as_what_they_are_errors_of(outcomes: list) -> None:
    off, error = (
        np.sqrt(np.mean([getattr(one, name) ** 2 for one in outcomes if one.stated]))
        for name in ("off", "error")
    )
    assert off / error == pytest.approx(1.0, abs=0.25)
    assert np.mean([one.chi2 for one in outcomes if one.stated]) == pytest.approx(1.0, abs=0.35)
    assert np.mean([one.barrier_holds for one in outcomes if one.stated]) >= 0.88


def test_runs_that_crossed_too_rarely_state_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from calibration import SURFACES, run

    short = [run(SURFACES[1], seed, 12_000) for seed in range(10)]
    assert not any(one.stated for one in short)
