"""Frames of anyone's trajectories, with the row of the series that each belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nucleops.analysis.states.observe import Piece
from nucleops.analysis.states.series import Series, match, refuse_strangers
from nucleops.bias.along import frame_times
from nucleops.errors import WrongInput
from nucleops.systems.trajectory import Trajectory

UNITS_FS = {"fs": 1.0, "ps": 1e3, "ns": 1e6}
"""Units that times in a series can be in."""


def try_first(
    walkers: Sequence[Sequence[Trajectory]], labels: Sequence[str], time_step_fs: float | None
) -> None:
    """Read the first frame of each trajectory: what is wrong with it is said before hours of work.

    Raises
    ------
    WrongInput
        There are not as many as series, or as :func:`pieces_of`.
    """
    if len(labels) != len(walkers):
        raise WrongInput(
            f"found trajectories of {len(walkers)} walkers and series of {len(labels)}; allowed: "
            "one TRAJECTORY for every --colvar, in the same order; segments of one are joined by "
            "commas"
        )
    for trajectory in (one for segments in walkers for one in segments):
        first = replace(trajectory, start=0, stop=1)
        for frames in first:
            frame_times(first, frames, time_step_fs)


def pieces_of(
    walkers: Sequence[Sequence[Trajectory]],
    series: Series,
    labels: Sequence[str],
    time_unit: str,
    time_step_fs: float | None = None,
) -> Iterator[Piece]:
    """Yield the frames of every walker, chunk by chunk.

    Parameters
    ----------
    walkers : sequence of sequence of Trajectory
        Segments of each walker's trajectory.
    series : Series
        Rows of all walkers.
    labels : sequence of str
        What each walker's series is called in messages.
    time_unit : str
        Unit of the series' times, a key of :data:`UNITS_FS`.
    time_step_fs : float or None
        As :func:`nucleops.bias.along.frame_times` takes it.

    Raises
    ------
    WrongInput
        Most frames of a walker are at the time of no row, or as
        :class:`nucleops.systems.trajectory.Trajectory`.
    """
    for number, (segments, label) in enumerate(zip(walkers, labels, strict=True)):
        first = int(np.searchsorted(series.walker, number))
        rows = series.times[series.walker == number]
        seen, found = [], []
        for trajectory in segments:
            for frames in trajectory:
                fs, _ = frame_times(trajectory, frames, time_step_fs)
                times = fs / UNITS_FS[time_unit]
                matched = match(times, rows)
                seen.append(times)
                found.append(matched)
                placed = np.where(matched >= 0, matched + first, -1)
                yield Piece(number, placed, frames.numbers, frames.positions, frames.cells)
        what = ", ".join(str(trajectory.path) for trajectory in segments)
        together, where = np.concatenate(seen), np.concatenate(found)
        refuse_strangers(what, label, together, rows, where, time_unit)
