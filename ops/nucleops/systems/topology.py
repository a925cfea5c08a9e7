"""Which atoms are bonded: the rules a motif must obey, and the analysis that checks them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nucleops.systems.elements import COVALENT_RADIUS_A
from nucleops.systems.system import METALS, FloatArray

Bond = frozenset[str]

BOND_TOLERANCE = 1.25
"""Two atoms count as bonded below this multiple of the sum of their covalent radii.

For silver: Ag-S 3.13, Ag-N 2.70 A. A stretched but whole bond lies below it, the next neighbour
in every motif above it.
"""

DONORS = ("S", "N", "O", "F", "P", "Cl", "As", "Se", "Br", "Te", "I")
"""Elements that bind a metal."""

N_LIGANDS = {"monomer": 1, "dimer": 2, "octahedron": 6}
"""Ligands (and metals) in each cluster motif."""

# The octahedron as a zigzag ring 1-2-3-4-5-6: odd metals form the upper triangle, even metals
# the lower one. Ligand k sits on metal k as it does in the dimer (1,2), (3,4) or (5,6) it came
# from: S on k, N on the dimer partner. What assembly adds is one Ag-S bond for each ligand, to
# the metal whose triangle edge with k lies above the partner.
_PARTNER = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5}
_SECOND_METAL = {1: 3, 3: 5, 5: 1, 2: 6, 4: 2, 6: 4}


def partner(k: int) -> str:
    """Role of the metal that N of ligand ``k`` binds in the dimer and in the octahedron."""
    return f"M{_PARTNER[k]}"


def octahedron_only_bonds() -> tuple[tuple[str, str], ...]:
    """Return the six (M, S) role pairs bonded in the octahedron but in none of its dimers."""
    return tuple((f"M{_SECOND_METAL[k]}", f"S{k}") for k in range(1, 7))


def expected_bonds(name: str) -> frozenset[Bond]:
    """Bonds of a motif by role, metal-metal contacts left out.

    Parameters
    ----------
    name : str
        ``monomer``, ``dimer``, ``octahedron`` or ``methanol``.

    Returns
    -------
    frozenset of frozenset of str
        One two-element set of roles for each bond.
    """
    if name == "methanol":
        pairs = [("C", "O"), ("O", "HO"), ("C", "H1"), ("C", "H2"), ("C", "H3")]
        return frozenset(map(frozenset, pairs))
    n = N_LIGANDS[name]
    pairs = []
    for k in range(1, n + 1):
        pairs += [(f"S{k}", f"C{k}"), (f"C{k}", f"N{k}"), (f"C{k}", f"HC{k}"), (f"N{k}", f"HN{k}")]
        pairs.append((f"M{k}", f"S{k}"))
        if n > 1:
            pairs.append((partner(k), f"N{k}"))
    if n == 6:
        pairs += list(octahedron_only_bonds())
    return frozenset(map(frozenset, pairs))


def optional_bonds(name: str) -> frozenset[Bond]:
    """Contacts that may or may not count as bonds: the monomer's N can chelate its own metal."""
    return frozenset([frozenset(("M1", "N1"))]) if name == "monomer" else frozenset()


def bonded_pairs(symbols: Sequence[str], positions: FloatArray) -> list[tuple[int, int]]:
    """Pairs of atoms closer than :data:`BOND_TOLERANCE` times their covalent radii.

    Parameters
    ----------
    symbols : sequence of str
        Elements, shape (n_atoms,).
    positions : ndarray
        Coordinates in angstrom, shape (n_atoms, 3), of one whole molecule (no periodic images).

    Returns
    -------
    list of (int, int)
        Zero-based, first index smaller. A metal bonds to S, N and O here, and to P, halogens and
        what stands below them: its contacts with other metals, and with C and H across a ring,
        are left out.
    """
    radii = np.array([COVALENT_RADIUS_A[s] for s in symbols])
    is_metal = np.array([s in METALS for s in symbols])
    takes_metal = np.array([s in DONORS for s in symbols])
    distances = np.linalg.norm(positions[:, None, :] - positions[None, :, :], axis=2)
    bonded = distances < BOND_TOLERANCE * (radii[:, None] + radii[None, :])
    bonded &= ~(is_metal[:, None] & ~takes_metal[None, :])
    bonded &= ~(is_metal[None, :] & ~takes_metal[:, None])
    first, second = np.nonzero(np.triu(bonded, k=1))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def bonds_by_role(
    symbols: Sequence[str], positions: FloatArray, roles: Sequence[str]
) -> frozenset[Bond]:
    """Bonds found in a molecule, named by role; compare with :func:`expected_bonds`."""
    return frozenset(frozenset((roles[i], roles[j])) for i, j in bonded_pairs(symbols, positions))


def bonding_faults(found: frozenset[Bond], expected: frozenset[Bond]) -> list[str]:
    """Say which bonds are missing and which should not be there; empty where none."""
    faults = [f"bond {_label(b)} is missing" for b in expected - found]
    faults += [f"bond {_label(b)} is not one of the motif's" for b in found - expected]
    return sorted(faults)


def topology_faults(
    name: str, symbols: Sequence[str], positions: FloatArray, roles: Sequence[str]
) -> list[str]:
    """Say how a geometry departs from its motif's bonding; an empty list means it does not.

    Parameters
    ----------
    name : str
        Motif name.
    symbols, roles : sequence of str
        Elements and roles, shape (n_atoms,).
    positions : ndarray
        Coordinates in angstrom, shape (n_atoms, 3).

    Returns
    -------
    list of str
        One sentence for each missing or extra bond.
    """
    found = bonds_by_role(symbols, positions, roles) - optional_bonds(name)
    return bonding_faults(found, expected_bonds(name))


def _label(bond: Bond) -> str:
    return "-".join(sorted(bond))
