"""Gradients of collective variables, and forces of a bias, in numpy.

They are what the engines' forces are tested against; a trajectory's analysis needs values only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nucleops.bias.geometry import minimum_image, place_positions
from nucleops.bias.hills import HillsTable, hills_slope
from nucleops.bias.resolved import FloatArray, Place, ResolvedBias, ResolvedCV
from nucleops.bias.switch import switch, switch_derivative
from nucleops.bias.values import difference, evaluate, evaluate_one, frames_and_cell


def gradients(
    resolved: ResolvedBias,
    name: str,
    positions: FloatArray,
    cells: FloatArray | None = None,
    periodic: bool | None = None,
) -> FloatArray:
    """Return the gradient of a variable by all coordinates.

    Parameters
    ----------
    resolved : ResolvedBias
        The bias it belongs to.
    name : str
        Its name.
    positions, cells, periodic
        As for :func:`nucleops.bias.values.evaluate`.

    Returns
    -------
    ndarray
        Shape (n_frames, n_atoms, 3), in the variable's unit per angstrom.
    """
    frames, cell = frames_and_cell(resolved, positions, cells, periodic)
    cv = resolved.variable(name)
    result = np.zeros_like(frames)
    if cv.kind == "combination":
        for term, coefficient in cv.terms:
            result += coefficient * gradients(resolved, term, positions, cells, periodic)
        return result
    if cv.kind in ("coordination", "lowest-coordination"):
        by_place = _coordination(cv, resolved, frames, cell)
    else:
        sites = [place_positions(place, resolved, frames, cell)[:, 0] for place in cv.places]
        by_site = {"distance": _distance, "angle": _angle, "torsion": _torsion}[cv.kind]
        by_place = [g[:, None, :] for g in by_site(sites, cell)]
    for place, gradient in zip(cv.places, by_place, strict=True):
        _add(result, place, gradient, resolved)
    return result


def bias_forces(
    resolved: ResolvedBias,
    positions: FloatArray,
    cells: FloatArray | None = None,
    periodic: bool | None = None,
    *,
    hills: HillsTable | None = None,
    counts: NDArray[np.int64] | None = None,
) -> FloatArray:
    """Return the forces of walls, restraints and hills on all atoms.

    Parameters
    ----------
    resolved, positions, cells, periodic
        As for :func:`nucleops.bias.values.evaluate`.
    hills : HillsTable or None
        Hills that act too.
    counts : ndarray of int or None
        Shape (n_frames,): how many of the hills act in each frame; all where None.

    Returns
    -------
    ndarray
        Shape (n_frames, n_atoms, 3), kcal/mol/A.
    """

    def slope_of(name: str) -> FloatArray:
        return gradients(resolved, name, positions, cells, periodic)

    frames, cell = frames_and_cell(resolved, positions, cells, periodic)
    forces = np.zeros_like(frames)
    for wall in resolved.walls:
        for name in wall.members:
            beyond = evaluate_one(resolved, name, frames, cell) - wall.at
            beyond = np.maximum(beyond, 0) if wall.side == "upper" else np.minimum(beyond, 0)
            if np.any(beyond):
                forces -= (2 * wall.kappa * beyond)[:, None, None] * slope_of(name)
    for restraint in resolved.restraints:
        value = evaluate_one(resolved, restraint.of, frames, cell)
        away = difference(resolved.variable(restraint.of), value, restraint.at)
        forces -= (restraint.kappa * away)[:, None, None] * slope_of(restraint.of)
    if hills is not None:
        values = evaluate(resolved, positions, cells, periodic)
        points = np.column_stack([values[name] for name in hills.cvs])
        slopes = hills_slope(hills, points, counts)
        for k, name in enumerate(hills.cvs):
            forces -= slopes[:, k, None, None] * slope_of(name)
    return forces


def _add(result: FloatArray, place: Place, gradient: FloatArray, bias: ResolvedBias) -> None:
    if place.point is None:
        result[:, list(place.atoms)] += gradient
        return
    point = bias.points[place.point]
    if point.fixed_A is None:
        weights = np.asarray(point.weights) / np.sum(point.weights)
        result[:, list(point.atoms)] += weights[None, :, None] * gradient


def _distance(sites: list[FloatArray], cell: FloatArray | None) -> list[FloatArray]:
    between = minimum_image(sites[1] - sites[0], cell)
    length = np.linalg.norm(between, axis=-1, keepdims=True)
    # Sites that coincide part alike in every direction; a packed droplet's metals begin so.
    unit = np.where(length > 0, between / np.where(length > 0, length, 1.0), [1.0, 0.0, 0.0])
    return [-unit, unit]


def _angle(sites: list[FloatArray], cell: FloatArray | None) -> list[FloatArray]:
    u, v = minimum_image(sites[0] - sites[1], cell), minimum_image(sites[2] - sites[1], cell)
    a, b = np.linalg.norm(u, axis=-1, keepdims=True), np.linalg.norm(v, axis=-1, keepdims=True)
    cosine = np.sum(u * v, axis=-1, keepdims=True) / (a * b)
    sine = np.linalg.norm(np.cross(u, v), axis=-1, keepdims=True) / (a * b)
    first = (cosine * u / a - v / b) / (a * sine)
    last = (cosine * v / b - u / a) / (b * sine)
    return [first, -first - last, last]


def _torsion(sites: list[FloatArray], cell: FloatArray | None) -> list[FloatArray]:
    # Blondel and Karplus, J. Comput. Chem. 1996, 17, 1132
    f = minimum_image(sites[0] - sites[1], cell)
    g = minimum_image(sites[1] - sites[2], cell)
    h = minimum_image(sites[3] - sites[2], cell)
    a, b = np.cross(f, g), np.cross(h, g)
    length = np.linalg.norm(g, axis=-1, keepdims=True)
    a = a / np.sum(a * a, axis=-1, keepdims=True)
    b = b / np.sum(b * b, axis=-1, keepdims=True)
    shared = a * np.sum(f * g, axis=-1, keepdims=True) / length
    shared = shared - b * np.sum(h * g, axis=-1, keepdims=True) / length
    return [-length * a, length * a + shared, -shared - length * b, length * b]


def _coordination(
    cv: ResolvedCV, bias: ResolvedBias, frames: FloatArray, cell: FloatArray | None
) -> list[FloatArray]:
    a = place_positions(cv.places[0], bias, frames, cell)
    b = place_positions(cv.places[-1], bias, frames, cell)
    between = minimum_image(a[:, :, None, :] - b[:, None, :, :], cell)
    r = np.linalg.norm(between, axis=-1)
    slope = switch_derivative(r, cv.r0_A, cv.n, cv.m)
    if cv.kind == "lowest-coordination":
        share = np.full(r.shape[:2], 1 / r.shape[1])
        if cv.statistic == "lowest":
            lowest = switch(r, cv.r0_A, cv.n, cv.m).sum(axis=2).argmin(axis=1)
            share = (np.arange(r.shape[1])[None, :] == lowest[:, None]).astype(np.float64)
        slope = slope * share[:, :, None]
    pair = (slope / np.where(r > 0, r, 1.0))[..., None] * between
    # one group alone: each atom feels all its pairs, and each pair counts once
    return [pair.sum(axis=2)] if len(cv.places) == 1 else [pair.sum(axis=2), -pair.sum(axis=1)]
