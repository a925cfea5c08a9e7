"""Masses and radii of the elements that a system may hold."""

from __future__ import annotations

MASS_G_MOL: dict[str, float] = {
    "H": 1.008,
    "C": 12.011,
    "N": 14.007,
    "O": 15.999,
    "S": 32.06,
    "Cu": 63.546,
    "Ag": 107.8682,
    "Au": 196.966570,
}
"""Standard atomic weights in g/mol (IUPAC 2021, abridged)."""

COVALENT_RADIUS_A: dict[str, float] = {
    "H": 0.31,
    "C": 0.76,
    "N": 0.71,
    "O": 0.66,
    "S": 1.05,
    "Cu": 1.32,
    "Ag": 1.45,
    "Au": 1.36,
}
"""Covalent radii in angstrom (Cordero et al., Dalton Trans. 2008, 2832)."""

VAN_DER_WAALS_RADIUS_A: dict[str, float] = {
    "H": 1.20,
    "C": 1.77,
    "N": 1.66,
    "O": 1.50,
    "S": 1.89,
    "Cu": 2.38,
    "Ag": 2.53,
    "Au": 2.32,
}
"""Van der Waals radii in angstrom (Alvarez, Dalton Trans. 2013, 42, 8617)."""

AVOGADRO_PER_CM3_IN_A3 = 0.602214076
"""Avogadro's number times 1e-24: (g/cm3) / (g/mol) * this = molecules per cubic angstrom."""
