"""Distances, angles and torsions under periodic boundaries, and where points are."""

from __future__ import annotations

import numpy as np

from nucleops.bias.resolved import FloatArray, Place, ResolvedBias, ResolvedPoint


def minimum_image(vectors: FloatArray, cell: FloatArray | None) -> FloatArray:
    """Return vectors to the nearest image in an orthorhombic cell.

    Parameters
    ----------
    vectors : ndarray
        Shape (n_frames, ..., 3), angstrom.
    cell : ndarray or None
        Edge lengths, shape (n_frames, 3), angstrom; None: no periodicity, returned unchanged.
    """
    if cell is None:
        return vectors
    edges = cell.reshape(len(cell), *(1,) * (vectors.ndim - 2), 3)
    return vectors - edges * np.round(vectors / edges)


def distance(a: FloatArray, b: FloatArray, cell: FloatArray | None) -> FloatArray:
    """Return distances in angstrom of positions of shape (n_frames, 3)."""
    between = minimum_image(b - a, cell)
    return np.asarray(np.linalg.norm(between, axis=-1), dtype=np.float64)


def angle(a: FloatArray, b: FloatArray, c: FloatArray, cell: FloatArray | None) -> FloatArray:
    """Return angles a-b-c in radian, in [0, pi], of positions of shape (n_frames, 3)."""
    u, v = minimum_image(a - b, cell), minimum_image(c - b, cell)
    # the arc tangent keeps its precision near 0 and pi, where the arc cosine does not
    sine = np.linalg.norm(np.cross(u, v), axis=-1)
    return np.asarray(np.arctan2(sine, np.sum(u * v, axis=-1)), dtype=np.float64)


def torsion(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, cell: FloatArray | None
) -> FloatArray:
    """Return torsions a-b-c-d in radian, in (-pi, pi], IUPAC's sign, of positions (n_frames, 3)."""
    u, v, w = (minimum_image(x, cell) for x in (b - a, c - b, d - c))
    p, q = np.cross(u, v), np.cross(v, w)
    sine = np.sum(np.cross(p, q) * v, axis=-1) / np.linalg.norm(v, axis=-1)
    return np.asarray(np.arctan2(sine, np.sum(p * q, axis=-1)), dtype=np.float64)


def point_positions(
    point: ResolvedPoint, frames: FloatArray, cell: FloatArray | None
) -> FloatArray:
    """Return a point's positions in angstrom, shape (n_frames, 3).

    A centre of mass is taken of the group made whole as PLUMED does it: each atom at its image
    nearest to the atom before it.
    """
    if point.fixed_A is not None:
        return np.broadcast_to(np.asarray(point.fixed_A), (len(frames), 3))
    atoms = frames[:, list(point.atoms)]
    steps = minimum_image(np.diff(atoms, axis=1), cell)
    whole = atoms[:, :1] + np.concatenate(
        [np.zeros_like(atoms[:, :1]), np.cumsum(steps, axis=1)], axis=1
    )
    weights = np.asarray(point.weights) / np.sum(point.weights)
    return np.asarray(np.einsum("a,fax->fx", weights, whole), dtype=np.float64)


def place_positions(
    place: Place, bias: ResolvedBias, frames: FloatArray, cell: FloatArray | None
) -> FloatArray:
    """Return positions in angstrom of a place's atoms, or of its point; shape (n_frames, k, 3)."""
    if place.point is not None:
        return point_positions(bias.points[place.point], frames, cell)[:, None, :]
    return frames[:, list(place.atoms)]
