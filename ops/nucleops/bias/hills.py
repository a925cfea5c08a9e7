"""Hills of metadynamics: PLUMED's HILLS file, and the bias they add up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nucleops.bias.blocks import Paths
from nucleops.bias.gaussians import (
    Gaussians,
    iter_gaussians,
    named,
    periods_of,
    read_gaussians,
)
from nucleops.bias.resolved import FloatArray
from nucleops.bias.restarts import Restarts
from nucleops.bias.tables import ColvarTable, write_colvar
from nucleops.errors import WrongInput

Kernel = Literal["stretched-gaussian", "gaussian"]
PLUMED_CUT = 6.25
"""Half the squared distance in sigmas beyond which PLUMED's hill is zero."""
COLVARS_CUT = 11.5
"""Half the squared distance in sigmas beyond which Colvars' hill is zero."""
HILLS_AT_ONCE = 2_000_000
_KIND = ("height", "a HILLS file", "height, biasf")


@dataclass(frozen=True)
class HillsTable:
    """Hills in the order in which they were added.

    Attributes
    ----------
    cvs : tuple of str
        Names of the biased variables.
    time_fs : ndarray
        Shape (n_hills,).
    centres, sigmas : ndarray
        Shape (n_hills, n_cvs), in the variables' units.
    height : ndarray
        Shape (n_hills,), kcal/mol, as PLUMED writes it: the height of the hill that was added
        times gamma/(gamma - 1), so that minus the sum of the hills estimates the free energy.
    bias_factor : float
        gamma; 1 or less where the run was not well-tempered.
    kernel : str
        ``stretched-gaussian`` (PLUMED) or ``gaussian`` (Colvars).
    constants : dict of str to str
        What ``#! SET`` lines say, such as ``min_phi``.
    """

    cvs: tuple[str, ...]
    time_fs: FloatArray
    centres: FloatArray
    sigmas: FloatArray
    height: FloatArray
    bias_factor: float
    kernel: Kernel = "stretched-gaussian"
    constants: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.time_fs)

    @property
    def added(self) -> FloatArray:
        """Heights of the hills as they were added to the bias, shape (n_hills,), kcal/mol."""
        if self.bias_factor <= 1:
            return self.height
        return np.asarray(self.height * (self.bias_factor - 1) / self.bias_factor)

    @property
    def periods(self) -> tuple[float | None, ...]:
        """Period of each variable (of a torsion 2 pi), or None."""
        return periods_of(self.cvs, self.constants)


def read_hills(paths: Paths) -> HillsTable:
    """Read a HILLS file, or the segments of one run; see :func:`nucleops.bias.tables.read_colvar`.

    Raises
    ------
    WrongInput
        The file is not a HILLS file, or its hills are multivariate.
    TruncatedOutput
        A row that is not the last is malformed.
    """
    return _hills(read_gaussians(paths, *_KIND), named(paths))


def iter_hills(paths: Paths, restarts: Restarts | None = None) -> Iterator[HillsTable]:
    """Yield the hills that :func:`read_hills` reads, some at a time, however many there are.

    Parameters
    ----------
    paths : path or sequence of paths
        The file, or the segments of one run.
    restarts : Restarts or None
        What :func:`nucleops.bias.blocks.restarts_in` found, where that is known already.

    Raises
    ------
    WrongInput, TruncatedOutput
        As :func:`read_hills` does.
    """
    factor: float | None = None
    for part in iter_gaussians(paths, *_KIND, restarts=restarts):
        table = _hills(part, named(paths))
        if len(table) and factor is not None and table.bias_factor != factor:
            raise _several(named(paths), np.array([factor, table.bias_factor]))
        factor = table.bias_factor if len(table) else factor
        yield table


def _hills(read: Gaussians, where: str) -> HillsTable:
    table = read.table
    if "logweight" in table.columns:
        raise WrongInput(
            f"{where}: is a KERNELS file of OPES, whose kernels do not add up to its bias; that "
            "stands in COLVAR"
        )
    if table.constants.get("multivariate", "false") != "false":
        raise WrongInput(f"{where}: multivariate hills are not read; allowed: multivariate false")
    kernel = table.constants.get("kerneltype", "stretched-gaussian")
    if kernel not in ("stretched-gaussian", "gaussian"):
        raise WrongInput(
            f"{where}: found kerneltype {kernel}, allowed stretched-gaussian or gaussian"
        )
    factors = table.columns.get("biasf", np.ones(len(table)))
    if len(factors) and np.any(factors != factors[0]):
        raise _several(where, np.unique(factors))
    other = {k: v for k, v in table.constants.items() if k not in ("multivariate", "kerneltype")}
    return HillsTable(
        cvs=read.cvs,
        time_fs=table["time"],
        centres=read.centres,
        sigmas=read.sigmas,
        height=table["height"],
        bias_factor=float(factors[0]) if len(factors) else 1.0,
        kernel="gaussian" if kernel == "gaussian" else "stretched-gaussian",
        constants=other,
    )


