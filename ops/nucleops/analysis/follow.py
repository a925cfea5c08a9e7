"""Everything about structure in one trajectory, in one pass and with bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nucleops.analysis.bond_tally import BondTally, Followed
from nucleops.analysis.grid import FloatArray
from nucleops.analysis.in_blocks import Blocks
from nucleops.analysis.radial import Radial, RadialTally
from nucleops.analysis.settings import StructureSettings
from nucleops.analysis.structure import Kind, bonded_kinds
from nucleops.errors import WrongInput
from nucleops.systems.frames import Frames
from nucleops.systems.system import System
from nucleops.systems.trajectory import Trajectory

FEWEST_FRAMES = 10
"""Frames below which no density is estimated: it would show one structure, not a distribution."""
_MOST_ROWS = 2048


@dataclass(frozen=True)
class Structure:
    """Structure through time.

    Attributes
    ----------
    kinds : tuple of Kind
        Distances and angles that were followed.
    followed : tuple of Followed
        Their densities; none from fewer than ten frames.
    radials : tuple of Radial
        Radial distribution functions; none from fewer than ten frames.
    times_ps : ndarray
        Middle of each interval of the series, shape (R,); an interval is one frame until there are
        too many.
    series : dict of str to ndarray
        Kind to the mean over its bonds in each interval, shape (R,).
    n_frames, n_kept : int
        Frames that were read, and those that were not discarded.
    last : System
        The last frame.
    last_ps : float
        Its time.
    """

    kinds: tuple[Kind, ...]
    followed: tuple[Followed, ...]
    radials: tuple[Radial, ...]
    times_ps: FloatArray
    series: dict[str, FloatArray]
    n_frames: int
    n_kept: int
    last: System
    last_ps: float


def follow_structure(
    trajectory: Trajectory,
    settings: StructureSettings,
    *,
    frame_ps: float | None = None,
    step_fs: float | None = None,
    last_step: int | None = None,
) -> Structure:
    """Follow distances, angles and radial distribution functions through a trajectory.

    Parameters
    ----------
    trajectory : Trajectory
        Read once. Bonds are chosen in its first frame.
    settings : StructureSettings
        Cut-offs, what is discarded, blocks, radial distribution functions.
    frame_ps, step_fs : float or None
        See :meth:`nucleops.systems.trajectory.Frames.times_ps`.
    last_step : int or None
        Frames of later MD steps are left out, where the file counts steps.

    Raises
    ------
    WrongInput
        The trajectory does not fit its topology, no frame is left, or a pair of elements that was
        asked for is not there.
    """
    topology = trajectory.topology
    bonds: BondTally | None = None
    radial: RadialTally | None = None
    series, last, read, kept = Blocks(_MOST_ROWS), None, 0, 0
    for chunk in trajectory:
        frames = chunk.until(last_step)
        if not len(frames.numbers):
            break
        if bonds is None or radial is None:
            first, cell = frames.positions[0], frames.cells[0]
            kinds = bonded_kinds(topology.symbols, first, cell, topology.periodic, settings.bonds)
            bonds = BondTally(kinds)
            radial = RadialTally(topology, cell, settings.radial)
        times = frames.times_ps(frame_ps, step_fs)
        values = {
            k.name: k.values(frames.positions, frames.cells, topology.periodic) for k in bonds.kinds
        }
        _add_series(series, times, values)
        keep = times >= settings.discard_ps
        bonds.add({name: own[keep] for name, own in values.items()})
        radial.add(frames.positions[keep], frames.cells[keep])
        kept += int(keep.sum())
        read += len(times)
        last = (frames, float(times[-1]))
    if last is None or bonds is None or radial is None:
        raise WrongInput(f"{trajectory.path}: no frame up to step {last_step}")
    return _result(topology, settings, bonds, radial, series, (read, kept), last)


def _add_series(series: Blocks, times: FloatArray, values: dict[str, FloatArray]) -> None:
    rows = np.stack([times, *(own.mean(axis=1) for own in values.values())], axis=1)
    for piece in series.pieces(len(rows)):
        series.add(rows[piece].sum(axis=0))


def _result(
    topology: System,
    settings: StructureSettings,
    bonds: BondTally,
    radial: RadialTally,
    series: Blocks,
    count: tuple[int, int],
    last: tuple[Frames, float],
) -> Structure:
    rows = series.means()
    (n_frames, n_kept), (frames, last_ps) = count, last
    enough = n_kept >= FEWEST_FRAMES
    return Structure(
        kinds=tuple(bonds.kinds),
        followed=tuple(bonds.followed(settings.n_blocks)) if enough else (),
        radials=tuple(radial.radials(settings.n_blocks)) if enough else (),
        times_ps=rows[:, 0],
        series={kind.name: rows[:, k] for k, kind in enumerate(bonds.kinds, start=1)},
        n_frames=n_frames,
        n_kept=n_kept,
        last=replace(
            topology.with_positions(frames.positions[-1]), cell=np.array(frames.cells[-1])
        ),
        last_ps=last_ps,
    )
