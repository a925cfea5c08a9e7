"""A bias as it grew: its time-dependent offset c(t), and what each row of a series felt of it.

Energies are in one unit throughout a call.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray, Grid, IntArray, as_points
from nucleops.analysis.hills import Padded, Shape
from nucleops.bias.hills import HillsTable, Kernel


class BiasHistory:
    """The bias of hills on a grid, hill by hill.

    ``c(t) = kT ln( int exp(gamma V / ((gamma-1) kT)) ds / int exp(V / ((gamma-1) kT)) ds )``
    (Tiwary and Parrinello, J. Phys. Chem. B 119, 736 (2015), eq. 12); for an untempered run
    gamma -> infinity.

    Parameters
    ----------
    grid : Grid
        Where to integrate; it should hold all that was visited and be fine beside the hills.
    kT : float
        Thermal energy in the heights' unit.
    bias_factor : float or None
        gamma; None (or 1 or less) for an untempered run.
    kernel : str
        ``stretched-gaussian`` (PLUMED) or ``gaussian`` (Colvars).
    points : array_like or None
        Where the bias is asked for, shape (F, D).
    counts : array_like or None
        How many hills came before each of the points, shape (F,).
    want_offsets : bool
        Whether c(t) is wanted; without it hills are added several times faster.
    """

    def __init__(
        self,
        grid: Grid,
        kT: float,
        bias_factor: float | None,
        kernel: Kernel = "stretched-gaussian",
        *,
        points: ArrayLike | None = None,
        counts: ArrayLike | None = None,
        want_offsets: bool = True,
    ) -> None:
        tempered = bias_factor is not None and bias_factor > 1.0
        self._upper = bias_factor / (bias_factor - 1.0) if tempered and bias_factor else 1.0
        self._lower = 1.0 / (bias_factor - 1.0) if tempered and bias_factor else 0.0
        self._kT, self._grid, self._want = kT, grid, want_offsets
        self._padded, self._shape = Padded.of(grid), Shape.of(kernel)
        self._bias = np.zeros(self._padded.shape)
        self._sums = np.array([self._bias.size, self._bias.size, 0.0], dtype=np.float64)
        values = np.empty((0, grid.n_dimensions)) if points is None else points
        self._points = self._padded.points(as_points(values, grid.n_dimensions))
        n = np.zeros(len(self._points)) if counts is None else np.asarray(counts)
        self._order: IntArray = np.argsort(n, kind="stable").astype(np.int64)
        self._counts: IntArray = n[self._order].astype(np.int64)
        self._points = np.ascontiguousarray(self._points[self._order])
        self._felt = np.zeros((len(self._points), 4))
        self._hills = 0

    def add(self, centres: ArrayLike, sigmas: ArrayLike, heights: ArrayLike) -> FloatArray:
        """Add hills in order of time; heights as they were added to the bias, shape (H,).

        Returns
        -------
        ndarray
            c after each of them, shape (H,), in the heights' unit; empty where it is not wanted.
        """
        from nucleops.analysis.hills_kernel import follow_hills

        p, shape, d = self._padded, self._shape, self._grid.n_dimensions
        h = np.asarray(heights, dtype=np.float64) * shape.scale / self._kT
        offsets = np.zeros(len(h) if self._want else 0)
        follow_hills(
            p.points(as_points(centres, d)), p.points(as_points(sigmas, d), 1.0), h,
            p.origin, p.spacing, p.periods, shape.cut, shape.edge, self._upper, self._lower,
            self._points, self._counts, self._hills, self._bias, self._sums, offsets, self._felt,
        )  # fmt: skip
        self._hills += len(h)
        return offsets * self._kT

    @property
    def bias(self) -> FloatArray:
        """The bias so far, shape ``grid.shape``, in the heights' unit."""
        return self._bias.reshape(self._grid.shape) * self._kT

    def felt(self) -> tuple[FloatArray, FloatArray]:
        """Bias at each point from the hills before it, and its slopes; call after all hills.

        Returns
        -------
        bias : ndarray
            Shape (F,), in the heights' unit.
        slopes : ndarray
            Shape (F, D), in the heights' unit per the variable's.
        """
        from nucleops.analysis.hills_kernel import look_up

        p, late = self._padded, int(np.searchsorted(self._counts, self._hills))
        look_up(self._bias, p.origin, p.spacing, p.periods, self._points[late:], self._felt[late:])
        made = np.empty_like(self._felt)
        made[self._order] = self._felt * self._kT
        return made[:, 0], made[:, 4 - self._grid.n_dimensions :]


def c_of_t(
    centres: ArrayLike,
    sigmas: ArrayLike,
    heights: ArrayLike,
    grid: Grid,
    kT: float,
    bias_factor: float | None,
    kernel: Kernel = "stretched-gaussian",
) -> FloatArray:
    """Time-dependent offset of a bias after each hill; see :class:`BiasHistory`.

    Parameters
    ----------
    centres, sigmas, heights : array_like
        The hills in order of time; added heights, not the file's.

    Returns
    -------
    ndarray
        c after hill 1, 2, .. H, shape (H,), in the heights' unit.
    """
    return BiasHistory(grid, kT, bias_factor, kernel).add(centres, sigmas, heights)


def offset_at(times: ArrayLike, hill_times: ArrayLike, offsets: ArrayLike) -> FloatArray:
    """Return c(t) at given times, shape (F,): that of the last hill strictly before each time."""
    n_before = hills_before(times, hill_times)
    return np.asarray(np.concatenate([[0.0], np.asarray(offsets)])[n_before], dtype=np.float64)


def hills_before(times: ArrayLike, hill_times: ArrayLike) -> IntArray:
    """How many hills fell strictly before each time, shape (F,)."""
    return np.searchsorted(np.asarray(hill_times), np.asarray(times), side="left").astype(np.int64)


def history_of(
    tables: Iterable[HillsTable], history: BiasHistory
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Run a history through hills in order of time, some at a time.

    Returns
    -------
    offsets, bias, slopes : ndarray
        c after each hill (H,), and what each point felt, (F,) and (F, D).
    """
    offsets = [history.add(t.centres, t.sigmas, t.added) for t in tables]
    bias, slopes = history.felt()
    return np.concatenate(offsets) if offsets else np.empty(0), bias, slopes