def _several(where: str, factors: FloatArray) -> WrongInput:
    return WrongInput(f"{where}: found several bias factors {factors}, allowed one")


def merge_hills(tables: Sequence[HillsTable]) -> HillsTable:
    """Merge the hills of walkers that share one bias, by time.

    Parameters
    ----------
    tables : sequence of HillsTable
        The hills that each walker laid.

    Returns
    -------
    HillsTable
        All hills in order of time; of the same time in the order of the walkers.

    Raises
    ------
    WrongInput
        The tables differ in variables, kernel, bias factor or periods: they are not one bias.
    """
    # of a walker that laid none the file may not even say the kernel
    tables = [table for table in tables if len(table)] or list(tables[:1])
    first = tables[0]

    def kind(table: HillsTable) -> tuple[object, ...]:
        return table.cvs, table.kernel, table.bias_factor, table.periods

    for table in tables:
        if kind(table) != kind(first):
            raise WrongInput(
                "hills of walkers that share a bias differ in variables, kernel, bias factor or "
                f"periods: found {kind(table)} beside {kind(first)}"
            )
    order = np.argsort(np.concatenate([table.time_fs for table in tables]), kind="stable")
    return replace(
        first,
        time_fs=np.concatenate([table.time_fs for table in tables])[order],
        centres=np.concatenate([table.centres for table in tables])[order],
        sigmas=np.concatenate([table.sigmas for table in tables])[order],
        height=np.concatenate([table.height for table in tables])[order],
    )


def write_hills(table: HillsTable, path: Path | str) -> Path:
    """Write hills as PLUMED text; returns the path."""
    columns = {"time": table.time_fs}
    columns |= {name: table.centres[:, k] for k, name in enumerate(table.cvs)}
    columns |= {f"sigma_{name}": table.sigmas[:, k] for k, name in enumerate(table.cvs)}
    columns |= {"height": table.height, "biasf": np.full(len(table), table.bias_factor)}
    constants = {"multivariate": "false", "kerneltype": table.kernel, **table.constants}
    return write_colvar(ColvarTable(columns, constants), path)


def hills_bias(
    table: HillsTable, values: FloatArray, counts: NDArray[np.int64] | None = None
) -> FloatArray:
    """Return the metadynamics bias of hills at values of the variables.

    Parameters
    ----------
    table : HillsTable
        The hills.
    values : ndarray
        Shape (n_points, n_cvs).
    counts : ndarray of int or None
        Shape (n_points,): only the first so many hills act on each point; all of them where None.

    Returns
    -------
    ndarray
        kcal/mol, shape (n_points,), from the kernel's formula, without a grid.
    """
    points = np.asarray(values, dtype=np.float64).reshape(-1, len(table.cvs))
    bias = np.zeros(len(points))
    step = max(1, HILLS_AT_ONCE // max(len(table), 1))
    order = np.arange(len(table))
    for start in range(0, len(points), step):
        part = slice(start, start + step)
        half = np.zeros((len(points[part]), len(table)))
        for k, period in enumerate(table.periods):
            away = points[part, k, None] - table.centres[None, :, k]
            if period is not None:
                away -= period * np.round(away / period)
            half += 0.5 * (away / table.sigmas[None, :, k]) ** 2
        kernel = kernel_value(half, table.kernel)
        if counts is not None:
            kernel[order[None, :] >= np.asarray(counts)[part, None]] = 0.0
        bias[part] = kernel @ table.added
    return bias


def hills_slope(
    table: HillsTable, values: FloatArray, counts: NDArray[np.int64] | None = None
) -> FloatArray:
    """Return the derivative of :func:`hills_bias` by each variable, shape (n_points, n_cvs)."""
    points = np.asarray(values, dtype=np.float64).reshape(-1, len(table.cvs))
    away = points[:, None, :] - table.centres[None]
    for k, period in enumerate(table.periods):
        if period is not None:
            away[..., k] -= period * np.round(away[..., k] / period)
    scaled = away / table.sigmas[None]
    half = 0.5 * np.sum(scaled**2, axis=-1)
    stretch = 1.0 if table.kernel == "gaussian" else 1 / (1 - np.exp(-PLUMED_CUT))
    cut = COLVARS_CUT if table.kernel == "gaussian" else PLUMED_CUT
    weight = np.where(half < cut, stretch * np.exp(-half), 0.0) * table.added
    if counts is not None:
        weight[np.arange(len(table))[None, :] >= np.asarray(counts)[:, None]] = 0.0
    return np.asarray(-np.einsum("ph,phk->pk", weight, scaled / table.sigmas[None]))


def kernel_value(half: FloatArray, kernel: Kernel) -> FloatArray:
    """Return a hill of height 1 at half the squared distance in sigmas, as its engine cuts it."""
    gauss = np.exp(-half)
    if kernel == "gaussian":
        return np.where(half > COLVARS_CUT, 0.0, gauss)
    edge = np.exp(-PLUMED_CUT)
    return np.where(half >= PLUMED_CUT, 0.0, (gauss - edge) / (1 - edge))
