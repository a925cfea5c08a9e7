"""Walls that keep a young potential from tearing the solvent apart."""

from __future__ import annotations

from typing import Any


def methanol_guards(kappa_kcal_mol: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return variables and walls that keep a young potential from tearing methanol apart.

    The lowest C-H coordination over all methanol C stays above 2.55, the lowest C-O coordination
    above 0.47 (r0 1.5 A, 6/12). Colvars cannot say them.

    Parameters
    ----------
    kappa_kcal_mol : float
        Constant of the walls in kcal/mol.

    Returns
    -------
    tuple of dict
        Entries for ``cvs`` and for ``walls`` of a bias.
    """
    cvs, walls = {}, {}
    for name, role, at in (("ch", "H*", 2.55), ("co", "O", 0.47)):
        cvs[f"lowest_{name}"] = {
            "kind": "lowest-coordination",
            "centres": {"motif": "methanol", "role": "C"},
            "around": {"motif": "methanol", "role": role},
            "r0_A": 1.5,
        }
        walls[f"whole_{name}"] = {
            "side": "lower",
            "of": f"lowest_{name}",
            "at": at,
            "kappa_kcal_mol": kappa_kcal_mol,
        }
    return cvs, walls
