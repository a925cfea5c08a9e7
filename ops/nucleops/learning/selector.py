"""Selection of explored frames by model deviation, and the account of a round.

Trust levels as in DP-GEN (Zhang et al., Phys. Rev. Materials 3, 023804 (2019)): a frame whose
largest force deviation is below the low level is *accurate*, between the levels a *candidate*
for labelling, above the high level *failed*. Frames that a run never reached because it was
ended early count as failed: a round cannot look accurate by ending its bad runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from dpgen2.exploration.report import ExplorationReport
from dpgen2.exploration.selector import ConfSelector
from numpy.typing import NDArray

PERCENTILES = (50, 90, 99)


class RoundReport(ExplorationReport):
    """How many explored frames were accurate, candidates and failed.

    Parameters
    ----------
    counts : dict
        ``accurate``, ``candidate``, ``failed``: numbers of frames.
    selected : int
        Frames chosen for labelling.
    converged_accurate : float
        Share of accurate frames at which learning has converged.
    deviation_percentiles : dict
        Percentile to largest force deviation in eV/A, over all recorded frames.
    """

    def __init__(
        self,
        counts: dict[str, int],
        selected: int,
        converged_accurate: float,
        deviation_percentiles: dict[str, float],
    ) -> None:
        self.counts = counts
        self.selected = selected
        self.converged_accurate = converged_accurate
        self.deviation_percentiles = deviation_percentiles

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
        """Whether enough frames are accurate, or no frame is left that could teach anything.

        A round that selected nothing ends the learning, as a stalled one: to go on would train on
        the same data for ever. The report says so.
        """
        return self.accurate_ratio() >= self.converged_accurate or self.stalled

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
        """Refuse: candidates are chosen by :class:`TrustLevelSelector`."""
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
        """Return the account of the round as plain data, shares as fractions."""
        return {
            "accurate": self.accurate_ratio(),
            "candidate": self.candidate_ratio(),
            "failed": self.failed_ratio(),
            "n_frames_explored": sum(self.counts.values()),
            "n_selected": self.selected,
            "converged": self.accurate_ratio() >= self.converged_accurate,
            "stalled": self.stalled and self.accurate_ratio() < self.converged_accurate,
            "deviation_percentiles_eV_A": self.deviation_percentiles,
        }


def choose(
    deviations: list[NDArray[np.float64]], low: float, high: float, most: int, seed: int
) -> list[NDArray[np.int64]]:
    """Choose the frames to label, spread evenly over the trajectories.

    Parameters
    ----------
    deviations : list of ndarray
        Largest force deviation of every frame of each trajectory, shape (n_frames,), eV/A.
    low, high : float
        Trust levels in eV/A; candidates lie in [low, high].
    most : int
        Largest number of frames chosen in total.
    seed : int
        Seed of the order within a trajectory.

    Returns
    -------
    list of ndarray
        Chosen frame numbers of each trajectory, ascending. Trajectories take turns, so that a
        long one does not crowd out a short one. Where no frame anywhere lies between the levels,
        the frames just above the high level stand in: they are what the potential fails on, and
        without them the loop could not go on.
    """
    rng = np.random.default_rng(seed)
    pools = [rng.permutation(np.flatnonzero((d >= low) & (d <= high))) for d in deviations]
    if not any(len(pool) for pool in pools):
        pools = [np.flatnonzero(d > high)[np.argsort(d[d > high])][:2] for d in deviations]
    chosen: list[list[int]] = [[] for _ in pools]
    for turn in range(max((len(pool) for pool in pools), default=0)):
        for i in rng.permutation(len(pools)):
            if turn < len(pools[i]) and sum(map(len, chosen)) < most:
                chosen[i].append(int(pools[i][turn]))
    return [np.array(sorted(c), dtype=np.int64) for c in chosen]


class TrustLevelSelector(ConfSelector):
    """Pick candidates from trajectories that were cut at the hard limit.

    Parameters
    ----------
    low_eV_A, high_eV_A : float
        Trust levels of the largest force deviation.
    max_labels : int
        Largest number of frames labelled in a round.
    converged_accurate : float
        Share of accurate frames at which learning has converged.
    seed : int
        Seed of the choice.
    """

    def __init__(
        self,
        low_eV_A: float,
        high_eV_A: float,
        max_labels: int,
        converged_accurate: float,
        seed: int,
    ) -> None:
        self.low_eV_A = low_eV_A
        self.high_eV_A = high_eV_A
        self.max_labels = max_labels
        self.converged_accurate = converged_accurate
        self.seed = seed

    def select(
        self,
        trajs: list[Path],
        model_devis: list[Path],
        type_map: list[str] | None = None,
        optional_outputs: list[Path] | None = None,
    ) -> tuple[list[Path], RoundReport]:
        """Choose frames and write them; see :func:`choose`.

        Parameters
        ----------
        trajs, model_devis : list of Path
            Trajectory (LAMMPS dump) and model deviation of each run, row by row the same frames.
        type_map : list of str
            Element order; unused, since the topology names the elements.
        optional_outputs : list of Path
            Folder of each run with ``topology.extxyz`` and ``md.json``.

        Returns
        -------
        confs : list of Path
            One extended XYZ file for each run that has chosen frames.
        report : RoundReport
            The account of the round.

        Raises
        ------
        WrongInput
            The runs' folders are missing, or frames and deviations do not match.
        """
        from nucleops.learning.explored import read_explored, write_chosen

        runs = read_explored(trajs, model_devis, optional_outputs)
        deviations = [run.deviation_eV_A for run in runs]
        chosen = choose(deviations, self.low_eV_A, self.high_eV_A, self.max_labels, self.seed)
        every = np.concatenate([*deviations, np.empty(0)])
        counts = {
            "accurate": int(np.sum(every < self.low_eV_A)),
            "candidate": int(np.sum((every >= self.low_eV_A) & (every <= self.high_eV_A))),
            "failed": int(np.sum(every > self.high_eV_A)) + sum(run.n_lost for run in runs),
        }
        percentiles = (
            {str(p): float(np.percentile(every, p)) for p in PERCENTILES} if len(every) else {}
        )
        confs = write_chosen(runs, chosen, Path("confs"))
        n_chosen = sum(map(len, chosen))
        return confs, RoundReport(counts, n_chosen, self.converged_accurate, percentiles)
