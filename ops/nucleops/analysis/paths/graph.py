"""A grid as a graph: every point is joined to its neighbours and, where two lie between, beyond.

Steps along axes and diagonals alone make paths in any other direction zigzags, longer than the way
is and of an arbitrary order of steps. A chess knight's moves are therefore allowed too, where the
two points that they pass between are as low as their ends have to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np

from nucleops.analysis.grid import BoolArray, FloatArray, Grid, IntArray

_MOST_FALL = 600.0
"""Depth in kT below the pass from which weights no longer fall: they must not vanish."""


class Edges(NamedTuple):
    """Edges by flat indices of both ends and of the two points that they pass between."""

    first: IntArray
    second: IntArray
    left: IntArray
    right: IntArray
    lengths: FloatArray

    def some(self, keep: BoolArray) -> Edges:
        """Return some of the edges; `keep` has their shape."""
        ends = (self.first[keep], self.second[keep], self.left[keep], self.right[keep])
        return Edges(*ends, self.lengths[keep])


@dataclass(frozen=True)
class GridGraph:
    """Neighbours on a grid and how far they are apart.

    Attributes
    ----------
    grid : Grid
        The grid; periodic variables are joined across their ends.
    scale : ndarray
        What counts as one unit of length along each variable, shape (D,).
    """

    grid: Grid
    scale: FloatArray

    @cached_property
    def edges(self) -> Edges:
        """All edges, each once."""
        shape, index = self.grid.shape, np.arange(int(np.prod(self.grid.shape)))
        where = np.stack(np.unravel_index(index, shape))
        step = self.grid.spacing / self.scale
        parts: list[tuple[IntArray, ...]] = []
        lengths = []
        for move in _moves(self.grid.n_dimensions):
            half = [np.floor(move / 2).astype(int), np.ceil(move / 2).astype(int)]
            # a step to the next neighbour passes nothing but its two ends
            between = half if np.abs(move).max() > 1 else [np.zeros_like(move), move]
            stops = [self._at(where, to) for to in (move, *between)]
            inside = np.all([flat >= 0 for flat in stops], axis=0)
            parts.append((index[inside], *(flat[inside] for flat in stops)))
            lengths.append(np.full(int(inside.sum()), np.linalg.norm(move * step)))
        first, second, *between = (np.concatenate(own) for own in zip(*parts, strict=True))
        return Edges(first, second, between[0], between[1], np.concatenate(lengths))

    def _at(self, where: IntArray, move: IntArray) -> IntArray:
        """Flat index of the points that a move leads to, shape (n,); -1 outside of the grid."""
        to, inside = where + move[:, None], np.ones(where.shape[1], dtype=np.bool_)
        shape = np.array(self.grid.shape)[:, None]
        for d, period in enumerate(self.grid.periods):
            if period is None:
                inside &= (to[d] >= 0) & (to[d] < shape[d])
        return np.where(inside, np.ravel_multi_index(tuple(to % shape), self.grid.shape), -1)

    def tree(self, surface: FloatArray, level: float, source: int) -> tuple[FloatArray, IntArray]:
        """Find the most likely path from one point to every other that stays below a level.

        The length of a path is the integral of exp(F) along it, which the flux of a diffusing
        system over it is inverse to (S. Huo and J. E. Straub, J. Chem. Phys. 107, 5000 (1997)).

        Parameters
        ----------
        surface : ndarray
            Free energy in kT, flat, shape (n,); nan where unknown, never crossed.
        level : float
            No point of a path is higher, in kT.
        source : int
            Flat index of the point where all paths begin.

        Returns
        -------
        length : ndarray
            Relative integral along the path to each point, shape (n,); inf where there is none.
        before : ndarray of int
            The point before each on its path, shape (n,); negative where there is none.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import dijkstra

        low = np.nan_to_num(surface, nan=np.inf) <= level
        e = self.edges
        e = e.some(low[e.first] & low[e.second] & low[e.left] & low[e.right])
        w = np.exp(np.maximum(np.where(low, surface, level) - level, -_MOST_FALL))
        mean = 0.25 * (w[e.first] + w[e.second] + w[e.left] + w[e.right])
        n = len(surface)
        graph = coo_array((mean * e.lengths, (e.first, e.second)), shape=(n, n))
        length, before = dijkstra(
            graph.tocsr(), directed=False, indices=source, return_predecessors=True
        )
        return np.asarray(length), np.asarray(before, dtype=np.int64)


def _moves(n_dimensions: int) -> list[IntArray]:
    """Steps to neighbours and knight's moves, of two opposite ones the later."""
    made = []
    for move in product((-2, -1, 0, 1, 2), repeat=n_dimensions):
        sizes = sorted(abs(part) for part in move if part)
        near, knight = bool(sizes) and sizes[-1] == 1, sizes == [1, 2]
        if (near or knight) and move > (0,) * n_dimensions:
            made.append(np.array(move, dtype=np.int64))
    return made
