"""First geometries of the motifs, from target distances alone.

A motif is a list of roles and a table of target distances between them (bonds, and the angles as
1-3 distances). A rough symmetric sketch is fitted to the table by least squares. The result is
only a start for a quantum-chemical relaxation (see ``make_motifs``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleops.systems.elements import COVALENT_RADIUS_A
from nucleops.systems.system import FloatArray
from nucleops.systems.topology import N_LIGANDS, expected_bonds, partner

# Silver's contacts: maxima of the densities in the article (Ag-Ag, Ag-S, Ag-N in solution).
AG_AG_A, AG_S_A, AG_N_A = 2.97, 2.54, 2.28
# The ligand: textbook bond lengths (A) and sp2 angles (degrees) of a thioamide-like S-CH=NH.
S_C_A, C_N_A, C_H_A, N_H_A = 1.72, 1.29, 1.09, 1.02
S_C_N_DEG, S_C_H_DEG, C_N_H_DEG, M_N_C_DEG = 126.0, 116.0, 112.0, 124.0
# Methanol: microwave structure, rounded.
C_O_A, O_H_A, C_O_H_DEG, O_C_H_DEG = 1.42, 0.96, 108.0, 109.5


@dataclass(frozen=True)
class Sketch:
    """Atoms of a motif before relaxation.

    Attributes
    ----------
    symbols, roles : tuple of str
        Elements and roles, shape (n_atoms,).
    positions : ndarray
        Coordinates in angstrom, shape (n_atoms, 3).
    """

    symbols: tuple[str, ...]
    roles: tuple[str, ...]
    positions: FloatArray


def contact_lengths(metal: str) -> tuple[float, float, float]:
    """M-M, M-S and M-N start distances in angstrom.

    Silver's are the article's; another metal's are shifted by the difference of covalent radii
    (twice that for metal-metal).
    """
    shift = COVALENT_RADIUS_A[metal] - COVALENT_RADIUS_A["Ag"]
    return AG_AG_A + 2 * shift, AG_S_A + shift, AG_N_A + shift


def construct(name: str, metal: str) -> Sketch:
    """Build a motif's start geometry.

    Parameters
    ----------
    name : str
        ``monomer``, ``dimer``, ``octahedron`` or ``methanol``.
    metal : str
        ``Ag``, ``Au`` or ``Cu``; not used for methanol.

    Returns
    -------
    Sketch
        Atoms ordered M1.., then S, N, C, HC, HN of each ligand in turn.
    """
    if name == "methanol":
        return _methanol()
    roles, rough = _rough(name, metal)
    targets = _targets(name, metal)
    positions = _fit(roles, rough, targets)
    return Sketch(tuple(_element(r, metal) for r in roles), tuple(roles), positions)


def _element(role: str, metal: str) -> str:
    letter = role[0]
    return metal if letter == "M" else letter


def _rough(name: str, metal: str) -> tuple[list[str], FloatArray]:
    n = N_LIGANDS[name]
    d_mm, d_ms, _ = contact_lengths(metal)
    roles = [f"M{k}" for k in range(1, n + 1)]
    bonded_to: dict[str, list[int]] = {}
    for bond in expected_bonds(name):
        metal_role = next((r for r in bond if r[0] == "M"), None)
        if metal_role is not None:
            other = next(r for r in bond if r != metal_role)
            bonded_to.setdefault(other, []).append(int(metal_role[1:]) - 1)
    metals = _metal_frame(n, d_mm)
    points = list(metals)
    for k in range(1, n + 1):
        roles += [f"{r}{k}" for r in ("S", "N", "C", "HC", "HN")]
        at_s = metals[bonded_to[f"S{k}"]].mean(axis=0)
        if n == 1:
            at_n, out = at_s + np.array([2.5, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
        else:
            at_n = metals[bonded_to[f"N{k}"]].mean(axis=0)
            # A ligand of the staple lies above or below the metal pair; one of the octahedron
            # lies outside its face.
            out = at_s + at_n if n == 6 else np.array([0.0, 1.0 if k == 1 else -1.0, 0.0])
            out = out / np.linalg.norm(out)
        s, nitrogen = at_s + d_ms * 0.85 * out, at_n + d_ms * 0.85 * out
        carbon = 0.5 * (s + nitrogen) + 0.7 * out
        along = (nitrogen - s) / np.linalg.norm(nitrogen - s)
        points += [s, nitrogen, carbon, carbon + 1.1 * out, nitrogen + along + 0.3 * out]
    return roles, np.array(points, dtype=np.float64)


def _metal_frame(n: int, d_mm: float) -> FloatArray:
    if n == 1:
        return np.zeros((1, 3))
    if n == 2:
        return np.array([[-d_mm / 2, 0.0, 0.0], [d_mm / 2, 0.0, 0.0]])
    # Zigzag ring round the threefold axis: neighbours in the ring are lateral edges.
    angles = np.radians(60.0) * np.arange(6)
    z = np.where(np.arange(6) % 2 == 0, 0.5, -0.5) * d_mm * np.sqrt(2.0 / 3.0)
    radius = d_mm / np.sqrt(3.0)
    return np.column_stack([radius * np.cos(angles), radius * np.sin(angles), z])


def _third_side(a: float, b: float, angle_deg: float) -> float:
    return float(np.sqrt(a * a + b * b - 2 * a * b * np.cos(np.radians(angle_deg))))


def _targets(name: str, metal: str) -> dict[tuple[str, str], float]:
    n = N_LIGANDS[name]
    d_mm, d_ms, d_mn = contact_lengths(metal)
    lengths = {("M", "S"): d_ms, ("M", "N"): d_mn}
    targets: dict[tuple[str, str], float] = {}
    for bond in expected_bonds(name):
        first, second = sorted(bond)
        kind = (first[0], second[0])
        if kind in lengths:
            targets[first, second] = lengths[kind]
    for k in range(1, n + 1):
        s, nitrogen, c, hc, hn = (f"{r}{k}" for r in ("S", "N", "C", "HC", "HN"))
        targets |= {
            (s, c): S_C_A,
            (c, nitrogen): C_N_A,
            (c, hc): C_H_A,
            (nitrogen, hn): N_H_A,
            (s, nitrogen): _third_side(S_C_A, C_N_A, S_C_N_DEG),
            (s, hc): _third_side(S_C_A, C_H_A, S_C_H_DEG),
            (nitrogen, hc): _third_side(C_N_A, C_H_A, 360.0 - S_C_N_DEG - S_C_H_DEG),
            (c, hn): _third_side(C_N_A, N_H_A, C_N_H_DEG),
        }
        if n == 1:  # the one metal sits on S, bent, on the side of N (as it does in the staple)
            targets["M1", c] = _third_side(d_ms, S_C_A, 105.0)
        if n == 6:  # stands the ligand up on its face, so that its S leaves the third metal alone
            targets[partner(k), c] = _third_side(d_mn, C_N_A, M_N_C_DEG)
    metals = _metal_frame(n, d_mm)
    for i in range(n):
        for j in range(i):
            targets[f"M{j + 1}", f"M{i + 1}"] = float(np.linalg.norm(metals[i] - metals[j]))
    return targets


def _fit(roles: list[str], rough: FloatArray, targets: dict[tuple[str, str], float]) -> FloatArray:
    from scipy.optimize import least_squares

    first = np.array([roles.index(a) for a, _ in targets])
    second = np.array([roles.index(b) for _, b in targets])
    wanted = np.array(list(targets.values()))

    def residuals(flat: FloatArray) -> FloatArray:
        x = flat.reshape(-1, 3)
        misfit = np.linalg.norm(x[first] - x[second], axis=1) - wanted
        # A weak pull to the sketch fixes what the distances leave open (rotation, handedness).
        return np.concatenate([misfit, 0.02 * (flat - rough.ravel())])

    solution = least_squares(residuals, rough.ravel())
    return np.asarray(solution.x, dtype=np.float64).reshape(-1, 3)


def _methanol() -> Sketch:
    tilt = np.radians(180.0 - C_O_H_DEG)
    points = [
        [0.0, 0.0, 0.0],
        *(
            [
                C_H_A * np.cos(np.radians(O_C_H_DEG)),
                C_H_A * np.sin(np.radians(O_C_H_DEG)) * np.cos(phi),
                C_H_A * np.sin(np.radians(O_C_H_DEG)) * np.sin(phi),
            ]
            # staggered: one hydrogen trans to the hydroxyl hydrogen
            for phi in np.radians([180.0, 60.0, 300.0])
        ),
        [C_O_A, 0.0, 0.0],
        [C_O_A + O_H_A * np.cos(tilt), O_H_A * np.sin(tilt), 0.0],
    ]
    roles = ("C", "H1", "H2", "H3", "O", "HO")
    return Sketch(("C", "H", "H", "H", "O", "H"), roles, np.array(points, dtype=np.float64))
