"""The surface that summed hills give, and how it and the hills changed in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.fes.request import Hills, Request
from nucleops.analysis.grid import FloatArray, Grid
from nucleops.analysis.hills import HillSum, mean_surface
from nucleops.analysis.hills_scan import HillsScan, grid_over, scan_hills

SURFACES = 10
"""Surfaces in time where no stride was given."""
GRAIN = 0.7
"""Error of a point beside its noise, over the height of the last hills: a bias is as rugged as its
hills are high, all along, and no block shows it. Measured (``benchmarks/calibration.py``): without
it chi^2/n is 1.5, for three run lengths with last hills of 0.04 to 0.14 kT. That the error goes
with the height is A. Laio *et al.*, J. Phys. Chem. B 109, 6714 (2005)."""
_MOST_HEIGHTS = 3000
_FINEST = {1: 1000, 2: 200, 3: 60}


@dataclass(frozen=True)
class FromHills:
    """What hills alone tell; energies in the files' unit.

    Attributes
    ----------
    scan : HillsScan
        Of all hills.
    grid : Grid
        In the biased variables.
    times : ndarray
        Time of the last hill in each surface, shape (T,).
    counts : ndarray of int
        Hills in each surface, over all walkers, shape (T,).
    surfaces : ndarray
        Minus the sum of hills, ``(T, *grid.shape)``, minimum zero; nan where no hill reached.
    height_times, heights : ndarray
        Some of the hills' heights, as the file has them, in order of time, shape (n,).
    biases : int
        How many walkers had a bias of their own; 1 of a shared one.
    """

    scan: HillsScan
    grid: Grid
    times: FloatArray
    counts: FloatArray
    surfaces: FloatArray
    height_times: FloatArray
    heights: FloatArray
    biases: int

    @property
    def surface(self) -> FloatArray:
        """The last surface, ``grid.shape``."""
        return np.asarray(self.surfaces[-1])

    @property
    def height_ratio(self) -> float | None:
        """Mean height of the last tenth of the hills over the first; None where untempered."""
        if self.scan.bias_factor <= 1:
            return None
        late = self.heights[-max(1, len(self.heights) // 10) :]
        return float(late.mean() / self.scan.first_height)

    @property
    def grain(self) -> float:
        """What the last hills leave in a surface: :data:`GRAIN` of the height they were added with.

        Walkers with a bias each even that out.
        """
        late = self.heights[-max(1, len(self.heights) // 10) :]
        gamma = self.scan.bias_factor
        added = float(late.mean()) * (1.0 - 1.0 / gamma if gamma > 1 else 1.0)
        return GRAIN * added / float(np.sqrt(self.biases))


def from_hills(request: Request) -> FromHills | None:
    """Sum the hills of all walkers on a grid, at several times; None where there are none.

    Walkers with a bias each are averaged, aligned where each is deepest; those of a shared bias
    are one sum.
    """
    files = [walker.hills for walker in request.walkers if walker.hills is not None]
    if not files:
        return None
    scans = [scan_hills(one.pieces(), str(one.paths[0])) for one in files]
    scan = scans[0]
    for own, one in zip(scans[1:], files[1:], strict=True):
        scan = scan.with_(own, str(one.paths[0]))
    grid = _grid(request, scan)
    times = _times(request, scan)
    groups = [files] if request.sharing == "shared" else [[one] for one in files]
    every = max(1, scan.count // _MOST_HEIGHTS)
    sums, told, counts = [], [], np.zeros(len(times))
    for group in groups:
        total, heights, count = _in_time(group, grid, scan, times, every)
        sums.append(total)
        told.append(heights)
        counts = counts + count
    table = np.concatenate(told, axis=1)
    order = np.argsort(table[0], kind="stable")
    surfaces = np.array([mean_surface([group[k] for group in sums]) for k in range(len(times))])
    return FromHills(
        scan, grid, times, counts, surfaces, table[0][order], table[1][order], len(groups)
    )


def _grid(request: Request, scan: HillsScan) -> Grid:
    cvs = request.cvs or scan.cvs
    given = dict(zip(cvs, request.axes, strict=False))
    most = _FINEST.get(len(scan.cvs), 60)
    whole = grid_over(scan.low, scan.high, scan.sigma, scan.periods, per_sigma=4.0, most=most)
    return Grid.make(
        [
            given[cv].points(period) if cv in given else axis
            for cv, axis, period in zip(scan.cvs, whole.axes, scan.periods, strict=True)
        ],
        scan.periods,
    )


def _times(request: Request, scan: HillsScan) -> FloatArray:
    stride = request.stride or max(1, -(-scan.count // SURFACES))
    pace = (scan.last_time - scan.first_time) / max(1, scan.count - 1)
    # half way to the next hill, so that rounding does not decide which hills are in
    middles = scan.first_time + (np.arange(stride, scan.count, stride) - 0.5) * pace
    return np.append(middles, scan.last_time)


def _in_time(
    files: Sequence[Hills], grid: Grid, scan: HillsScan, times: FloatArray, every: int
) -> tuple[list[FloatArray], FloatArray, FloatArray]:
    """Sums at each time, (T, *shape), some heights with their times (2, n), counts (T,)."""
    made = [np.zeros(grid.shape) for _ in times]
    counts, told = np.zeros(len(times)), []
    for one in files:
        total, at, seen = HillSum(grid, scan.kernel), 0, 0
        for table in one.pieces():
            cuts = np.searchsorted(table.time_fs, times, side="right")
            first = 0
            while at < len(times) - 1 and cuts[at] < len(table):
                part = slice(first, int(cuts[at]))
                total.add(table.centres[part], table.sigmas[part], table.height[part])
                first = max(first, int(cuts[at]))
                made[at] += total.values
                counts[at] += seen + first
                at += 1
            part = slice(first, None)
            total.add(table.centres[part], table.sigmas[part], table.height[part])
            keep = slice(-seen % every, None, every)
            told.append(np.stack([table.time_fs[keep], table.height[keep]]))
            seen += len(table)
        for k in range(at, len(times)):  # the walker ended earlier than others
            made[k] += total.values
            counts[k] += seen
    return made, np.concatenate(told, axis=1), counts
