"""What PLUMED's HILLS and KERNELS have in common: a Gaussian along the variables in each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nucleops.bias.resolved import FloatArray
from nucleops.bias.tables import ColvarTable, Paths, read_colvar
from nucleops.errors import WrongInput


def read_gaussians(
    paths: Paths, needed: str, kind: str, columns: str
) -> tuple[ColvarTable, tuple[str, ...], FloatArray, FloatArray]:
    """Read a table with a Gaussian in each row, HILLS or KERNELS.

    Parameters
    ----------
    paths : path or sequence of paths
        The file, or the segments of one run.
    needed : str
        The column without which the file is of another kind.
    kind, columns : str
        What the file should be and which columns that has besides, for the message.

    Returns
    -------
    table : ColvarTable
        All columns.
    cvs : tuple of str
        The D variables, which are those with a ``sigma_``.
    centres, sigmas : ndarray
        Shape (n_rows, D), in the variables' units.

    Raises
    ------
    WrongInput
        The file is missing or of another kind.
    TruncatedOutput
        A row that is not the last is malformed.
    """
    table = read_colvar(paths)
    cvs = tuple(name for name in table.names if f"sigma_{name}" in table.columns)
    if not cvs or needed not in table.columns or "time" not in table.columns:
        raise WrongInput(
            f"{named(paths)}: found columns {' '.join(table.names)}; {kind} has time, variables, "
            f"sigma_<variable>, {columns}"
        )
    shape = (len(table), len(cvs))
    centres = np.column_stack([table[name] for name in cvs]).reshape(shape)
    sigmas = np.column_stack([table[f"sigma_{name}"] for name in cvs]).reshape(shape)
    return table, cvs, centres, sigmas


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
