"""What to do about a round that found nothing to label, from what it did find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nucleops.learning.levels import Levels


@dataclass(frozen=True)
class Found:
    """What a round found.

    Attributes
    ----------
    deviation_eV_A : ndarray
        Largest force deviation of every frame of every run, shape (n_frames,).
    levels : Levels
        Trust levels of the round.
    n_runs, n_lost, n_duplicates : int
        Exploration runs; frames that were planned but not reached; candidates that were passed
        over as duplicates.
    endings : mapping of str to int
        Why runs were ended early, and how many were.
    """

    deviation_eV_A: NDArray[np.float64]
    levels: Levels
    n_runs: int
    n_lost: int = 0
    n_duplicates: int = 0
    endings: Mapping[str, int] = field(default_factory=dict)


def advice(found: Found) -> str:
    """Say in sentences why there was nothing to label, and which setting would change that.

    Parameters
    ----------
    found : Found
        Of a round that selected nothing and was not accurate enough.
    """
    values = found.deviation_eV_A
    numbers = values[np.isfinite(values)]
    if not len(values):
        return (
            f"None of the {found.n_runs} exploration runs left a frame; look at the logs of the "
            "run-lmp steps, and see that learn.exploration names runs that can start."
        )
    if not len(numbers):
        return (
            f"The model deviation of all {len(values)} explored frames is not a finite number: the "
            "potentials do not hold at the start of a run. Train longer (learn.train.first.steps), "
            "give more initial data (learn.initial_data), or relax the starts "
            "(md.minimise_steps of learn.exploration)."
        )
    if found.n_duplicates:
        return (
            f"All {found.n_duplicates} candidates are closer to labelled frames than "
            "learn.selection.minimum_distance allows. Lower it, or explore elsewhere: other "
            "temperatures_K, more copies or a bias in learn.exploration."
        )
    return _never_reached(found, numbers)


def _never_reached(found: Found, numbers: NDArray[np.float64]) -> str:
    """All that was reached is accurate, but too little was reached."""
    ended = ", ".join(f"{n} by {why}" for why, n in found.endings.items()) or "none said why"
    share = found.n_lost / max(1, found.n_lost + len(found.deviation_eV_A))
    return (
        f"No explored frame deviates by more than {numbers.max():.3g} eV/A, less than the low "
        f"trust level ({found.levels.low_eV_A:g}), yet {share:.0%} of the planned frames were "
        f"never reached, since runs were ended early ({ended}). Lower force_deviation_low_eV_A to "
        f"{0.9 * numbers.max():.2g} or less, so that frames before the ends are labelled, or see "
        "whether learn.exploration_trust ends runs that are sound."
    )
