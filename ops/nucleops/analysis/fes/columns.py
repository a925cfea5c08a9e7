"""Columns of a series: which are needed, what their periods are, which is the bias."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nucleops.analysis.fes.request import Request, WalkerFiles
from nucleops.analysis.grid import FloatArray
from nucleops.analysis.hills_scan import HillsScan
from nucleops.bias.blocks import column_names
from nucleops.bias.foreign import read_series, writer_of
from nucleops.bias.gaussians import periods_of
from nucleops.bias.tables import ColvarTable
from nucleops.errors import WrongInput

TELLING = (".bias", ".rbias", ".rct", ".zed")
"""Endings of what METAD, OPES, walls and restraints write about themselves."""


def series_of(request: Request, walker: WalkerFiles, scan: HillsScan | None) -> ColvarTable:
    """Read the series of a walker, with the columns that the request needs.

    Raises
    ------
    WrongInput
        A column is lacking, or holds something else than finite numbers.
    """
    path = walker.colvar[0]
    needed = {*request.cvs, *(scan.cvs if scan is not None else ()), *request.extra_bias}
    names = set(needed)
    if writer_of(path) == "plumed":
        # a COLVAR can have hundreds of thousands of columns
        written = column_names(path)
        if "time" not in written:
            raise WrongInput(f"{path}: has no column time; found: {', '.join(written)}")
        names |= {name for name in written if name.endswith(TELLING)}
        if request.bias_column is not None and request.bias_column in written:
            names.add(request.bias_column)
    table = read_series(walker.colvar, sorted(names))
    for name in ("time", *sorted(needed)):
        finite(table[name], table, f"{path}: {name}")
    return table


def finite(values: FloatArray, table: ColvarTable, what: str) -> FloatArray:
    """Return values of each row, shape (F,), as they are.

    Raises
    ------
    WrongInput
        One is not finite.
    """
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise WrongInput(
            f"{what}: found {values[bad[0]]} at time {table['time'][bad[0]]:g}, allowed finite "
            "numbers"
        )
    return values


def periods_in(
    targets: Sequence[str], table: ColvarTable, scan: HillsScan | None, request: Request
) -> tuple[float | None, ...]:
    """Return the period of each variable, from series, hills or the request; None without."""
    told = dict(zip(targets, periods_of(targets, table.constants), strict=True))
    if scan is not None:
        told |= {n: p for n, p in zip(scan.cvs, scan.periods, strict=True) if n in told and p}
    hills = next((w.hills for w in request.walkers if w.hills is not None), None)
    told |= {n: p for n, p in (hills.periods if hills is not None else ()) if n in told}
    return tuple(told[name] for name in targets)


def bias_columns(table: ColvarTable, path: object, wanted: str | None) -> tuple[str, str | None]:
    """Name the columns of the bias and, where there is one, of the bias less its offset.

    Raises
    ------
    WrongInput
        There is no such column, or it cannot be told which of several it is.
    """
    found = [name for name in table.names if name.endswith(".bias")]
    if wanted is not None:
        if wanted not in table:
            raise WrongInput(f"{path}: --bias: has no column {wanted}; found: {', '.join(found)}")
        found = [wanted]
    # METAD and OPES print more about themselves than walls and restraints do
    telling = [
        n for n in found if {n[:-4] + "rbias", n[:-4] + "rct", n[:-4] + "zed"} & {*table.names}
    ]
    telling = telling or [n for n in found if "metad" in n.lower() or "opes" in n.lower()]
    telling = telling or found
    if len(telling) != 1:
        raise WrongInput(
            f"{path}: which column is the bias? found: {', '.join(found) or 'none that ends .bias'}"
            f"; say it with --bias; columns: {', '.join(table.names)}"
        )
    less = telling[0].removesuffix("bias") + "rbias"
    return telling[0], less if less in table.names else None
