"""Basins of a free-energy surface: boxes that are given, or found by watershed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.convergence import Box, grid_points, in_box
from nucleops.analysis.free_energy import log_sum
from nucleops.analysis.grid import FloatArray, Grid, IntArray, as_points


@dataclass(frozen=True)
class Basins:
    """Regions of the variables that count as states.

    Attributes
    ----------
    names : tuple of str
        A name for each.
    grid : Grid
        Grid of the labels.
    labels : ndarray of int
        Basin of each grid point, ``grid.shape``; -1 where none.
    boxes : tuple of Box or None
        Where the basins are boxes: rows are then told by the boxes, not by the grid.
    """

    names: tuple[str, ...]
    grid: Grid
    labels: IntArray
    boxes: tuple[Box, ...] | None = None

    def of(self, points: ArrayLike) -> IntArray:
        """Basin of each of the points, shape (F, D) -> (F,); -1 where none."""
        if self.boxes is not None:
            return _in_boxes(as_points(points, self.grid.n_dimensions), self.boxes)
        index, inside = self.grid.nearest(points)
        return np.where(inside, self.labels.ravel()[index], -1)

    def with_rows(self, points: ArrayLike, share: float, least: int = 5) -> Basins:
        """Leave out the basins that hold less than a share of the points, shape (F, D), or few."""
        count = np.bincount(self.of(points) + 1, minlength=len(self.names) + 1)[1:]
        enough = max(least, share * len(np.asarray(points)))
        kept = [k for k in range(len(self.names)) if count[k] >= enough]
        number = np.full(len(self.names) + 1, -1)
        number[kept] = np.arange(len(kept))
        return Basins(_letters(len(kept)), self.grid, number[self.labels])

    def minimum(self, surface: FloatArray, basin: int) -> tuple[FloatArray, float]:
        """Lowest point of a surface in a basin, shape (D,), and its value; nan where not known."""
        inside = np.where((self.labels == basin) & np.isfinite(surface), surface, np.inf)
        k = int(np.argmin(inside))
        value = float(inside.ravel()[k])
        if not np.isfinite(value):
            return np.full(self.grid.n_dimensions, np.nan), float("nan")
        return grid_points(self.grid)[k], value

    def population(self, surface: FloatArray, kT: float = 1.0) -> FloatArray:
        """Free energy of each basin, ``-kT ln sum exp(-F/kT)`` over its points, shape (n,)."""
        made = []
        for basin in range(len(self.names)):
            inside = surface[(self.labels == basin) & np.isfinite(surface)]
            made.append(-kT * log_sum(-inside / kT) if len(inside) else np.nan)
        return np.array(made)

    def on(self, grid: Grid) -> Basins:
        """Return the same basins on another grid of the same variables."""
        if grid is self.grid:
            return self
        labels = self.of(grid_points(grid)).reshape(grid.shape)
        return replace(self, grid=grid, labels=labels)

    def difference(self, surface: FloatArray, kT: float = 1.0) -> float:
        """Free energy of the second basin less that of the first, as :meth:`population`."""
        first, second = replace(self, names=self.names[:2]).population(surface, kT)
        return float(second - first)


def boxes_as_basins(names: Sequence[str], boxes: Sequence[Box], grid: Grid) -> Basins:
    """Make basins of boxes; where two overlap, a point is in the first."""
    labels = _in_boxes(grid_points(grid), boxes).reshape(grid.shape)
    return Basins(tuple(names), grid, labels, tuple(boxes))


def find_basins(surface: ArrayLike, grid: Grid, depth: float) -> Basins:
    """Find basins by watershed: each point belongs to the minimum that steepest descent leads to.

    Points are flooded from the lowest up (L. Vincent and P. Soille, IEEE Trans. Pattern Anal. 13,
    583 (1991)). Where two basins meet, the one that is less than `depth` deep below the meeting
    point joins the other, so that what is left are minima that noise has not made.

    Parameters
    ----------
    surface : array_like
        Free energy, ``grid.shape``; not finite where unknown.
    grid : Grid
        Its grid.
    depth : float
        Least depth of a basin below its lowest pass, in the unit of `surface`.

    Returns
    -------
    Basins
        Named A, B, ... from the lowest minimum up.
    """
    f = np.asarray(surface, dtype=np.float64)
    flat = f.ravel()
    order = np.argsort(np.where(np.isfinite(flat), flat, np.inf), kind="stable")
    order = order[: int(np.isfinite(flat).sum())]
    label = np.full(flat.size, -1, dtype=np.int64)
    parent: list[int] = []
    floor: list[float] = []

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    for point, around in zip(order.tolist(), _neighbours(grid, order), strict=True):
        near = [q for q in around if label[q] >= 0]
        if not near:
            label[point] = len(parent)
            parent.append(len(parent))
            floor.append(float(flat[point]))
            continue
        label[point] = label[min(near, key=lambda q: flat[q])]
        roots = sorted({root(int(label[q])) for q in near}, key=lambda k: floor[k])
        for shallow in roots[1:]:
            if flat[point] - floor[shallow] < depth:
                parent[shallow] = roots[0]
    kept = sorted({root(k) for k in range(len(parent))}, key=lambda k: floor[k])
    number = {k: n for n, k in enumerate(kept)}
    told = np.array([number[root(k)] for k in range(len(parent))] + [-1], dtype=np.int64)
    return Basins(_letters(len(kept)), grid, told[label].reshape(f.shape))


def _letters(count: int) -> tuple[str, ...]:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return tuple(letters[k] if count <= len(letters) else f"B{k + 1}" for k in range(count))


def _in_boxes(points: FloatArray, boxes: Sequence[Box]) -> IntArray:
    made = np.full(len(points), -1, dtype=np.int64)
    for k in range(len(boxes) - 1, -1, -1):
        made[in_box(points, boxes[k])] = k
    return made


def _neighbours(grid: Grid, points: IntArray) -> list[list[int]]:
    """Flat indices of the points around each of the points, diagonals included."""
    where = np.stack(np.unravel_index(points, grid.shape), axis=1)
    steps = np.stack(np.meshgrid(*([(-1, 0, 1)] * grid.n_dimensions), indexing="ij"), axis=-1)
    steps = steps.reshape(-1, grid.n_dimensions)
    steps = steps[np.any(steps != 0, axis=1)]
    around = where[:, None, :] + steps[None]
    shape, ok = np.array(grid.shape), np.ones(around.shape[:2], dtype=np.bool_)
    for d, period in enumerate(grid.periods):
        if period is None:
            ok &= (around[..., d] >= 0) & (around[..., d] < shape[d])
    wrapped = around % shape
    flat = np.ravel_multi_index(tuple(np.moveaxis(wrapped, -1, 0)), grid.shape)
    return [row[good].tolist() for row, good in zip(flat, ok, strict=True)]


def lowest_pass(surface: FloatArray, grid: Grid, start: int, end: int) -> float:
    """Height of the lowest pass between two grid points, given as flat indices.

    The smallest level at which the points below it join the two; nan where no known points do.
    """
    flat = surface.ravel()
    known = np.isfinite(flat)
    if not (known[start] and known[end]):
        return float("nan")
    if grid.periods == (None,):
        way = flat[min(start, end) : max(start, end) + 1]
        return float(way.max()) if np.all(np.isfinite(way)) else float("nan")
    from scipy.ndimage import label

    levels = np.unique(flat[known])
    low = int(np.searchsorted(levels, max(flat[start], flat[end])))
    high = len(levels) - 1
    structure = np.ones((3,) * grid.n_dimensions)

    def joined(level: float) -> bool:
        below = np.where(np.isfinite(surface), surface, np.inf) <= level
        labels, _ = label(below, structure)
        labels = _wrapped(labels, grid)
        return bool(labels.ravel()[start] == labels.ravel()[end])

    if not joined(levels[high]):
        return float("nan")
    while low < high:
        middle = (low + high) // 2
        if joined(levels[middle]):
            high = middle
        else:
            low = middle + 1
    return float(levels[low])


def _wrapped(labels: IntArray, grid: Grid) -> IntArray:
    """Join labels across the ends of periodic variables."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    for d, period in enumerate(grid.periods):
        if period is None:
            continue
        first, last = np.take(labels, 0, axis=d).ravel(), np.take(labels, -1, axis=d).ravel()
        both = (first > 0) & (last > 0)
        n = int(labels.max()) + 1
        touch = coo_array((np.ones(both.sum()), (first[both], last[both])), shape=(n, n))
        labels = connected_components(touch, directed=False)[1][labels]
    return labels
