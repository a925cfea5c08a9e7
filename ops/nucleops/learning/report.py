"""The account of a round: what dpgen2's scheduler judges, and what people read."""

from __future__ import annotations

from typing import Any

from dpgen2.exploration.report import ExplorationReport

from nucleops.learning.levels import enough
from nucleops.learning.settings import AdaptiveLevel


class RoundReport(ExplorationReport):
    """How many explored frames were accurate, candidates and failed.

    Parameters
    ----------
    counts : dict
        ``accurate``, ``candidate``, ``failed``: numbers of frames.
    selected : int
        Frames chosen for labelling.
    converged_accurate : float
        Share of accurate frames at which learning has converged; with an adaptive level, one
        minus the share of failed frames at which it may.
    deviation_percentiles : dict
        Percentile to largest force deviation in eV/A, over all recorded frames.
    low_eV_A : float, optional
        Low trust level of the round.
    adaptive : dict, optional
        :class:`nucleops.learning.settings.AdaptiveLevel` as plain data, where the level adapts.
    advice : str
        Of a round that selected nothing: what was found, and which setting to change.
    details : dict, optional
        More of the account: ``explorations`` (counts of each), ``n_alike``, ...
    """

    def __init__(
        self,
        counts: dict[str, int],
        selected: int,
        converged_accurate: float,
        deviation_percentiles: dict[str, float],
        *,
        low_eV_A: float | None = None,
        adaptive: dict[str, Any] | None = None,
        advice: str = "",
        details: dict[str, Any] | None = None,
    ) -> None:
        self.counts = counts
        self.selected = selected
        self.converged_accurate = converged_accurate
        self.deviation_percentiles = deviation_percentiles
        self.low_eV_A = low_eV_A
        self.adaptive = adaptive
        self.advice = advice
        self.details = dict(details or {})

    def _ratio(self, kind: str) -> float:
        total = sum(self.counts.values())
        return self.counts[kind] / total if total else 0.0

    def accurate_ratio(self) -> float:
        """Share of accurate frames."""
        return self._ratio("accurate")

    def candidate_ratio(self) -> float:
        """Share of candidate frames."""
        return self._ratio("candidate")

    def failed_ratio(self) -> float:
        """Share of failed frames."""
        return self._ratio("failed")

    def converged(self, reports: Any) -> bool:
        """Whether the potential is accurate enough, or no frame is left that could teach anything.

        A round that selected nothing ends the learning, as a stalled one: to go on would train on
        the same data for ever. The report says so, with advice.

        Parameters
        ----------
        reports : sequence of RoundReport
            Those of the rounds before, which an adaptive level is compared with.
        """
        return self.enough(reports) or self.stalled

    def enough(self, reports: Any) -> bool:
        """Whether the potential is accurate enough; see :meth:`converged`."""
        if self.adaptive is None:
            return self.accurate_ratio() >= self.converged_accurate
        lows = [*(r.low_eV_A for r in reports), self.low_eV_A]
        rule = AdaptiveLevel.model_validate(self.adaptive)
        return bool(sum(self.counts.values())) and enough(
            lows, self.failed_ratio(), rule, self.converged_accurate
        )

    @property
    def stalled(self) -> bool:
        """Whether no frame was selected although the round was not accurate enough."""
        return self.selected == 0

    def no_candidate(self) -> bool:
        """Tell dpgen2's scheduler to go on; :meth:`converged` handles empty rounds."""
        return False

    def clear(self) -> None:
        """Forget the counts."""
        self.counts = dict.fromkeys(self.counts, 0)
        self.selected = 0

    def record(self, model_devi: Any) -> None:
        """Refuse: counts are given when the report is made, from cut trajectories."""
        raise NotImplementedError("a RoundReport is complete when it is made")

    def get_candidate_ids(self, max_nframes: int | None = None) -> list[list[int]]:
        """Refuse: candidates are chosen by :class:`.selector.TrustLevelSelector`."""
        raise NotImplementedError("candidates are chosen by TrustLevelSelector")

    def print_header(self) -> str:
        """Header of the table of rounds."""
        return "# round  accurate  candidate  failed  selected"

    def print(self, stage_idx: int, idx_in_stage: int, iter_idx: int) -> str:
        """One row of the table of rounds."""
        return (
            f"  {iter_idx:5d}  {self.accurate_ratio():8.4f}  {self.candidate_ratio():9.4f}  "
            f"{self.failed_ratio():6.4f}  {self.selected:8d}"
        )

    def summary(self) -> dict[str, Any]:
        """Return the account of the round as plain data, shares as fractions.

        ``converged`` is None where it depends on the rounds before.
        """
        accurate = None if self.adaptive is not None else self.enough([])
        return {
            "accurate": self.accurate_ratio(),
            "candidate": self.candidate_ratio(),
            "failed": self.failed_ratio(),
            "n_frames_explored": sum(self.counts.values()),
            "n_selected": self.selected,
            "converged": accurate,
            "stalled": self.stalled and not accurate,
            "deviation_percentiles_eV_A": self.deviation_percentiles,
            "low_eV_A": self.low_eV_A,
            "advice": self.advice,
            **self.details,
        }
