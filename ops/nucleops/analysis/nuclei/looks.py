"""What an aggregate looks like in each frame, and votes over the frames about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import BoolArray, FloatArray
from nucleops.analysis.nuclei.shapes import octahedron_shapes
from nucleops.analysis.nuclei.watched import Watched
from nucleops.analysis.settings import NucleationSettings


@dataclass(frozen=True)
class Looks:
    """What an aggregate looks like in some frames, as it is seen in each.

    Attributes
    ----------
    touching : ndarray of bool
        Which metals touch, shape (F, k, k).
    sulfur, nitrogen : ndarray of bool
        Which donors are bonded to which metals, shapes (F, k, s) and (F, k, n).
    measure, rmsd_A : ndarray
        As of :class:`Named`.
    """

    touching: BoolArray
    sulfur: BoolArray
    nitrogen: BoolArray
    measure: FloatArray
    rmsd_A: FloatArray

    def __getitem__(self, part: slice) -> Looks:
        """Return some of the frames."""
        return Looks(*(getattr(self, name)[part] for name in self.__dataclass_fields__))

    def followed_by(self, later: Looks) -> Looks:
        """Return these frames and later ones."""
        return Looks(
            *(
                np.concatenate([getattr(self, name), getattr(later, name)])
                for name in self.__dataclass_fields__
            )
        )

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.measure)


def look_at(
    watched: Watched, part: slice, whole: FloatArray, settings: NucleationSettings
) -> Looks:
    """See contacts, bonds and shape of an aggregate in each frame of a span.

    Parameters
    ----------
    watched : Watched
        Positions of the donors.
    part : slice
        Frames.
    whole : ndarray
        Its metals brought together, in angstrom, shape (F, k, 3).
    settings : NucleationSettings
        Limits.
    """
    cells, bonds = watched.edges(part), settings.bonds
    touching = _within(whole, whole, cells, bonds.metal_metal_A)
    touching &= ~np.eye(whole.shape[1], dtype=np.bool_)
    measure = np.full(len(whole), np.nan)
    rmsd = measure.copy()
    if whole.shape[1] == 6:
        shapes = octahedron_shapes(whole)
        measure, rmsd = shapes.measure, shapes.rmsd_A
    return Looks(
        touching=touching,
        sulfur=_within(whole, watched.sulfur[part], cells, bonds.metal_sulfur_A),
        nitrogen=_within(whole, watched.nitrogen[part], cells, bonds.metal_nitrogen_A),
        measure=measure,
        rmsd_A=rmsd,
    )


def majority(bonds: BoolArray, half: int) -> BoolArray:
    """Whether a bond is there in most frames up to `half` before and after; a tie is itself."""
    from nucleops.analysis.nuclei.loops import vote

    most = np.empty(bonds.shape, dtype=np.bool_)
    flat = (len(bonds), -1) if len(bonds) else (0, 1)
    vote(np.ascontiguousarray(bonds).reshape(flat), half, most.reshape(flat))
    return most


def median(values: FloatArray, half: int) -> FloatArray:
    """Median over the frames up to `half` before and after."""
    n = len(values)
    if n == 0 or np.isnan(values).all():
        return values
    padded = np.concatenate([np.full(half, np.nan), values, np.full(half, np.nan)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    return np.asarray(np.nanmedian(windows, axis=1), dtype=np.float64)


def _within(a: ArrayLike, b: ArrayLike, cells: FloatArray, limit_A: float) -> BoolArray:
    """Which pairs are closer than a limit: (F, a, 3), (F, b, 3) -> (F, a, b)."""
    from nucleops.analysis.nuclei.loops import within

    # one type and layout, for which the loop is compiled once
    x, y = (np.ascontiguousarray(points, dtype=np.float64) for points in (a, b))
    close = np.empty((len(x), x.shape[1], y.shape[1]), dtype=np.bool_)
    within(x, y, cells, limit_A, close)
    return close
