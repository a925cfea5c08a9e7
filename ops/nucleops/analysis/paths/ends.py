"""Where a path begins and ends: the lowest point of a basin, or given values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.basins import Basins
from nucleops.analysis.convergence import grid_points
from nucleops.analysis.grid import FloatArray
from nucleops.errors import WrongInput


@dataclass(frozen=True)
class End:
    """One end of a path.

    Attributes
    ----------
    name : str
        Name of the basin, or the values as they were given.
    basin : int or None
        Its number; the end is its lowest point, in every replicate surface anew.
    point : int
        Flat index of the grid point where it is no basin.
    """

    name: str
    basin: int | None
    point: int = -1

    def on(self, surface: FloatArray, basins: Basins) -> int:
        """Flat index of the end on a surface, ``grid.shape``; -1 where it is not known there."""
        if self.basin is None:
            return self.point if np.isfinite(surface.ravel()[self.point]) else -1
        inside = np.where((basins.labels == self.basin) & np.isfinite(surface), surface, np.inf)
        lowest = int(np.argmin(inside))
        return lowest if np.isfinite(inside.ravel()[lowest]) else -1


def end_of(text: str, basins: Basins, variables: Sequence[str], surface: FloatArray) -> End:
    """Return the end that a word means.

    Parameters
    ----------
    text : str
        Name of a basin, or a value for each variable, joined by commas.
    basins : Basins
        What basins there are, and their grid.
    variables : sequence of str
        Names of the D variables.
    surface : ndarray
        The surface, ``grid.shape``; not finite where unknown.

    Raises
    ------
    WrongInput
        It is neither, lies outside of the grid, or where the run has never been.
    """
    if text in basins.names:
        return End(text, basins.names.index(text))
    names, wanted = ", ".join(basins.names) or "none found", ",".join(variables)
    words = text.split(",")
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        values = np.empty(0)
    if len(values) != len(variables):
        raise WrongInput(
            f"--path: found {text!r}, allowed a basin ({names}) or values of {wanted} joined by "
            "commas"
        )
    point, inside = basins.grid.nearest(values[None])
    if not inside[0]:
        limits = ", ".join(
            f"{name} from {axis[0]:.4g} to {axis[-1]:.4g}"
            for name, axis in zip(variables, basins.grid.axes, strict=True)
        )
        raise WrongInput(f"--path: {text} lies outside of the surface; allowed: {limits}")
    if not np.isfinite(surface.ravel()[point[0]]):
        known = grid_points(basins.grid)[np.isfinite(surface).ravel()]
        away = np.abs(known - values) / basins.grid.spacing
        nearest = known[int(np.argmin(np.linalg.norm(away, axis=1)))]
        raise WrongInput(
            f"--path: at {text} the run has never been; the nearest point where it has is "
            + ",".join(f"{value:.4g}" for value in nearest)
        )
    return End(text, None, int(point[0]))
