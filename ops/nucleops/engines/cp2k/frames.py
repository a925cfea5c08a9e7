"""One labelled configuration, and why one may be refused."""

from __future__ import annotations

from dataclasses import dataclass

from nucleops.errors import FatalFailure
from nucleops.systems.system import FloatArray, System


class ForcesTooLarge(FatalFailure):
    """A force is larger than any that training should see: atoms clash, or the SCF collapsed."""

    kind = "forces too large"


@dataclass(frozen=True)
class LabelledFrame:
    """Energy and forces of one configuration.

    Attributes
    ----------
    system : System
        The configuration, coordinates and cell as they were given to CP2K (not as it printed them).
    energy_eV : float
        Potential energy in eV.
    forces_eV_A : ndarray
        Forces in eV/A, in the system's order of atoms, shape (n_atoms, 3).
    step : int or None
        Step of molecular dynamics it comes from; None for a single point.
    program : str
        What computed it, with its version: ``CP2K 2023.1``.
    """

    system: System
    energy_eV: float
    forces_eV_A: FloatArray
    step: int | None = None
    program: str = ""
