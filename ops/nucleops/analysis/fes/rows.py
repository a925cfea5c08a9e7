"""Rows of COLVAR with their weights, from files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.bias_history import BiasHistory, hills_before, history_of, offset_at
from nucleops.analysis.estimators import Method, Rows, levelled
from nucleops.analysis.fes.columns import bias_columns, finite, periods_in, series_of
from nucleops.analysis.fes.request import Request, WalkerFiles
from nucleops.analysis.grid import FloatArray, Grid
from nucleops.analysis.hills import HillSum
from nucleops.analysis.hills_scan import HillsScan, history_grid
from nucleops.bias.foreign import writer_of
from nucleops.bias.hills import HillsTable, merge_hills
from nucleops.bias.tables import ColvarTable
from nucleops.errors import WrongInput


@dataclass(frozen=True)
class Read:
    """Rows of all walkers, and what they are rows of; energies in kT.

    Attributes
    ----------
    rows : Rows
        Rows after `discard`, of all walkers one after the other.
    times : ndarray
        Time of each row, shape (F,).
    targets : tuple of str
        The K variables that a surface is wanted in.
    periods : tuple of float or None
        Their periods.
    method : str
        How rows are weighted.
    length : float
        Time that the walkers ran, all together.
    """

    rows: Rows
    times: FloatArray
    targets: tuple[str, ...]
    periods: tuple[float | None, ...]
    method: Method
    length: float


def read_rows(request: Request, scan: HillsScan | None) -> Read | None:
    """Read the series of all walkers and weight their rows; None where there is no series.

    Raises
    ------
    WrongInput
        A column is lacking, or the method needs hills and there are none.
    TruncatedOutput
        A row that is not the last is malformed.
    """
    walkers = [walker for walker in request.walkers if walker.colvar]
    if not walkers:
        return None
    method: Method = request.method or ("bias" if scan is None else "bias-force")
    if scan is None and method != "bias":
        raise WrongInput(
            f"--reweight {method}: needs the hills; found no --hills; allowed: bias, which takes "
            "each row's weight from its bias as it stands in COLVAR"
        )
    if scan is not None and request.sharing == "independent":
        bare = [str(w.colvar[0]) for w in walkers if w.hills is None]
        if bare:
            raise WrongInput(f"{', '.join(bare)}: has no --hills, which the other walkers have")
    series = [series_of(request, walker, scan) for walker in walkers]
    targets = request.cvs or (scan.cvs if scan is not None else ())
    if not targets:
        raise WrongInput("--cv: found none; without hills the variables have to be named")
    biased = scan.cvs if scan is not None else targets
    periods = periods_in(targets, series[0], scan, request)
    weights = _weights(request, walkers, series, scan, biased, method)
    parts = []
    for number, (table, (logs, slopes)) in enumerate(zip(series, weights, strict=True)):
        extra = sum((table[name] for name in request.extra_bias), np.zeros(len(table)))
        parts.append(
            Rows(
                biased=np.stack([table[name] for name in biased], axis=1),
                targets=np.stack([table[name] for name in targets], axis=1),
                shared=tuple(targets.index(name) for name in biased)
                if set(biased) <= set(targets)
                else None,
                log_weights=logs,
                slopes=slopes,
                extra=np.asarray(extra) / request.kT,
                walker=np.full(len(table), number, dtype=np.int64),
            ).part(table["time"] >= table["time"][:1].sum() + request.discard)
        )
    times = np.concatenate(
        [t["time"][t["time"] >= t["time"][:1].sum() + request.discard] for t in series]
    )
    if len(times) < 8:
        raise WrongInput(
            f"{walkers[0].colvar[0]}: found {len(times)} rows after --discard "
            f"{request.discard:g}, allowed 8 or more"
        )
    length = float(sum(t["time"][-1] - t["time"][0] for t in series if len(t)))
    return Read(_joined(parts), times, targets, periods, method, length)


Weighted = tuple[FloatArray, FloatArray | None]


def _weights(
    request: Request,
    walkers: Sequence[WalkerFiles],
    series: Sequence[ColvarTable],
    scan: HillsScan | None,
    biased: Sequence[str],
    method: Method,
) -> list[Weighted]:
    """Logarithms of the weights and slopes of the bias, of each walker; in kT."""
    if scan is None or method == "bias":
        made: list[Weighted] = []
        for walker, table in zip(walkers, series, strict=True):
            name, _ = bias_columns(table, walker.colvar[0], request.bias_column)
            logs = finite(table[name], table, f"{walker.colvar[0]}: {name}") / request.kT
            made.append((levelled(logs) if len(series) > 1 else logs, None))
        return made
    points = [np.stack([t[name] for name in biased], axis=1) for t in series]
    grid = history_grid(scan, np.concatenate(points))
    if method == "final":
        return [(bias, None) for bias in _final(request, scan, grid, points, walkers)]
    own: list[FloatArray | None] = []
    for walker, table in zip(walkers, series, strict=True):
        has_bias = any(name.endswith(".bias") for name in table.names)
        less = None
        if has_bias and walker.colvar and writer_of(walker.colvar[0]) == "plumed":
            less = bias_columns(table, walker.colvar[0], request.bias_column)[1]
        if less is None:
            own.append(None)
        else:
            own.append(finite(table[less], table, f"{walker.colvar[0]}: {less}") / request.kT)
    known = [logs for logs in own if logs is not None]
    if method == "ct" and len(known) == len(own):
        return [(logs, None) for logs in known]
    return _from_history(request, scan, grid, points, series, walkers, own)


def _from_history(
    request: Request,
    scan: HillsScan,
    grid: Grid,
    points: Sequence[FloatArray],
    series: Sequence[ColvarTable],
    walkers: Sequence[WalkerFiles],
    own: Sequence[FloatArray | None],
) -> list[Weighted]:
    """Follow the bias through its hills, for its slope, and its level where no column has that."""
    made: list[Weighted] = []
    for group in _groups(request, range(len(walkers))):
        own_walkers = [walkers[k] for k in group]
        times = np.concatenate([table.time_fs for table in _hills_of(request, own_walkers)])
        history = BiasHistory(
            grid,
            request.kT,
            scan.bias_factor,
            scan.kernel,
            points=np.concatenate([points[k] for k in group]),
            counts=hills_before(np.concatenate([series[k]["time"] for k in group]), times),
            want_offsets=any(own[k] is None for k in group),
        )
        offsets, bias, slopes = history_of(_hills_of(request, own_walkers), history)
        ends = np.cumsum([len(points[k]) for k in group])[:-1]
        for k, v, s in zip(group, np.split(bias, ends), np.split(slopes, ends), strict=True):
            logs = own[k]
            if logs is None:
                logs = (v - offset_at(series[k]["time"], times, offsets)) / request.kT
            made.append((logs, s / request.kT))
    return made


def _groups(request: Request, walkers: Sequence[int]) -> list[list[int]]:
    return [list(walkers)] if request.sharing == "shared" else [[k] for k in walkers]


def _hills_of(request: Request, walkers: Sequence[WalkerFiles]) -> Iterator[HillsTable]:
    """Hills that acted on walkers, in order of time; of a shared bias those of all walkers."""
    if request.sharing != "shared":
        for walker in walkers:
            assert walker.hills is not None
            yield from walker.hills.pieces()
        return
    files = [walker.hills for walker in request.walkers if walker.hills is not None]
    yield merge_hills([table for one in files for table in one.pieces()])


def _final(
    request: Request,
    scan: HillsScan,
    grid: Grid,
    points: Sequence[FloatArray],
    walkers: Sequence[WalkerFiles],
) -> list[FloatArray]:
    made = []
    for group in _groups(request, range(len(walkers))):
        total = HillSum(grid, scan.kernel)
        for table in _hills_of(request, [walkers[k] for k in group]):
            total.add(table.centres, table.sigmas, table.added)
        made += [total.at(points[k]) / request.kT for k in group]
    return made


def _joined(parts: Sequence[Rows]) -> Rows:
    slopes = [part.slopes for part in parts if part.slopes is not None]
    return Rows(
        np.concatenate([part.biased for part in parts]),
        np.concatenate([part.targets for part in parts]),
        parts[0].shared,
        np.concatenate([part.log_weights for part in parts]),
        np.concatenate(slopes) if len(slopes) == len(parts) else None,
        np.concatenate([part.extra for part in parts]),
        np.concatenate([part.walker for part in parts]),
    )
