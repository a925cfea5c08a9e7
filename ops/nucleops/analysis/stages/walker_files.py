"""Reading walkers of metadynamics or OPES from their MD result folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from nucleops.analysis.grid import FloatArray
from nucleops.analysis.trust import Run, cut_series
from nucleops.analysis.walkers import Walker
from nucleops.bias.hills import HillsTable, merge_hills, read_hills
from nucleops.bias.kernels import KernelsTable, read_kernels
from nucleops.bias.tables import read_colvar
from nucleops.errors import WrongInput

FS_PER_PS = 1000.0
Laid = TypeVar("Laid", HillsTable, KernelsTable)


def read_walker(run: Run) -> tuple[tuple[str, ...], Walker, dict[str, FloatArray]]:
    """Read the trusted part of a walker's COLVAR and HILLS, or KERNELS where it has those.

    Returns
    -------
    names : tuple of str
        The biased variables (those of HILLS or KERNELS).
    walker : Walker
        Series and hills, or kernels.
    series : dict
        ``time_ps`` and every column of COLVAR, shape (F,).
    """
    colvar = cut_series(read_colvar(run.folder / "COLVAR").columns, "time", run.trusted)
    opes = (run.folder / "KERNELS").is_file()
    laid: HillsTable | KernelsTable = (
        _trusted(_kernels(run), run) if opes else _trusted(_hills(run), run)
    )
    label = "opes" if opes else "metad"
    bias = next((v for n, v in colvar.items() if n.endswith(f"{label}.bias")), None)
    lacking = [n for n in laid.cvs if n not in colvar]
    if lacking or (opes and bias is None):
        raise WrongInput(
            f"{run.folder / 'COLVAR'}: has no column {', '.join(lacking) or 'opes.bias'}, without "
            f"which the run cannot be reweighted; found: {', '.join(colvar)}"
        )
    walker = Walker(
        times_ps=colvar["time"] / FS_PER_PS,
        values=np.stack([colvar[n] for n in laid.cvs], axis=1),
        rbias=next((v for n, v in colvar.items() if n.endswith(f"{label}.rbias")), None),
        bias=bias,
        laid=laid,
    )
    series = {"time_ps": walker.times_ps}
    series |= {n: v for n, v in colvar.items() if n != "time"}
    return laid.cvs, walker, series


def with_shared_hills(runs: Sequence[Run], walkers: list[Walker]) -> list[Walker]:
    """Give walkers that shared one bias the hills of all of them, untrusted ones too.

    What a walker laid after trust in it had ended acted on the others all the same.
    """
    sharing = {int(run.trusted.meta.get("sharing_walkers", 1)) for run in runs}
    if sharing == {1}:
        return walkers
    if sharing != {len(runs)}:
        raise WrongInput(
            f"{runs[0].folder / 'md.json'}: sharing_walkers: found {sorted(sharing)} in "
            f"{len(runs)} walkers; allowed: all walkers that shared one bias, and no others"
        )
    merged = merge_hills([_hills(run) for run in runs])
    return [replace(walker, laid=merged) for walker in walkers]


def _hills(run: Run) -> HillsTable:
    return _read(run, "HILLS", read_hills, partial(HillsTable, bias_factor=1.0))


def _kernels(run: Run) -> KernelsTable:
    return _read(run, "KERNELS", read_kernels, partial(KernelsTable, bias_factor=np.inf))


def _read(run: Run, name: str, read: Callable[[Path], Laid], table: Callable[..., Laid]) -> Laid:
    """Read a file that is empty where PLUMED had no row to write, and so not even a header."""
    path = run.folder / name
    cvs = run.trusted.meta.get("biased_cvs")
    if not cvs or not path.is_file() or path.stat().st_size:
        return read(path)
    none = np.empty((0, len(cvs)))
    return table(tuple(cvs), np.empty(0), none, none, np.empty(0))


def _trusted(laid: Laid, run: Run) -> Laid:
    keep = laid.time_fs <= (run.trusted.trusted_steps + 0.5) * run.trusted.time_step_fs
    rows = {
        column.name: getattr(laid, column.name)[keep]
        for column in fields(laid)
        if isinstance(getattr(laid, column.name), np.ndarray)
    }
    return replace(laid, **rows)
