"""Selection of explored frames by model deviation, in dpgen2's selector slot."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from dpgen2.exploration.selector import ConfSelector
from numpy.typing import NDArray

from nucleops.learning.advice import Found, advice
from nucleops.learning.choice import Caps, Choice, Pool, choose, distances
from nucleops.learning.cost import total_cost
from nucleops.learning.levels import Levels, levels_of
from nucleops.learning.report import RoundReport
from nucleops.learning.settings import Selection
from nucleops.learning.tally import EXPLORED_FILE, empty_row

if TYPE_CHECKING:
    from nucleops.learning.explored import ExploredRun

__all__ = ["RoundReport", "TrustLevelSelector"]

FloatArray = NDArray[np.float64]
PERCENTILES = (50, 90, 99)
_POOL = 20
"""Candidates looked at for each label wanted: more would cost time and bring nothing new."""
_STAND_INS = 2
"""Frames of each trajectory that stand in where no frame anywhere is a candidate."""


class TrustLevelSelector(ConfSelector):
    """Pick candidates from trajectories that were cut at the hard limit.

    Parameters
    ----------
    selection : mapping
        :class:`nucleops.learning.settings.Selection` as plain data, which travels.
    seed : int
        Seed of the choice.
    """

    uses_labelled_data = True
    """Tells :class:`nucleops.selection.SelectConfs` to hand over what is labelled already."""

    def __init__(self, selection: Mapping[str, Any], seed: int) -> None:
        self.selection = dict(selection)
        self.seed = seed

    def select(
        self,
        trajs: list[Path],
        model_devis: list[Path],
        type_map: list[str] | None = None,
        optional_outputs: list[Path] | None = None,
        labelled_data: Sequence[Path] = (),
    ) -> tuple[list[Path], RoundReport]:
        """Choose frames and write them below the working directory, ``explored.json`` beside.

        Parameters
        ----------
        trajs, model_devis : list of Path
            Trajectory (LAMMPS dump) and model deviation of each run, row by row the same frames.
        type_map : list of str
            Element order of fingerprints; left out, all elements of the runs.
        optional_outputs : list of Path
            Folder of each run with ``topology.extxyz`` and ``md.json``.
        labelled_data : sequence of Path
            Data sets that candidates are compared with, and records of the rounds before.

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
        from nucleops.learning.known import explored_rows

        settings = Selection.model_validate(self.selection)
        runs = read_explored(trajs, model_devis, optional_outputs)
        every = np.concatenate([*(run.deviation_eV_A for run in runs), np.empty(0)])
        levels = levels_of(settings, every)
        elements = sorted({symbol for run in runs for symbol in run.system.symbols})
        pools = pools_of(runs, levels, settings, type_map or elements, labelled_data)
        caps = Caps(settings.max_labels, settings.max_per_trajectory, settings.max_per_system)
        choice = choose(pools, caps, self.seed, settings.minimum_distance)
        confs = write_chosen(runs, choice.frames, Path("confs"))
        Path(EXPLORED_FILE).write_text(json.dumps(explored_rows(runs)), encoding="utf-8")
        return confs, _report(runs, every, levels, settings, choice)


