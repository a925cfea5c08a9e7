"""Values of collective variables and bias energies in numpy, vectorised over frames."""

from __future__ import annotations

import numpy as np

from nucleops.bias.coordination import coordination_numbers
from nucleops.bias.geometry import angle, distance, minimum_image, place_positions, torsion
from nucleops.bias.resolved import FloatArray, ResolvedBias, ResolvedCV
from nucleops.bias.switch import switch
from nucleops.errors import WrongInput

FEW_PAIRS = 100_000
"""So many distances take numpy less time than numba takes to be imported and to compile."""


def evaluate(
    resolved: ResolvedBias,
    positions: FloatArray,
    cells: FloatArray | None = None,
    periodic: bool | None = None,
) -> dict[str, FloatArray]:
    """Evaluate all named variables, walls and restraints on a trajectory.

    Parameters
    ----------
    resolved : ResolvedBias
        The bias over atom indices.
    positions : ndarray
        Coordinates in angstrom, shape (n_frames, n_atoms, 3) or (n_atoms, 3).
    cells : ndarray or None
        Edge lengths in angstrom, shape (n_frames, 3) or (3,); the system's where None.
    periodic : bool or None
        Whether to take nearest images; the system's where None.

    Returns
    -------
    dict of str to ndarray
        Shape (n_frames,) each: variables by name (A, rad, 1), then ``<wall>.bias`` and
        ``<restraint>.bias`` (kcal/mol). Definitions as in PLUMED.

    Raises
    ------
    WrongInput
        The number of atoms or the shape of the cells does not fit.
    """
    frames, cell = frames_and_cell(resolved, positions, cells, periodic)
    values: dict[str, FloatArray] = {}
    for cv in resolved.variables():
        if cv.kind != "combination":
            values[cv.name] = _value(cv, resolved, frames, cell)
    for cv in resolved.cvs.values():
        if cv.kind == "combination":
            values[cv.name] = sum(
                (coefficient * values[name] for name, coefficient in cv.terms),
                start=np.zeros(len(frames)),
            )
    result = {name: values[name] for name in resolved.cvs}
    for wall in resolved.walls:
        energy = np.zeros(len(frames))
        for name in wall.members:
            beyond = values[name] - wall.at
            beyond = np.maximum(beyond, 0) if wall.side == "upper" else np.minimum(beyond, 0)
            energy += wall.kappa * beyond**2
        result[f"{wall.name}.bias"] = energy
    for restraint in resolved.restraints:
        away = difference(resolved.variable(restraint.of), values[restraint.of], restraint.at)
        result[f"{restraint.name}.bias"] = 0.5 * restraint.kappa * away**2
    return result


def evaluate_one(
    resolved: ResolvedBias, name: str, frames: FloatArray, cell: FloatArray | None
) -> FloatArray:
    """Return one variable, also one written in a wall; arguments of :func:`frames_and_cell`."""
    cv = resolved.variable(name)
    if cv.kind != "combination":
        return _value(cv, resolved, frames, cell)
    total = np.zeros(len(frames))
    for term, coefficient in cv.terms:
        total += coefficient * _value(resolved.variable(term), resolved, frames, cell)
    return total


def difference(cv: ResolvedCV, value: FloatArray, reference: float | FloatArray) -> FloatArray:
    """Return value - reference, to the nearest image where the variable is a torsion (rad)."""
    away = np.asarray(value) - reference
    if cv.kind == "torsion":
        away = away - 2 * np.pi * np.round(away / (2 * np.pi))
    return np.asarray(away, dtype=np.float64)


def frames_and_cell(
    resolved: ResolvedBias,
    positions: FloatArray,
    cells: FloatArray | None,
    periodic: bool | None,
) -> tuple[FloatArray, FloatArray | None]:
    """Return coordinates of shape (F, N, 3), and cells of shape (F, 3) or None without periodicity.

    Raises
    ------
    WrongInput
        The number of atoms or the shape of the cells does not fit.
    """
    frames = np.asarray(positions, dtype=np.float64)
    frames = frames[None] if frames.ndim == 2 else frames
    if frames.ndim != 3 or frames.shape[1:] != (resolved.n_atoms, 3):
        raise WrongInput(
            f"positions: found shape {frames.shape}, allowed (frames, {resolved.n_atoms}, 3) "
            f"for system {resolved.system!r}"
        )
    if not (resolved.periodic if periodic is None else periodic):
        return frames, None
    cell = np.asarray(resolved.cell if cells is None else cells, dtype=np.float64)
    if cell.shape not in ((3,), (len(frames), 3)) or not np.all(cell > 0):
        raise WrongInput(
            f"cells: found shape {cell.shape}, allowed (3,) or ({len(frames)}, 3), all positive"
        )
    return frames, np.broadcast_to(cell, (len(frames), 3))


def _value(
    cv: ResolvedCV, bias: ResolvedBias, frames: FloatArray, cell: FloatArray | None
) -> FloatArray:
    if cv.kind in ("coordination", "lowest-coordination"):
        return _coordination(cv, bias, frames, cell)
    sites = [place_positions(place, bias, frames, cell)[:, 0] for place in cv.places]
    if cv.kind == "distance":
        return distance(sites[0], sites[1], cell)
    if cv.kind == "angle":
        return angle(sites[0], sites[1], sites[2], cell)
    return torsion(sites[0], sites[1], sites[2], sites[3], cell)


def _coordination(
    cv: ResolvedCV, bias: ResolvedBias, frames: FloatArray, cell: FloatArray | None
) -> FloatArray:
    a = place_positions(cv.places[0], bias, frames, cell)
    b = place_positions(cv.places[1], bias, frames, cell) if len(cv.places) == 2 else None
    n_pairs = a.shape[0] * a.shape[1] * (a if b is None else b).shape[1]
    numbers = _few_numbers if n_pairs <= FEW_PAIRS else coordination_numbers
    each = numbers(a, b, cell, cv.r0_A, cv.n, cv.m)
    if cv.kind == "coordination":
        return np.asarray(each.sum(axis=1))
    return np.asarray(each.min(axis=1) if cv.statistic == "lowest" else each.mean(axis=1))


def _few_numbers(
    a: FloatArray, b: FloatArray | None, cell: FloatArray | None, r0_A: float, n: int, m: int
) -> FloatArray:
    """Do the same as :func:`coordination_numbers` with an array of all distances."""
    between = a[:, :, None, :] - (a if b is None else b)[:, None, :, :]
    r = np.sqrt(np.sum(minimum_image(between, cell) ** 2, axis=-1))
    s = switch(r, r0_A, n, m)
    return np.asarray((np.triu(s, k=1) if b is None else s).sum(axis=2))
