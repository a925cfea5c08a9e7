"""A bias evaluated along a trajectory of any length, written as COLVAR while it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TextIO

import numpy as np

from nucleops.bias.resolved import FloatArray, ResolvedBias
from nucleops.bias.tables import header_text, rows_text
from nucleops.bias.values import evaluate
from nucleops.errors import WrongInput
from nucleops.systems.frames import Frames
from nucleops.systems.trajectory import Trajectory


def values_along(
    resolved: ResolvedBias,
    trajectory: Trajectory,
    *,
    time_step_fs: float | None = None,
    md_time_step_fs: float | None = None,
) -> Iterator[tuple[dict[str, FloatArray], str]]:
    """Evaluate variables, walls and restraints chunk by chunk.

    Parameters
    ----------
    resolved : ResolvedBias
        The bias, resolved against the trajectory's topology.
    trajectory : Trajectory
        The frames.
    time_step_fs : float or None
        Time between MD steps where the file counts them, between its frames where it does not;
        given, it goes before the file's own times.
    md_time_step_fs : float or None
        Time between MD steps as far as is known; it serves where the file counts steps, has no
        times, and ``time_step_fs`` is not given.

    Yields
    ------
    columns : dict of str to ndarray
        ``time`` in fs, then what :func:`nucleops.bias.values.evaluate` gives, shape (F,) each.
    clock : str
        Where the times come from, in a word; the same in every chunk.

    Raises
    ------
    WrongInput
        The trajectory cannot be read or does not fit (:class:`Trajectory`), or there is no telling
        the time of its frames.
    """
    for frames in trajectory:
        times, clock = frame_times(trajectory, frames, time_step_fs, md_time_step_fs)
        values = evaluate(resolved, frames.positions, frames.cells)
        yield {"time": times, **values}, clock


def frame_times(
    trajectory: Trajectory, frames: Frames, step_fs: float | None, md_step_fs: float | None = None
) -> tuple[FloatArray, str]:
    """Time of each frame of a chunk in fs, shape (F,), and where it comes from, in a word.

    Parameters and errors are those of :func:`values_along`.
    """
    if step_fs is None and frames.times_fs is not None:
        return frames.times_fs, frames.clock
    if frames.steps is None:
        counted, what, step = frames.numbers, "frames", step_fs
    else:
        counted, what, step = frames.steps, "steps", step_fs or md_step_fs
    if step is None:
        raise WrongInput(
            f"{trajectory.path}: says neither the time nor the MD step of its frames",
            advice="give --time-step, the time in fs from one frame of the file to the next",
        )
    return np.asarray(counted * step, dtype=np.float64), f"{what}-of-{step:.12g}-fs"


def write_along(
    resolved: ResolvedBias,
    trajectory: Trajectory,
    out: TextIO,
    *,
    time_step_fs: float | None = None,
    md_time_step_fs: float | None = None,
    constants: Mapping[str, str] | None = None,
) -> int:
    """Write a COLVAR of a trajectory, chunk by chunk; memory does not grow with its length.

    Parameters
    ----------
    resolved, trajectory, time_step_fs, md_time_step_fs
        As for :func:`values_along`.
    out : text file
        Where it is written to.
    constants : mapping of str to str or None
        More ``#! SET`` lines. Those written in every case are ``time_unit``, ``time_from``, and
        the period of torsions, as PLUMED has it.

    Returns
    -------
    int
        Number of rows.
    """
    count = 0
    for columns, clock in values_along(
        resolved, trajectory, time_step_fs=time_step_fs, md_time_step_fs=md_time_step_fs
    ):
        if not count:
            head = {
                "time_unit": "fs",
                "time_from": clock,
                **(constants or {}),
                **resolved.period_constants(),
            }
            # PLUMED's readers take one word for a value
            words = {name: "_".join(value.split()) for name, value in head.items()}
            out.write(header_text(columns, words))
        out.write(rows_text(columns))
        count += len(columns["time"])
    return count
