"""Three dimers on the way to the octahedron: where a biased run from dimers to it can start."""

from __future__ import annotations

import numpy as np

from nucleops.errors import WrongInput
from nucleops.systems.motifs import Motif, motif
from nucleops.systems.system import METALS, FloatArray

N_DIMERS = 3


def opened_octahedron(dimer: Motif, metal: str, distance_A: float) -> FloatArray:
    """Lay three dimers as they sit in the octahedron, and move them apart.

    Each dimer is superimposed, as a rigid body, on the two metals and two ligands of the octahedron
    that it will become (roles M1, S1, N1 of dimer k on M2k-1 and so on), then moved outwards along
    the line from the octahedron's centre to the middle between its metals. The directions in which
    the dimers lie, and so the angles that the article's walls hold, are those of the octahedron.

    Parameters
    ----------
    dimer : Motif
        The shipped dimer.
    metal : str
        ``Ag``, ``Au`` or ``Cu``.
    distance_A : float
        Mean distance in angstrom of the metals from the centre, more than in the octahedron.

    Returns
    -------
    ndarray
        Coordinates in angstrom about the centre, shape (3, n_atoms of a dimer, 3).

    Raises
    ------
    WrongInput
        The distance is not larger than that in the octahedron itself.
    """
    octahedron = motif("octahedron", metal)
    site = dict(zip(octahedron.roles, octahedron.positions, strict=True))
    centre = np.mean([site[f"M{k}"] for k in range(1, 2 * N_DIMERS + 1)], axis=0)
    metals = [symbol in METALS for symbol in dimer.symbols]
    placed = []
    for pair in range(N_DIMERS):
        roles = [f"{role[:-1]}{2 * pair + int(role[-1])}" for role in dimer.roles]
        body = _superimpose(dimer.positions, np.array([site[role] - centre for role in roles]))
        middle = body[metals].mean(axis=0)
        from_middle = float(np.linalg.norm(body[metals] - middle, axis=1).mean())
        closest = float(np.hypot(np.linalg.norm(middle), from_middle))
        if distance_A <= closest:
            raise WrongInput(
                f"opened_octahedron_A is {distance_A:g}, but in the closed octahedron the metals"
                f" are {closest:.2f} A from the centre",
                advice="give a larger distance",
            )
        outwards = middle / np.linalg.norm(middle)
        placed.append(body + outwards * np.sqrt(distance_A**2 - from_middle**2) - middle)
    return np.array(placed)


def _superimpose(body: FloatArray, target: FloatArray) -> FloatArray:
    """Rotate and move a rigid body onto a target of the same shape (Kabsch, 1976)."""
    moved, origin = body - body.mean(axis=0), target.mean(axis=0)
    left, _, right = np.linalg.svd(moved.T @ (target - origin))
    proper = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return np.asarray(moved @ left @ proper @ right + origin, dtype=np.float64)
