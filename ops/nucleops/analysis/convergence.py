"""Is a free-energy difference converged, and if not, what is missing?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.errors import jackknife
from nucleops.analysis.grid import BoolArray, FloatArray, Grid, IntArray, as_points

Box = Sequence[tuple[float, float]]
"""Lowest and highest value of each collective variable, shape (D, 2)."""


def in_box(points: ArrayLike, box: Box) -> BoolArray:
    """Which points, shape (F, D), lie inside a box (bounds included), shape (F,)."""
    x = as_points(points, len(box))
    bounds = np.asarray(box, dtype=np.float64)
    return np.asarray(np.all((x >= bounds[:, 0]) & (x <= bounds[:, 1]), axis=1), dtype=np.bool_)


def grid_points(grid: Grid) -> FloatArray:
    """All points of a grid in C order, shape (n, D)."""
    mesh = np.meshgrid(*grid.axes, indexing="ij")
    return np.stack([m.ravel() for m in mesh], axis=1)


def difference_on_grid(surface: ArrayLike, grid: Grid, start: Box, end: Box, kT: float) -> float:
    """Free energy of box `end` minus that of box `start`.

    ``-kT ln( int_end exp(-F/kT) ds / int_start exp(-F/kT) ds )``.

    Parameters
    ----------
    surface : array_like
        Free energy, ``grid.shape``, in the unit of kT; inf where not known.
    grid : Grid
        Its grid.
    start, end : Box
        The two basins.
    kT : float
        Thermal energy.

    Returns
    -------
    float
        nan where a box holds no known point.
    """
    from scipy.special import logsumexp

    minus = -np.asarray(surface, dtype=np.float64).ravel() / kT
    points = grid_points(grid)
    logs = []
    for box in (start, end):
        inside = minus[in_box(points, box) & np.isfinite(minus)]
        if not len(inside):
            return float("nan")
        logs.append(float(logsumexp(inside)))
    return kT * (logs[0] - logs[1])


def difference_from_samples(
    samples: ArrayLike,
    log_weights: ArrayLike,
    start: Box,
    end: Box,
    kT: float,
    n_blocks: int = 10,
) -> tuple[float, float]:
    """Free-energy difference of two boxes from reweighted samples, with a jackknife error.

    Parameters
    ----------
    samples : array_like
        Shape (F, D), in order of time.
    log_weights : array_like
        Logarithm of each sample's weight, shape (F,).
    start, end : Box
        The two basins.
    kT : float
        Thermal energy in the unit wanted.
    n_blocks : int
        Consecutive blocks for the error.

    Returns
    -------
    difference, error : float
        nan where a box was not visited (or, for the error, was visited in one block only).
    """
    return difference_of_members(_members(samples, start, end), log_weights, kT, n_blocks)


def _members(samples: ArrayLike, start: Box, end: Box) -> IntArray:
    inside_end = np.where(in_box(samples, end), 1, -1)
    return np.where(in_box(samples, start), 0, inside_end)


def difference_of_members(
    member: ArrayLike,
    log_weights: ArrayLike,
    kT: float,
    n_blocks: int = 10,
    basins: tuple[int, int] = (0, 1),
) -> tuple[float, float]:
    """Free energy of the second basin minus the first's from rows, with a jackknife error.

    Parameters
    ----------
    member : array_like of int
        Basin of each row, shape (F,), in order of time.
    log_weights : array_like
        Logarithm of each row's weight, shape (F,).
    kT : float
        Thermal energy in the unit wanted.
    n_blocks : int
        Consecutive blocks for the error.
    basins : tuple of int
        The two basins.

    Returns
    -------
    difference, error : float
        nan where a basin was not visited (or, for the error, was visited in one block only).
    """
    which, logs = np.asarray(member), np.asarray(log_weights, dtype=np.float64)
    if not len(logs):
        return float("nan"), float("nan")
    w = np.exp(logs - logs.max())
    inside = np.stack([(which == basin) * w for basin in basins], axis=1)
    blocks = np.array([part.sum(axis=0) for part in np.array_split(inside, n_blocks)])

    def difference(sums: FloatArray) -> float:
        if sums[0] <= 0 or sums[1] <= 0:
            return float("nan")
        return float(kT * np.log(sums[0] / sums[1]))

    return jackknife(difference, blocks)


def round_trips(samples: ArrayLike, start: Box, end: Box) -> int:
    """How often a run went from `start` to `end` and back again (or the other way round)."""
    return trips_of_members(_members(samples, start, end))


def trips_of_members(member: ArrayLike, basins: tuple[int, int] = (0, 1)) -> int:
    """How often a run went from one basin to the other and back, from the basin of each row."""
    which = np.asarray(member)
    state = which[np.isin(which, basins)]
    return int(np.count_nonzero(np.diff(state))) // 2


def goes_back_and_forth(member: ArrayLike, basins: tuple[int, int] = (0, 1)) -> bool:
    """Whether a run moves freely between two basins: is in both in each quarter of its last half.

    Once the bias has flattened the surface, the variables diffuse; a run that still is held in one
    place for a quarter of that time is not there yet.
    """
    which = np.asarray(member)
    late = which[len(which) // 2 :]
    quarters = np.array_split(late, 4)
    return all(bool(np.any(q == basin)) for q in quarters for basin in basins)


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
    """

    converged: bool
    sentence: str
    met: tuple[str, ...]
    missing: tuple[str, ...]


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

    def check(passed: bool, good: str, bad: str) -> None:
        (met if passed else missing).append(good if passed else bad)

    for basin in basins:
        n = visits.get(basin, 0)
        check(n > 0, f"basin {basin} was visited ({n} frames)", f"basin {basin} was never visited")
    check(
        trips >= limits.round_trips,
        f"{trips} round trips between {basins[0]} and {basins[1]}",
        f"{trips} round trips between {basins[0]} and {basins[1]}; "
        f"at least {limits.round_trips} are needed",
    )
    spread = late_spread(times, differences)
    check(
        bool(spread <= limits.drift),
        f"the difference moved by {spread:.2f} {limits.unit} over the last half",
        "the difference is not known over the last half of the run"
        if np.isnan(spread)
        else f"the difference still moved by {spread:.2f} {limits.unit} over the last half "
        f"(limit {limits.drift:.3g})",
    )
    check(
        bool(error <= limits.error),
        f"its standard error is {error:.2f} {limits.unit}",
        "no standard error can be given: too few blocks visit both basins"
        if np.isnan(error)
        else f"its standard error is {error:.2f} {limits.unit} (limit {limits.error:.3g})",
    )
    if not level and not np.isnan(error):
        missing.append("that error is a lower bound: no block of the run is long enough")
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
        )
    if missing:
        sentence = f"Not converged after {length:.3g} {limits.time_unit}: {missing[0]}."
    else:
        sentence = f"Converged by every criterion applied, after {length:.3g} {limits.time_unit}."
    return Verdict(not missing, sentence, tuple(met), tuple(missing))


def late_spread(times: ArrayLike, values: ArrayLike) -> float:
    """Largest minus smallest value over the last half of the time; nan if any is unknown."""
    t, v = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    late = v[t >= 0.5 * t[-1]] if len(t) else v
    if len(late) < 2 or not np.all(np.isfinite(late)):
        return float("nan")
    return float(late.max() - late.min())
