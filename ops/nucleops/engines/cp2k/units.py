"""Atomic units in eV and angstrom.

CODATA 2018, the values dpdata uses, so that labels read by either agree to the last digit. CP2K
2023.1 converts its input with CODATA 2006: its bohr differs from this one by 4e-9 relative, below
the digits it prints; its hartree in eV (27.2113838566) by 9e-8, which is a choice of the unit eV
and the same for every label, because energies and forces are read in atomic units only.
"""

from __future__ import annotations

HARTREE_EV = 4.3597447222071e-18 / 1.602176634e-19
"""One hartree in eV (CODATA 2018)."""
BOHR_A = 0.529177210903
"""One bohr in angstrom (CODATA 2018)."""
FORCE_EV_A = HARTREE_EV / BOHR_A
"""One hartree per bohr in eV/A."""
