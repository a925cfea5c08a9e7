"""What PLUMED's HILLS and KERNELS have in common: a Gaussian along the variables in each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nucleops.bias.blocks import Columns, Paths, blocks_of, files_of, restarts_in
from nucleops.bias.resolved import FloatArray
from nucleops.bias.restarts import Restarts
from nucleops.bias.tables import ColvarTable, read_colvar
from nucleops.errors import WrongInput


class Gaussians(NamedTuple):
    """Rows with a Gaussian each.

    Attributes
    ----------
    table : ColvarTable
        All columns.
    cvs : tuple of str
        The D variables, which are those with a ``sigma_``.
    centres, sigmas : ndarray
        Shape (n_rows, D), in the variables' units.
    """

    table: ColvarTable
    cvs: tuple[str, ...]
    centres: FloatArray
    sigmas: FloatArray


def read_gaussians(paths: Paths, needed: str, kind: str, columns: str) -> Gaussians:
    """Read a table with a Gaussian in each row, HILLS or KERNELS.

    Parameters
    ----------
    paths : path or sequence of paths
        The file, or the segments of one run.
    needed : str
        The column without which the file is of another kind.
    kind, columns : str
        What the file should be and which columns that has besides, for the message.

    Raises
    ------
    WrongInput
        The file is missing or of another kind, or a width is not positive.
    TruncatedOutput
        A row that is not the last is malformed.
    """
    return gaussians_of(read_colvar(paths), named(paths), needed, kind, columns)


def iter_gaussians(
    paths: Paths, needed: str, kind: str, columns: str, *, restarts: Restarts | None = None
) -> Iterator[Gaussians]:
    """Yield what :func:`read_gaussians` reads, some rows at a time and never all in memory.

    The files are read twice: first, where that is not known, for the times, which tell what a
    restart superseded.
    """
    restarts = restarts or restarts_in(paths)
    found, first, empty = Columns(), 0, True
    for path in files_of(paths):
        for block in blocks_of(path, found):
            values, time = block.values, found.names.index("time") if "time" in found.names else -1
            if time >= 0:
                values = values[restarts.kept(values[:, time], first)]
            first += len(block.values)
            table = ColvarTable(dict(zip(found.names, values.T, strict=True)), found.constants)
            yield gaussians_of(table, str(path), needed, kind, columns)
            empty = False
    if empty:
        table = ColvarTable({name: np.empty(0) for name in found.names}, found.constants)
        yield gaussians_of(table, named(paths), needed, kind, columns)


def gaussians_of(table: ColvarTable, where: str, needed: str, kind: str, columns: str) -> Gaussians:
    """Tell variables and widths of a table that was read from the files `where`."""
    cvs = tuple(name for name in table.names if f"sigma_{name}" in table.columns)
    if not cvs or needed not in table.columns or "time" not in table.columns:
        raise WrongInput(
            f"{where}: found columns {' '.join(table.names)}; {kind} has time, variables, "
            f"sigma_<variable>, {columns}"
        )
    shape = (len(table), len(cvs))
    centres = np.column_stack([table[name] for name in cvs]).reshape(shape)
    sigmas = np.column_stack([table[f"sigma_{name}"] for name in cvs]).reshape(shape)
    if not np.all(sigmas > 0):
        row, d = np.argwhere(~(sigmas > 0))[0]
        raise WrongInput(
            f"{where}: sigma_{cvs[d]}: found {sigmas[row, d]:g} at time {table['time'][row]:g}, "
            "allowed more than 0"
        )
    return Gaussians(table, cvs, centres, sigmas)


def periods_of(cvs: Sequence[str], constants: Mapping[str, str]) -> tuple[float | None, ...]:
    """Return the periods that ``#! SET min_<cv>`` and ``max_<cv>`` lines state, None without."""
    return tuple(
        _number(constants[f"max_{cv}"]) - _number(constants[f"min_{cv}"])
        if f"max_{cv}" in constants and f"min_{cv}" in constants
        else None
        for cv in cvs
    )


def named(paths: Paths) -> str:
    """Name files, for messages."""
    return str(paths) if isinstance(paths, (str, Path)) else ", ".join(map(str, paths))


def _number(word: str) -> float:
    sign = -1.0 if word.startswith("-") else 1.0
    return sign * np.pi if word.lstrip("+-") == "pi" else float(word)
