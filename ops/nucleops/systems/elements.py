"""Masses and radii of the elements that a system may hold."""

from __future__ import annotations

MASS_G_MOL: dict[str, float] = {
    "H": 1.008,
    "B": 10.81,
    "C": 12.011,
    "N": 14.007,
    "O": 15.999,
    "F": 18.998,
    "Si": 28.085,
    "P": 30.974,
    "S": 32.06,
    "Cl": 35.45,
    "Cu": 63.546,
    "Ge": 72.630,
    "As": 74.922,
    "Se": 78.971,
    "Br": 79.904,
    "Ag": 107.8682,
    "Te": 127.60,
    "I": 126.90,
    "Au": 196.966570,
}
"""Standard atomic weights in g/mol (IUPAC 2021, abridged)."""

ATOMIC_NUMBER: dict[str, int] = {
    "H": 1,
    "B": 5,
    "C": 6,
    "N": 7,
    "O": 8,
    "F": 9,
    "Si": 14,
    "P": 15,
    "S": 16,
    "Cl": 17,
    "Cu": 29,
    "Ge": 32,
    "As": 33,
    "Se": 34,
    "Br": 35,
    "Ag": 47,
    "Te": 52,
    "I": 53,
    "Au": 79,
}
"""Charges of the nuclei; elements beyond the six of the article are listed in this order."""

COVALENT_RADIUS_A: dict[str, float] = {
    "H": 0.31,
    "B": 0.84,
    "C": 0.76,
    "N": 0.71,
    "O": 0.66,
    "F": 0.57,
    "Si": 1.11,
    "P": 1.07,
    "S": 1.05,
    "Cl": 1.02,
    "Cu": 1.32,
    "Ge": 1.20,
    "As": 1.19,
    "Se": 1.20,
    "Br": 1.20,
    "Ag": 1.45,
    "Te": 1.38,
    "I": 1.39,
    "Au": 1.36,
}
"""Covalent radii in angstrom (Cordero et al., Dalton Trans. 2008, 2832)."""

VAN_DER_WAALS_RADIUS_A: dict[str, float] = {
    "H": 1.20,
    "B": 1.91,
    "C": 1.77,
    "N": 1.66,
    "O": 1.50,
    "F": 1.46,
    "Si": 2.19,
    "P": 1.90,
    "S": 1.89,
    "Cl": 1.82,
    "Cu": 2.38,
    "Ge": 2.29,
    "As": 1.88,
    "Se": 1.82,
    "Br": 1.86,
    "Ag": 2.53,
    "Te": 1.99,
    "I": 2.04,
    "Au": 2.32,
}
"""Van der Waals radii in angstrom (Alvarez, Dalton Trans. 2013, 42, 8617)."""

AVOGADRO_PER_CM3_IN_A3 = 0.602214076
"""Avogadro's number times 1e-24: (g/cm3) / (g/mol) * this = molecules per cubic angstrom."""
