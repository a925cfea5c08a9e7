"""From a request to everything that the files tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nucleops.analysis.basins import Basins, boxes_as_basins, find_basins
from nucleops.analysis.convergence import goes_back_and_forth, trips_of_members
from nucleops.analysis.estimators import Estimator
from nucleops.analysis.fes.basin_rows import derived, rows_of_basins, stated
from nucleops.analysis.fes.hills import FromHills, from_hills
from nucleops.analysis.fes.in_time import hills_in_time, in_time_of
from nucleops.analysis.fes.more import path_of, weighted_rows
from nucleops.analysis.fes.request import Request
from nucleops.analysis.fes.result import BasinRow, InTime, Result, Reweighted
from nucleops.analysis.fes.reweigh import estimator_of, reweigh, target_grid
from nucleops.analysis.fes.rows import Read, read_rows
from nucleops.analysis.free_energy import project
from nucleops.analysis.grid import FloatArray, Grid, IntArray
from nucleops.analysis.verdict import Verdict, judge
from nucleops.errors import WrongInput

LEAST_SHARE = 0.01
"""Share of the rows that a basin found by watershed holds at least; others are outliers."""


def analyse_files(request: Request) -> Result:
    """Analyse somebody's files.

    Raises
    ------
    WrongInput
        A file or a setting is wrong; the message says which.
    TruncatedOutput
        A row that is not the last in a file is malformed.
    """
    hills = from_hills(request)
    read = read_rows(request, hills.scan if hills is not None else None)
    if hills is None and read is None:
        raise WrongInput("found neither hills nor a series; give --hills, --colvar or both")
    targets = read.targets if read is not None else (request.cvs or hills.scan.cvs if hills else ())
    surface_of_hills, grid = _in_targets(hills, targets, request.kT)
    if read is None:
        if surface_of_hills is None or grid is None or hills is None:
            raise WrongInput(
                f"--cv {' '.join(targets)}: not among the biased variables "
                f"{', '.join(hills.scan.cvs) if hills else ''}; a surface in them needs --colvar"
            )
        return _of_hills_only(request, hills, targets, grid, surface_of_hills)
    if grid is None or surface_of_hills is None:
        grid = target_grid(request, read, None)
    estimator = estimator_of(request, read, grid, hills.scan if hills is not None else None)
    return analyse_rows(request, read, estimator, hills, surface_of_hills)


def _in_targets(
    hills: FromHills | None, targets: tuple[str, ...], kT: float
) -> tuple[FloatArray | None, Grid | None]:
    """Surface of the hills in the targets, where these are biased variables, and its grid."""
    if hills is None or not set(targets) <= set(hills.scan.cvs):
        return None, None
    stay = [hills.scan.cvs.index(name) for name in targets]
    known = np.where(np.isfinite(hills.surface), hills.surface, np.inf)
    made = project(known, kT, stay)
    grid = Grid.make([hills.grid.axes[d] for d in stay], [hills.grid.periods[d] for d in stay])
    made = np.where(np.isfinite(made), made, np.nan)
    return made - np.nanmin(made), grid


def _basins(
    request: Request,
    surface: FloatArray,
    grid: Grid,
    targets: tuple[str, ...],
    rows: FloatArray | None = None,
) -> Basins:
    """Basins as asked for, or by watershed of a surface in kT, but for those that few rows hold."""
    if not request.basins:
        found = find_basins(surface, grid, request.depth)
        return found if rows is None else found.with_rows(rows, LEAST_SHARE)
    for box in request.basins:
        unknown = [name for name in box.ranges if name not in targets]
        if unknown:
            raise WrongInput(
                f"--basin {box.name}: found {', '.join(unknown)}, allowed {', '.join(targets)}"
            )
    boxes = [
        [box.ranges.get(name, (-np.inf, np.inf)) for name in targets] for box in request.basins
    ]
    return boxes_as_basins([box.name for box in request.basins], boxes, grid)


def analyse_rows(
    request: Request,
    read: Read,
    estimator: Estimator,
    hills: FromHills | None,
    surface_of_hills: FloatArray | None,
) -> Result:
    """Analyse rows that are weighted by an estimator, beside what the hills tell.

    Parameters
    ----------
    request : Request
        How; its files are not read.
    read : Read
        The rows.
    estimator : Estimator
        The way from them to a surface.
    hills : FromHills or None
        What the hills tell; None of OPES.
    surface_of_hills : ndarray or None
        Their surface on the estimator's grid, in the files' unit.
    """
    grid = estimator.grid
    first = np.where(estimator.visited, estimator.surface(), np.nan)
    basins = _basins(request, first, grid, read.targets, read.rows.targets)
    member = basins.of(read.rows.targets)
    made, *told = reweigh(
        request,
        read,
        estimator,
        basins,
        lambda surface: derived(surface, basins),
        0.0 if hills is None else hills.grain,
    )
    walkers = [member[read.rows.walker == w] for w in np.unique(read.rows.walker)]
    trips = [
        sum(trips_of_members(own, (0, k)) for own in walkers) if k else 0
        for k in range(len(basins.names))
    ]
    rows = rows_of_basins(
        request, basins, made.surface, (told[0], told[1]), member, trips, made.n_blocks
    )
    error = rows[1].population_error if len(rows) > 1 else float("nan")
    in_time = in_time_of(request, read, estimator, hills, basins, error)
    verdict = _verdict(request, read, hills, rows, walkers, in_time, made)
    return Result(
        targets=read.targets,
        grid=grid,
        hills=hills,
        hills_surface=surface_of_hills,
        reweighted=made,
        basins=basins,
        rows=[stated(row, rows[0], verdict, request.criteria) for row in rows],
        in_time=in_time,
        length=read.length,
        verdict=verdict,
        series=weighted_rows(request, read, estimator, basins, made),
        path=path_of(request, read.targets, basins, made),
    )


def _of_hills_only(
    request: Request, hills: FromHills, targets: tuple[str, ...], grid: Grid, surface: FloatArray
) -> Result:
    kT = request.kT
    basins = _basins(request, surface / kT, grid, targets)
    values = derived(surface / kT, basins)
    nothing = np.full(values.shape, np.nan)
    in_time = None
    if len(basins.names) > 1:
        line = hills_in_time(hills, targets, basins, kT)
        pair = (basins.names[0], basins.names[1])
        in_time = InTime(pair, hills.times, line, None, None)
    verdict = Verdict(
        False,
        "Hills alone carry no statistical error: give the series as well (--colvar) to judge this.",
        (),
        ("a series of the variables, from which errors and round trips can be told",),
    )
    none = np.empty(0, dtype=np.int64)
    zeros = [0] * len(basins.names)
    told = rows_of_basins(request, basins, surface, (values, nothing), none, zeros, 0)
    rows = [replace(row, unknown=verdict.missing[0]) for row in told]
    length = hills.scan.last_time
    path = path_of(request, targets, basins, surface)
    return Result(
        targets, grid, hills, surface, None, basins, rows, in_time, length, verdict, path=path
    )


def _verdict(
    request: Request,
    read: Read,
    hills: FromHills | None,
    rows: list[BasinRow],
    walkers: list[IntArray],
    in_time: InTime | None,
    made: Reweighted,
) -> Verdict:
    if in_time is None:
        names = ", ".join(row.name for row in rows) or "none"
        return Verdict(
            False,
            f"Not converged after {read.length:.3g} {request.criteria.time_unit}: fewer than two "
            f"basins were found ({names}), so that there is no difference to judge.",
            (),
            ("two basins: give them with --basin, or lower --depth",),
        )
    assert in_time.reweighted is not None
    return judge(
        length=read.length,
        basins=in_time.pair,
        trips=rows[1].trips,
        times=in_time.times,
        differences=in_time.reweighted,
        error=rows[1].population_error,
        level=made.level,
        visits={row.name: row.rows for row in rows},
        height_ratio=hills.height_ratio if hills is not None else None,
        diffuses=any(goes_back_and_forth(own) for own in walkers),
        criteria=request.criteria,
    )
