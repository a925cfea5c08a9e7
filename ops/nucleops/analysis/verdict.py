"""A verdict on a free energy: converged by stated criteria, or what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Verdict:
    """Whether a free energy may be believed.

    Attributes
    ----------
    converged : bool
        True only where every criterion is met.
    sentence : str
        One sentence for the first line of a report's section.
    met, missing : tuple of str
        The criteria that are met, and those that are not, in words.
    unsampled : tuple of str
        Those of `missing` without which an error has no meaning: too little was seen to tell how
        much more would change.
    """

    converged: bool
    sentence: str
    met: tuple[str, ...]
    missing: tuple[str, ...]
    unsampled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Criteria:
    """What a converged run has to show.

    Attributes
    ----------
    round_trips : int
        Trips between the two basins and back.
    drift : float
        Largest spread of the difference over the last half of the run, in `unit`.
    error : float
        Largest standard error of the difference, in `unit`.
    height_ratio : float
        Largest ratio of the last hills' height to the first's (well-tempered runs).
    unit, time_unit : str
        Units of energies and times, for the words.
    """

    round_trips: int = 2
    drift: float = 1.0
    error: float = 1.0
    height_ratio: float = 0.2
    unit: str = "kcal/mol"
    time_unit: str = "ps"


def judge(
    *,
    length: float,
    basins: tuple[str, str],
    trips: int,
    times: ArrayLike,
    differences: ArrayLike,
    error: float,
    visits: Mapping[str, int],
    height_ratio: float | None,
    diffuses: bool | None = None,
    level: bool = True,
    criteria: Criteria | None = None,
) -> Verdict:
    """Judge a run of metadynamics or OPES.

    Parameters
    ----------
    length : float
        Trusted length of the run(s).
    basins : tuple of str
        Names of the two basins.
    trips : int
        Round trips between them.
    times, differences : array_like
        Free-energy difference against time, shapes (T,).
    error : float
        Standard error of the last difference; nan where it could not be made.
    visits : mapping
        Number of frames in each basin.
    height_ratio : float or None
        Mean height of the last tenth of the hills over the first hill's; None where untempered.
    diffuses : bool or None
        Whether the run moves freely between the basins (:func:`goes_back_and_forth`); None where
        that was not looked at.
    level : bool
        Whether the error no longer grows with the block size; else it is a lower bound.
    criteria : Criteria, optional
        The limits, and the units of all that is given.
    """
    limits = criteria or Criteria()
    met: list[str] = []
    missing: list[str] = []
    unsampled: list[str] = []

    def check(passed: bool, good: str, bad: str, *, sampling: bool = True) -> None:
        (met if passed else missing).append(good if passed else bad)
        if sampling and not passed:
            unsampled.append(bad)

    for basin in basins:
        n = visits.get(basin, 0)
        check(n > 0, f"basin {basin} was visited ({n} frames)", f"basin {basin} was never visited")
    check(trips >= limits.round_trips, *_trips(trips, basins, limits))
    spread = late_spread(times, differences)
    check(
        bool(spread <= limits.drift),
        f"the difference moved by {spread:.2f} {limits.unit} over the last half",
        "the difference is not known over the last half of the run"
        if np.isnan(spread)
        else f"the difference still moved by {spread:.2f} {limits.unit} over the last half "
        f"(limit {limits.drift:.3g})",
        sampling=False,
    )
    check(
        bool(error <= limits.error),
        f"its standard error is {error:.2f} {limits.unit}",
        "no standard error can be given: too few blocks visit both basins"
        if np.isnan(error)
        else f"its standard error is {error:.2f} {limits.unit} (limit {limits.error:.3g})",
        sampling=bool(np.isnan(error)),
    )
    if not level and not np.isnan(error):
        check(False, "", "that error is a lower bound: no block of the run is long enough")
    if diffuses is not None:
        check(
            diffuses,
            "both basins were visited in each quarter of the last half: motion is diffusive",
            "in some quarter of the last half the run did not come to both basins: motion is not "
            "yet diffusive",
        )
    if height_ratio is not None:
        check(
            height_ratio <= limits.height_ratio,
            f"hills have shrunk to {100 * height_ratio:.0f}% of the first",
            f"hills are still {100 * height_ratio:.0f}% of the first "
            f"(limit {100 * limits.height_ratio:.0f}%)",
            sampling=False,
        )
    if missing:
        sentence = f"Not converged after {length:.3g} {limits.time_unit}: {missing[0]}."
    else:
        sentence = f"Converged by every criterion applied, after {length:.3g} {limits.time_unit}."
    return Verdict(not missing, sentence, tuple(met), tuple(missing), tuple(unsampled))


def why_no_interval(verdict: Verdict, trips: int, basins: tuple[str, str], limits: Criteria) -> str:
    """Say what is missing for the interval of a difference; empty where nothing is.

    Parameters
    ----------
    verdict : Verdict
        On the first two basins, whose difference moves most.
    trips : int
        Round trips between the two basins of this difference.
    basins : tuple of str
        Their names.
    limits : Criteria
        How many round trips are needed.
    """
    if trips < limits.round_trips:
        return _trips(trips, basins, limits)[1]
    return verdict.unsampled[0] if verdict.unsampled else ""


def _trips(trips: int, basins: tuple[str, str], limits: Criteria) -> tuple[str, str]:
    told = f"{trips} round trip{'' if trips == 1 else 's'} between {basins[0]} and {basins[1]}"
    return told, f"{told}; at least {limits.round_trips} are needed"


def late_spread(times: ArrayLike, values: ArrayLike) -> float:
    """Largest minus smallest value over the last half of the time; nan if any is unknown."""
    t, v = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    late = v[t >= 0.5 * t[-1]] if len(t) else v
    if len(late) < 2 or not np.all(np.isfinite(late)):
        return float("nan")
    return float(late.max() - late.min())
