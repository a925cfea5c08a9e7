"""Free-energy surfaces from biased rows, by one of several estimators, with bootstrap replicas.

All energies in this module are in units of kT.

``bias-force``
    Weights from the static bias that the growing one amounts to (:mod:`bias_force`).
``ct``
    ``V(s, t) - c(t)``: P. Tiwary and M. Parrinello, J. Phys. Chem. B 119, 736 (2015).
``final``
    The bias as it was in the end: D. Branduardi, G. Bussi and M. Parrinello, J. Chem. Theory
    Comput. 8, 2247 (2012).
``bias``
    The bias each row felt, for one that hardly moves, as OPES': M. Invernizzi and M. Parrinello,
    J. Phys. Chem. Lett. 11, 2731 (2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from nucleops.analysis.bias_force import StaticBias, static_bias
from nucleops.analysis.convergence import grid_points
from nucleops.analysis.grid import BoolArray, FloatArray, Grid, IntArray
from nucleops.analysis.grid_density import Sharing, bandwidths_of, smoothed

UNDERSMOOTHED = 0.6
"""Kernels' share of the width that is best for the density alone. What a kernel smooths away is no
statistical error, and bootstrap does not see it: for errors to hold, noise has to prevail (P. Hall,
Ann. Statist. 20, 675 (1992))."""

Method = Literal["bias-force", "ct", "final", "bias"]
Smoothing = Literal["kernel", "histogram"]


@dataclass(frozen=True)
class Rows:
    """Rows of a series that was biased, of all walkers one after the other; energies in kT.

    Attributes
    ----------
    biased : ndarray
        Values of the D biased variables, shape (F, D).
    targets : ndarray
        Values of the K variables that a surface is wanted in, shape (F, K).
    shared : tuple of int or None
        Which of the targets the biased variables are, where they are all among them.
    log_weights : ndarray
        Logarithm of each row's weight by a method other than ``bias-force``, which sets only the
        levels of islands by it, shape (F,).
    slopes : ndarray or None
        Slope of the bias that each row felt, shape (F, D); for ``bias-force``.
    extra : ndarray
        Other biases, such as walls, shape (F,).
    walker : ndarray of int
        Shape (F,), ascending.
    """

    biased: FloatArray
    targets: FloatArray
    shared: tuple[int, ...] | None
    log_weights: FloatArray
    slopes: FloatArray | None
    extra: FloatArray
    walker: IntArray

    def __len__(self) -> int:
        return len(self.biased)

    def part(self, keep: BoolArray) -> Rows:
        """Return some of the rows; `keep` has shape (F,)."""
        return Rows(
            self.biased[keep],
            self.targets[keep],
            self.shared,
            self.log_weights[keep],
            None if self.slopes is None else self.slopes[keep],
            self.extra[keep],
            self.walker[keep],
        )


def levelled(logs: FloatArray) -> FloatArray:
    """Set the level of a walker's weights, whose logarithms are given, shape (F,).

    By how much the bias of one OPES walker is offset from another's it does not tell. The weights
    of each are therefore scaled to sum up to its effective number of rows, (sum w)^2 / sum w^2
    (Kish), as good a measure as there is of what the walker knows.
    """
    if not len(logs):
        return logs
    weights = np.exp(logs - logs.max())
    return np.asarray(logs - logs.max() + np.log(weights.sum() / np.square(weights).sum()))


class Estimator:
    """A way from rows to weights and to a surface, which can be walked again for bootstrap samples.

    Parameters
    ----------
    rows : Rows
        The rows.
    grid : Grid
        Where the surface is wanted, in the targets.
    bias_grid : Grid or None
        Grid of the static bias, in the biased variables; None for the methods that need none.
    smoothing : str
        ``kernel`` or ``histogram``.
    bandwidths : ndarray or None
        Kernel width along each target, shape (K,); :data:`UNDERSMOOTHED` times that of
        :func:`bandwidths_of` where None.
    """

    def __init__(
        self,
        rows: Rows,
        grid: Grid,
        bias_grid: Grid | None,
        smoothing: Smoothing = "kernel",
        bandwidths: FloatArray | None = None,
    ) -> None:
        self.rows, self.grid, self.bias_grid = rows, grid, bias_grid
        self._sharing = Sharing(rows.targets, grid, linear=smoothing == "kernel")
        self._given = bandwidths if smoothing == "kernel" else np.zeros(grid.n_dimensions)

    @property
    def _flattened(self) -> bool:
        # where the biased variables are among the targets, the density of the biased run is
        # smoothed and the bias taken off afterwards: that density is nearly flat, so that smoothing
        # spoils little
        return self.bias_grid is not None and self.rows.shared is not None

    @cached_property
    def bandwidths(self) -> FloatArray:
        """Kernel width along each target, shape (K,); zeros for a histogram."""
        if self._given is not None:
            return np.asarray(self._given, dtype=np.float64)
        inside = self._sharing.inside
        logs = self.rows.extra if self._flattened else self.log_weights()
        weights = np.exp(logs - logs.max())[inside]
        best = bandwidths_of(self.rows.targets[inside], weights)
        return np.maximum(UNDERSMOOTHED * best, 0.5 * self.grid.spacing)

    def static(self, multiplicity: FloatArray | None = None) -> StaticBias:
        """Return the static bias, of ``bias-force``."""
        assert self.bias_grid is not None
        assert self.rows.slopes is not None
        return static_bias(
            self.rows.biased,
            self.rows.slopes,
            self.rows.log_weights,
            self.bias_grid,
            multiplicity,
        )

    def log_weights(self, multiplicity: FloatArray | None = None) -> FloatArray:
        """Logarithm of the weight of each row, shape (F,), without its multiplicity."""
        if self.bias_grid is None:
            return self.rows.log_weights + self.rows.extra
        return self.static(multiplicity).at(self.rows.biased) + self.rows.extra

    def surface(self, multiplicity: FloatArray | None = None) -> FloatArray:
        """Free energy in kT, ``grid.shape``, not shifted; inf where no row or its kernel is.

        Parameters
        ----------
        multiplicity : ndarray, optional
            How often each row counts, shape (F,).
        """
        times = np.ones(len(self.rows)) if multiplicity is None else multiplicity
        static = self.static(multiplicity) if self._flattened else None
        logs = self.rows.extra if static else self.log_weights(multiplicity)
        top = float(logs.max(initial=0.0))
        density = smoothed(
            self._sharing.histogram(times * np.exp(logs - top)), self.grid, self.bandwidths
        )
        with np.errstate(divide="ignore"):
            made = np.where(density > 0, -np.log(np.maximum(density, 0.0)), np.inf) - top
        if static is not None:
            assert self.rows.shared is not None
            made = made - static.at(self._biased_points).reshape(self.grid.shape)
        return np.asarray(made, dtype=np.float64)

    @cached_property
    def _biased_points(self) -> FloatArray:
        assert self.rows.shared is not None
        return grid_points(self.grid)[:, list(self.rows.shared)]

    @cached_property
    def visited(self) -> BoolArray:
        """Where rows are, or within one kernel width of them, ``grid.shape``."""
        from scipy.ndimage import distance_transform_edt

        been = Sharing(self.rows.targets, self.grid, linear=False).histogram() > 0
        sampling = self.grid.spacing / np.maximum(self.bandwidths, self.grid.spacing)
        return np.asarray(distance_transform_edt(~been, sampling=sampling) <= 1.0)