def pools_of(
    runs: Sequence[ExploredRun],
    levels: Levels,
    settings: Selection,
    elements: Sequence[str],
    labelled_data: Sequence[Path] = (),
) -> list[Pool]:
    """Candidates of each run.

    Where no frame of any run is a candidate, the frames just above the high level stand in: they
    are what the potential fails on, and without them the loop could not go on.
    """
    from nucleops.learning.fingerprints import fingerprints
    from nucleops.learning.known import labelled_vectors

    frames = candidates([run.deviation_eV_A for run in runs], levels)
    n_candidates, most = sum(map(len, frames)), _POOL * settings.max_labels
    if n_candidates > most:
        frames = [own[:: -(-n_candidates // most)] for own in frames]
    weights: list[FloatArray | None] = [None] * len(runs)
    if settings.favour_unvisited:
        weights = _unvisited(runs, frames, labelled_data)
    keys = [(run.system.name, run.key) for run in runs]
    if settings.order == "random" or not n_candidates:
        return [
            Pool(own, system, weight, key=key)
            for own, weight, (system, key) in zip(frames, weights, keys, strict=True)
        ]
    known = labelled_vectors(labelled_data, elements)
    pools = []
    for run, own, weight, (system, key) in zip(runs, frames, weights, keys, strict=True):
        atoms = run.system
        vectors = fingerprints(
            atoms.symbols, run.positions[own], run.cells[own], atoms.periodic, elements
        )
        pools.append(Pool(own, system, weight, vectors, distances(vectors, known), key))
    return pools


def _unvisited(
    runs: Sequence[ExploredRun],
    frames: Sequence[NDArray[np.int64]],
    labelled_data: Sequence[Path],
) -> list[FloatArray | None]:
    """Weights of candidates where biased variables are known."""
    from nucleops.learning.coverage import unvisited_weights
    from nucleops.learning.known import visited

    weights: list[FloatArray | None] = [None] * len(runs)
    for members, seen in visited(runs, labelled_data):
        own = [np.column_stack(list(runs[i].cvs.values()))[frames[i]] for i in members]
        for i, weight in zip(members, unvisited_weights(own, seen), strict=True):
            weights[i] = weight
    return weights


def candidates(deviations: Sequence[FloatArray], levels: Levels) -> list[NDArray[np.int64]]:
    """Frame numbers of each trajectory that may be labelled; see :func:`pools_of`."""
    found = [np.flatnonzero(levels.candidates(d)) for d in deviations]
    if any(map(len, found)):
        return found
    failed = [np.flatnonzero(d > levels.high_eV_A) for d in deviations]
    least = [
        own[np.argsort(d[own])][:_STAND_INS] for own, d in zip(failed, deviations, strict=True)
    ]
    return [np.sort(own) for own in least]


def _report(
    runs: Sequence[ExploredRun],
    every: FloatArray,
    levels: Levels,
    settings: Selection,
    choice: Choice,
) -> RoundReport:
    """Write the account of a round."""
    n_lost = sum(run.n_lost for run in runs)
    numbers = every[np.isfinite(every)]
    report = RoundReport(
        levels.counts(every, n_lost),
        choice.total,
        settings.converged_accurate,
        {str(p): float(np.percentile(numbers, p)) for p in PERCENTILES if len(numbers)},
        low_eV_A=levels.low_eV_A,
        adaptive=None if settings.adaptive is None else settings.adaptive.model_dump(mode="json"),
    )
    endings = Counter(str(run.ended_by) for run in runs if run.ended_by)
    if report.stalled and not report.enough([]):
        found = Found(every, levels, len(runs), n_lost, choice.n_duplicates, endings)
        report.advice = advice(found)
    report.details = {
        "n_alike": choice.n_duplicates,
        "n_not_finite": len(every) - len(numbers),
        "n_runs": len(runs),
        "ended_early": dict(endings),
        "explorations": by_exploration(runs, levels, choice),
        "cost": {"exploration": total_cost(run.cost for run in runs)},
    }
    return report


def by_exploration(
    runs: Sequence[ExploredRun], levels: Levels, choice: Choice
) -> dict[str, dict[str, Any]]:
    """Count frames and runs of each exploration; see :data:`nucleops.learning.tally.TALLIES`."""
    table: dict[str, dict[str, Any]] = {}
    for run, chosen in zip(runs, choice.frames, strict=True):
        row = table.setdefault(run.exploration, empty_row(run.system.name))
        for kind, n in levels.counts(run.deviation_eV_A, run.n_lost).items():
            row[kind] += n
        row["selected"] += len(chosen)
        row["runs"] += 1
    return table
