"""Typed settings of which explored frames are labelled, and of when learning has converged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nucleops.settings import Fraction, NonNegative, Positive, PositiveInt, Settings


class AdaptiveLevel(Settings):
    """A low trust level that follows the explored frames, as dpgen2's `adaptive-lower`."""

    candidates: PositiveInt = 200
    """So many frames of the largest deviation that is not above the high level are candidates."""
    share: Fraction = 0.01
    """The same as a share of the frames that are not above the high level; the larger number
    counts."""
    tolerance_eV_A: Positive = 0.05
    """Learning has converged once the low level changes by less from round to round, in eV/A."""
    rounds: int = Field(default=2, ge=2, le=20)
    """Rounds over which it must not change by more."""


class Selection(Settings):
    """Which explored frames are labelled: the trust levels of the model deviation."""

    force_deviation_low_eV_A: Positive | None = None
    """Below this largest force deviation a frame is accurate, in eV/A; required unless `adaptive`
    is given."""
    adaptive: AdaptiveLevel | None = None
    """Let the low level follow from the deviations of each round instead."""
    force_deviation_high_eV_A: Positive
    """Above it a frame is failed; between the two it is a candidate, in eV/A."""
    max_labels: PositiveInt
    """Largest number of candidates labelled in a round."""
    max_per_trajectory: PositiveInt | None = None
    """Largest number of them from one trajectory; left out: no such limit."""
    max_per_system: PositiveInt | None = None
    """Largest number of them from all trajectories of one system; left out: no such limit."""
    order: Literal["farthest-point", "random"] = "farthest-point"
    """Which candidates of a trajectory come first: those least like any frame that is labelled or
    chosen already, by the distance of their structural fingerprints, or any."""
    minimum_distance: NonNegative = 0.0
    """A candidate closer than this to a frame that is labelled or chosen already is a duplicate and
    is not labelled; in units of the fingerprint, see docs/concurrent-learning.md."""
    favour_unvisited: bool = False
    """Prefer candidates of biased explorations where their biased variables have been seldom."""
    converged_accurate: Fraction = 0.95
    """Share of accurate frames at which learning has converged; with `adaptive`, one minus the
    share of failed frames at which it may."""

    @model_validator(mode="after")
    def _levels(self) -> Selection:
        if (self.force_deviation_low_eV_A is None) == (self.adaptive is None):
            raise ValueError("give exactly one of force_deviation_low_eV_A and adaptive")
        low = self.force_deviation_low_eV_A
        if low is not None and low >= self.force_deviation_high_eV_A:
            raise ValueError(
                "force_deviation_low_eV_A must be smaller than force_deviation_high_eV_A"
            )
        if self.minimum_distance > 0 and self.order == "random":
            raise ValueError("minimum_distance needs order: farthest-point, found random")
        return self
