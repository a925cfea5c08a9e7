"""From a free-energy analysis and its trajectories to what each state looks like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from nucleops.analysis.basins import Basins
from nucleops.analysis.fes.result import Result
from nucleops.analysis.grid import FloatArray
from nucleops.analysis.paths.along import PathProfile
from nucleops.analysis.settings import BridgeSettings
from nucleops.analysis.states.bridges import MODES, junction_of
from nucleops.analysis.states.means import StateMeans, means_in
from nucleops.analysis.states.named import NamedDistance, usual_distances
from nucleops.analysis.states.observe import Goal, Observed, Piece, Watch, observe
from nucleops.analysis.states.series import Series
from nucleops.systems.system import System

FRAMES_ON_PATH = 12
"""Places along a path whose nearest frame is written."""
JOINED = "joined"
BASIN = "basin"


@dataclass(frozen=True)
class Group:
    """A state, and what its frames show in the mean.

    Attributes
    ----------
    by : str
        ``basin``: a region of the surface; ``joined``: how two halves are joined.
    name : str
        Of the basin, or one of :data:`nucleops.analysis.states.bridges.MODES`.
    means : StateMeans
        Of the distances.
    """

    by: str
    name: str
    means: StateMeans


@dataclass(frozen=True)
class States:
    """Everything that was found out about the states of a run.

    Attributes
    ----------
    variables : tuple of str
        Of the surface.
    series : Series
        Rows with weights.
    basins : tuple of str
        Names of the basins.
    watch : Watch
        What was looked for.
    observed : Observed
        What was seen.
    groups : list of Group
        Means, basins first.
    on_path : tuple of str
        Goals along the path, in its order.
    """

    variables: tuple[str, ...]
    series: Series
    basins: tuple[str, ...]
    watch: Watch
    observed: Observed
    groups: list[Group]
    on_path: tuple[str, ...]

    @property
    def frames_used(self) -> int:
        """Frames that have a row of the series."""
        return len(self.observed.rows)


@dataclass(frozen=True)
class Sought:
    """What is sought in the frames, besides the basins and the path.

    Attributes
    ----------
    count : int
        Frames to keep of each state.
    distances : tuple of NamedDistance
        Distances to average; empty: those between two halves that roles tell of.
    places : tuple of (int, int)
        Metal and N between which solvent can come, from zero; empty: by roles.
    bridges : BridgeSettings
        Cut-offs.
    """

    count: int = 5
    distances: tuple[NamedDistance, ...] = ()
    places: tuple[tuple[int, int], ...] = ()
    bridges: BridgeSettings = field(default_factory=BridgeSettings)


def watch_of(result: Result, system: System, sought: Sought) -> tuple[Watch, tuple[str, ...]]:
    """Return what to look for in frames of a system, and the names of the places along the path."""
    made = result.reweighted
    assert made is not None
    goals, on_path = goals_of(result.basins, made.surface, result.path)
    junction = junction_of(system, sought.places or None)
    watch = Watch(
        system=system,
        goals=goals,
        scale=np.maximum(made.bandwidths, result.grid.spacing),
        periods=result.grid.periods,
        distances=sought.distances or usual_distances(system, junction),
        junction=junction,
        bridges=sought.bridges,
        count=sought.count,
    )
    return watch, on_path


def goals_of(
    basins: Basins, surface: FloatArray, path: PathProfile | None
) -> tuple[tuple[Goal, ...], tuple[str, ...]]:
    """Return the places whose nearest frames are wanted, and the names of those along the path.

    Parameters
    ----------
    basins : Basins
        Each one's lowest point is a goal.
    surface : ndarray
        Free energy on their grid.
    path : PathProfile or None
        :data:`FRAMES_ON_PATH` places on it, evenly by length, are goals too.
    """
    goals = []
    for k, name in enumerate(basins.names):
        minimum, value = basins.minimum(surface, k)
        if np.isfinite(value):
            goals.append(Goal(name, minimum, k))
    if path is None:
        return tuple(goals), ()
    wanted = np.linspace(0.0, 1.0, FRAMES_ON_PATH)
    places = np.unique([int(np.argmin(np.abs(path.along - at))) for at in wanted])
    on_path = tuple(f"path-{k:02d}" for k in range(len(places)))
    goals += [Goal(n, path.values[p]) for n, p in zip(on_path, places, strict=True)]
    return tuple(goals), on_path


def states_of(
    pieces: Iterable[Piece],
    variables: Sequence[str],
    series: Series,
    basins: Basins,
    watch: Watch,
    on_path: Sequence[str] = (),
) -> States:
    """Look at the frames, and average them state by state with the weights of their rows."""
    seen = observe(pieces, series, watch)
    weights, block = series.weights[seen.rows], series.block[seen.rows]
    members = [(BASIN, name, series.basin[seen.rows] == k) for k, name in enumerate(basins.names)]
    if seen.mode is not None:
        members += [(JOINED, name, seen.mode == k) for k, name in enumerate(MODES)]
    groups = [
        Group(by, name, means_in(seen.distances, weights, block, member))
        for by, name, member in members
        if np.any(member)
    ]
    return States(tuple(variables), series, basins.names, watch, seen, groups, tuple(on_path))
