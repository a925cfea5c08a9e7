"""One pass over a trajectory: distances and bridges of each frame, and the frames worth keeping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.settings import BridgeSettings
from nucleops.analysis.states.bridges import MODES, Junction, modes_of
from nucleops.analysis.states.named import NamedDistance
from nucleops.analysis.states.series import Series
from nucleops.systems.system import System


class Piece(NamedTuple):
    """Some frames of one walker, of which row each is (-1: of none)."""

    walker: int
    rows: IntArray  # (F,), in the whole series
    numbers: IntArray  # (F,), in the trajectory
    positions: FloatArray  # (F, N, 3)
    cells: FloatArray  # (F, 3)


@dataclass(frozen=True)
class Goal:
    """A place in the variables whose nearest frames are wanted.

    Attributes
    ----------
    name : str
        Of the state, or of the point of a path.
    values : ndarray
        Shape (K,).
    basin : int or None
        Basin that the frames have to be in.
    """

    name: str
    values: FloatArray
    basin: int | None = None


@dataclass(frozen=True)
class Picked:
    """A frame that was kept.

    Attributes
    ----------
    away : float
        Distance from the goal in kernel widths; of a way of being joined, the free energy there.
    walker, number, row : int
        Where it comes from.
    positions, cell : ndarray
        Shapes (N, 3) and (3,), in A.
    """

    away: float
    walker: int
    number: int
    row: int
    positions: FloatArray = field(repr=False)
    cell: FloatArray = field(repr=False)


@dataclass(frozen=True)
class Observed:
    """What was seen.

    Attributes
    ----------
    names : tuple of str
        Of the distances.
    rows : ndarray of int
        Row of each frame that has one, shape (F,).
    distances : ndarray
        Shape (F, P), in A.
    mode, bridges : ndarray of int or None
        How the halves are joined and by how many molecules, shape (F,).
    picked : dict
        Goal, or ``joined-<mode>`` -> frames, the best first.
    unmatched : int
        Frames without a row.
    """

    names: tuple[str, ...]
    rows: IntArray
    distances: FloatArray
    mode: IntArray | None
    bridges: IntArray | None
    picked: dict[str, list[Picked]]
    unmatched: int


@dataclass(frozen=True)
class Watch:
    """What is looked for in the frames of a system.

    Attributes
    ----------
    system : System
        Their topology.
    goals : tuple of Goal
        Places whose nearest frames are kept.
    scale : ndarray
        Unit of length along each variable, shape (K,).
    periods : tuple of float or None
        Of the variables.
    distances : tuple of NamedDistance
        Distances to follow.
    junction : Junction or None
        Where bridges are counted.
    bridges : BridgeSettings
        Cut-offs.
    count : int
        Frames kept of each state.
    """

    system: System
    goals: tuple[Goal, ...]
    scale: FloatArray
    periods: tuple[float | None, ...]
    distances: tuple[NamedDistance, ...] = ()
    junction: Junction | None = None
    bridges: BridgeSettings = field(default_factory=BridgeSettings)
    count: int = 5

    def away(self, goal: Goal, series: Series, rows: IntArray) -> FloatArray:
        """Distance of rows from a goal, shape (F,); inf in other basins than its own."""
        between = series.values[rows] - goal.values
        for d, period in enumerate(self.periods):
            if period is not None:
                between[:, d] -= period * np.round(between[:, d] / period)
        made = np.linalg.norm(between / self.scale, axis=1)
        if goal.basin is not None:
            made = np.where(series.basin[rows] == goal.basin, made, np.inf)
        return np.asarray(made)


def observe(pieces: Iterable[Piece], series: Series, watch: Watch) -> Observed:
    """Look at every frame once; memory does not grow with the coordinates.

    Parameters
    ----------
    pieces : iterable of Piece
        Frames, of all walkers.
    series : Series
        Rows with weights.
    watch : Watch
        What to look for.
    """
    rows, seen, modes, counts, unmatched = [], [], [], [], 0
    picked: dict[str, list[Picked]] = {goal.name: [] for goal in watch.goals}
    periodic = watch.system.periodic
    for piece in pieces:
        known = piece.rows >= 0
        unmatched += int(np.sum(~known))
        own = Piece(
            piece.walker,
            piece.rows[known],
            piece.numbers[known],
            piece.positions[known],
            piece.cells[known],
        )
        x, cells = own.positions, own.cells
        rows.append(own.rows)
        columns = [one.of(x, cells, periodic) for one in watch.distances]
        seen.append(np.stack(columns, axis=1) if columns else np.empty((len(x), 0)))
        for goal in watch.goals:
            _keep(picked[goal.name], watch.away(goal, series, own.rows), own, watch.count)
        if watch.junction is not None:
            mode, bridges = modes_of(x, cells, periodic, watch.junction, watch.bridges)
            modes.append(mode)
            counts.append(bridges)
            for k, name in enumerate(MODES):
                lowest = np.where(mode == k, series.energies[own.rows], np.nan)
                lowest = np.where(np.isfinite(lowest), lowest, np.inf)
                _keep(picked.setdefault(f"joined-{name}", []), lowest, own, watch.count)
    return Observed(
        names=tuple(one.name for one in watch.distances),
        rows=_joined(rows),
        distances=np.concatenate(seen) if seen else np.empty((0, len(watch.distances))),
        mode=_joined(modes) if modes else None,
        bridges=_joined(counts) if counts else None,
        picked={name: frames for name, frames in picked.items() if frames},
        unmatched=unmatched,
    )


def _joined(parts: Sequence[IntArray]) -> IntArray:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _keep(kept: list[Picked], away: FloatArray, piece: Piece, count: int) -> None:
    """Take in the best frames of a piece where they are better than those that are held."""
    for k in np.argsort(away, kind="stable")[:count].tolist():
        if not np.isfinite(away[k]) or (len(kept) == count and away[k] >= kept[-1].away):
            return
        frame = Picked(
            float(away[k]),
            piece.walker,
            int(piece.numbers[k]),
            int(piece.rows[k]),
            np.array(piece.positions[k]),
            np.array(piece.cells[k]),
        )
        kept.append(frame)
        kept.sort(key=lambda one: one.away)
        del kept[count:]
