"""What ends trust in a run, criterion by criterion: the same while it runs and afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from nucleops.engines.lammps.settings import Trust


class Ending(StrEnum):
    """The class of what ended a run's trust."""

    DEVIATION = "model deviation"
    """The committee disagrees about a force."""
    TEMPERATURE = "temperature runaway"
    """The temperature is far above the thermostat's, or no number."""
    ENERGY_BELOW = "energy below labels"
    """The potential energy is lower than anything that was ever labelled."""
    ENERGY_RISE = "energy runaway"
    """The potential energy has risen by more than heat can explain."""
    TORN = "torn molecule"
    """A bond that must hold is broken."""
    COLLAPSE = "collapsed atoms"
    """Two atoms have fallen into one another."""
    VOLUME = "volume runaway"
    """Under a pressure the cell has grown or shrunk out of proportion."""
    LOST = "lost atoms"
    """Positions are no numbers, or LAMMPS died of the atoms' motion."""


@dataclass(frozen=True)
class Failure:
    """The first step at which a criterion is not met.

    Attributes
    ----------
    step : int
        MD step.
    reason : str
        A sentence about it, with its step and numbers.
    kind : Ending
        Its class.
    atoms : tuple of int
        The atoms at fault, zero-based, where the criterion knows them.
    """

    step: int
    reason: str
    kind: Ending
    atoms: tuple[int, ...] = ()


class Criteria:
    """The criteria that need numbers only; those of the atoms are in :mod:`.geometry`.

    Not ``value > limit`` but ``not value <= limit``: what is not a number fails as well.

    Parameters
    ----------
    trust : Trust
        The limits.
    temperature_K : float
        Temperature of the thermostat.
    n_atoms : int
        Number of atoms.
    energy_floor_eV_atom : float or None
        Lowest labelled energy of this composition.
    first_potential_eV : float or None
        Potential energy of the run's first row; None to take it from the first row that is seen.
    """

    def __init__(
        self,
        trust: Trust,
        temperature_K: float,
        n_atoms: int,
        energy_floor_eV_atom: float | None = None,
        first_potential_eV: float | None = None,
    ) -> None:
        self.trust = trust
        self._target_K = temperature_K
        self._n_atoms = n_atoms
        self._lowest = (
            None
            if energy_floor_eV_atom is None
            else energy_floor_eV_atom - trust.energy_margin_eV_atom
        )
        self._first = None if first_potential_eV is None else first_potential_eV / n_atoms

    def deviation(self, step: int, force_eV_A: float) -> Failure | None:
        """Judge the largest model deviation of a force (eV/A)."""
        limit = self.trust.force_deviation_eV_A
        if force_eV_A <= limit:
            return None
        reason = (
            f"the models' forces deviate by {force_eV_A:.2f} eV/A at step {step} (limit {limit:g})"
        )
        return Failure(step, reason, Ending.DEVIATION)

    def row(self, step: int, temperature_K: float, potential_eV: float) -> Failure | None:
        """Judge a row of thermodynamic output (K, eV)."""
        limit_K = self.trust.temperature_factor * self._target_K
        if not temperature_K <= limit_K:
            reason = (
                f"the temperature is {temperature_K:.0f} K at step {step} (limit {limit_K:.0f})"
            )
            return Failure(step, reason, Ending.TEMPERATURE)
        energy = potential_eV / self._n_atoms
        if self._lowest is not None and not energy >= self._lowest:
            reason = (
                f"the potential energy is {energy:.3f} eV/atom at step {step}, "
                f"below what was ever labelled (limit {self._lowest:.3f})"
            )
            return Failure(step, reason, Ending.ENERGY_BELOW)
        if self._first is None and math.isfinite(energy):
            self._first = energy
        rise = energy - (energy if self._first is None else self._first)
        if not rise <= self.trust.energy_rise_eV_atom:
            reason = (
                f"the potential energy has risen by {rise:.3f} eV/atom at step {step} "
                f"(limit {self.trust.energy_rise_eV_atom:g})"
            )
            return Failure(step, reason, Ending.ENERGY_RISE)
        return None
