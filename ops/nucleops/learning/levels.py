"""Trust levels of the model deviation: accurate, candidate, failed.

The levels are those of DP-GEN (Zhang et al., Phys. Rev. Materials 3, 023804 (2019)): a frame whose
largest force deviation is below the low level is *accurate*, between the levels a *candidate* for
labelling, above the high level *failed*. What is not a number is failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucleops.learning.settings import AdaptiveLevel, Selection

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """Trust levels of the largest force deviation in eV/A; candidates lie in [low, high]."""

    low_eV_A: float
    high_eV_A: float

    def candidates(self, deviation_eV_A: FloatArray) -> NDArray[np.bool_]:
        """Which frames are candidates, shape (n_frames,)."""
        return (deviation_eV_A >= self.low_eV_A) & (deviation_eV_A <= self.high_eV_A)

    def counts(self, deviation_eV_A: FloatArray, n_lost: int = 0) -> dict[str, int]:
        """Count frames of each of :data:`KINDS`; ``n_lost`` that were never reached have failed."""
        accurate = int(np.sum(deviation_eV_A < self.low_eV_A))
        candidate = int(np.sum(self.candidates(deviation_eV_A)))
        failed = len(deviation_eV_A) - accurate - candidate + n_lost
        return {"accurate": accurate, "candidate": candidate, "failed": failed}


def levels_of(selection: Selection, deviation_eV_A: FloatArray) -> Levels:
    """Trust levels of a round, from the deviations of all its frames, shape (n_frames,)."""
    low, high = selection.force_deviation_low_eV_A, selection.force_deviation_high_eV_A
    if selection.adaptive is not None:
        low = adaptive_low(deviation_eV_A, high, selection.adaptive)
    return Levels(high if low is None else low, high)


def adaptive_low(deviation_eV_A: FloatArray, high_eV_A: float, rule: AdaptiveLevel) -> float:
    """Low trust level of a round.

    The rule of dpgen2's ``ExplorationReportAdaptiveLower``: of the frames that are not above the
    high level, the ``max(candidates, share * n)`` of the largest deviation are candidates, and the
    smallest deviation among them is the level.

    Parameters
    ----------
    deviation_eV_A : ndarray
        Largest force deviation of every frame, shape (n_frames,); may be empty. Frames without a
        number do not count; dpgen2 sorts them among the others.
    high_eV_A : float
        The high level.
    rule : AdaptiveLevel
        How many frames are to be candidates.

    Returns
    -------
    float
        The level; the high one where no frame lies below that.
    """
    below = np.sort(deviation_eV_A[deviation_eV_A <= high_eV_A])
    wanted = min(len(below), max(rule.candidates, int(rule.share * len(below))))
    return float(below[-wanted]) if wanted else high_eV_A


def enough(
    lows_eV_A: Sequence[float], failed: float, rule: AdaptiveLevel, converged_accurate: float
) -> bool:
    """Whether learning with an adaptive level has converged.

    The level must have :func:`settled`, and of the last round's frames no larger share than one
    minus ``converged_accurate`` may have failed: a level that stays since most frames lie above the
    high one says nothing. dpgen2 asks for the former only.
    """
    return failed <= 1 - converged_accurate and settled(lows_eV_A, rule)


def settled(lows_eV_A: Sequence[float], rule: AdaptiveLevel) -> bool:
    """Whether the low level has changed by less than the tolerance in each of the last rounds."""
    last = np.asarray(lows_eV_A[-rule.rounds :], dtype=np.float64)
    return len(last) == rule.rounds and bool(np.all(np.abs(np.diff(last)) < rule.tolerance_eV_A))
