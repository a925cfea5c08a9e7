"""Trust levels, fixed and adaptive, whatever the deviations are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleops.learning.advice import Found, advice
from nucleops.learning.levels import Levels, adaptive_low, levels_of, settled
from nucleops.learning.settings import AdaptiveLevel, Selection

HIGH = 0.5
numbers = st.floats(0, 2) | st.just(float("nan")) | st.just(float("inf"))
deviations = st.lists(numbers, max_size=40).map(lambda v: np.array(v, dtype=float))


@given(deviations, st.integers(1, 30), st.floats(0, 1))
def test_so_many_frames_are_candidates_as_the_rule_says(
    values: np.ndarray, wanted: int, share: float
) -> None:
    rule = AdaptiveLevel(candidates=wanted, share=share)
    levels = Levels(adaptive_low(values, HIGH, rule), HIGH)
    below = np.sort(values[values <= HIGH])
    n = min(len(below), max(wanted, int(share * len(below))))
    found = np.sort(values[levels.candidates(values)])
    assert len(found) >= n  # ties with the level are candidates as well
    assert len(np.unique(found)) == len(np.unique(below[len(below) - n :]))


@given(deviations, st.integers(0, 9))
def test_every_frame_is_counted_once(values: np.ndarray, n_lost: int) -> None:
    counts = Levels(0.2, HIGH).counts(values, n_lost)
    assert sum(counts.values()) == len(values) + n_lost
    not_a_number = int(np.isnan(values).sum())
    assert counts["failed"] == int(np.sum(values > HIGH)) + not_a_number + n_lost


def test_as_dpgen2_where_dpgen2_gives_a_level() -> None:
    from dpgen2.exploration.deviation import DeviManager, DeviManagerStd
    from dpgen2.exploration.report import ExplorationReportAdaptiveLower

    rng = np.random.default_rng(3)
    runs = [rng.uniform(0, 0.8, n) for n in (40, 7, 100)]
    manager = DeviManagerStd()
    for run in runs:
        manager.add(DeviManager.MAX_DEVI_F, run)
    for candidates, share in ((20, 0.01), (5, 0.4)):
        theirs = ExplorationReportAdaptiveLower(HIGH, candidates, share)
        theirs.record(manager)
        rule = AdaptiveLevel(candidates=candidates, share=share)
        assert adaptive_low(np.concatenate(runs), HIGH, rule) == theirs.level_f_lo


def test_a_level_settles() -> None:
    rule = AdaptiveLevel(tolerance_eV_A=0.02, rounds=3)
    assert not settled([0.3, 0.3], rule)
    assert not settled([0.3, 0.27, 0.26], rule)
    assert settled([0.5, 0.3, 0.29, 0.28], rule)


def test_the_study_gives_one_low_level() -> None:
    more = {"force_deviation_high_eV_A": HIGH, "max_labels": 5}
    fixed = Selection.model_validate({"force_deviation_low_eV_A": 0.1, **more})
    assert levels_of(fixed, np.zeros(0)) == Levels(0.1, HIGH)
    assert levels_of(Selection(adaptive=AdaptiveLevel(), **more), np.zeros(0)) == Levels(HIGH, HIGH)
    for wrong in ({}, {"force_deviation_low_eV_A": 0.1, "adaptive": {}}):
        with pytest.raises(ValueError, match="exactly one of force_deviation_low_eV_A and adapt"):
            Selection.model_validate({**wrong, **more})
    with pytest.raises(ValueError, match="must be smaller"):
        Selection.model_validate({"force_deviation_low_eV_A": 0.6, **more})
    random = {"order": "random", "minimum_distance": 1.0}
    with pytest.raises(ValueError, match="minimum_distance needs order"):
        Selection.model_validate({"force_deviation_low_eV_A": 0.1, **random, **more})


def found(values: list[float], **more: object) -> str:
    return advice(Found(np.array(values), Levels(0.2, HIGH), 3, **more))  # type: ignore[arg-type]


def test_advice_names_what_was_found_and_what_to_change() -> None:
    assert "None of the 3 exploration runs left a frame" in found([])
    assert "learn.train.first.steps" in found([float("nan"), float("inf")])
    text = found([0.25, 0.3], n_duplicates=2)
    assert "All 2 candidates" in text
    assert "learn.selection.minimum_distance" in text
    text = found([0.1, 0.15], n_lost=2, endings={"torn molecule": 2})
    assert "50% of the planned frames were never reached" in text
    assert "2 by torn molecule" in text
    assert "Lower force_deviation_low_eV_A to 0.14" in text
