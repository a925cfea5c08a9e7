"""Collective variables as typed descriptions. Distances in A, angles and torsions in rad."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nucleops.bias.groups import AtomGroup, Label, Site
from nucleops.settings import Positive, Settings


class Distance(Settings):
    """Distance in angstrom between two places."""

    kind: Literal["distance"]
    """A distance."""
    sites: tuple[Site, Site]
    """Two places: each a point's name or a group of one atom (inside a wall: of any number)."""


class Angle(Settings):
    """Angle in radian at the second of three places."""

    kind: Literal["angle"]
    """An angle."""
    sites: tuple[Site, Site, Site]
    """Three places; the angle is at the second."""


class Torsion(Settings):
    """Torsion angle in radian, in (-pi, pi], about the line through the second and third place."""

    kind: Literal["torsion"]
    """A torsion angle."""
    sites: tuple[Site, Site, Site, Site]
    """Four places."""


class _Rational(Settings):
    """The rational switching function (1-(r/r0)^n)/(1-(r/r0)^m), in PLUMED's short form."""

    r0_A: Positive = Field(le=50)
    """r0 in angstrom: where the switching function is n/m."""
    n: int = Field(default=6, ge=1, le=48)
    """Exponent of the numerator."""
    m: int = Field(default=12, ge=2, le=96)
    """Exponent of the denominator; larger than n."""

    @model_validator(mode="after")
    def _exponents(self) -> _Rational:
        if self.m <= self.n:
            raise ValueError(f"m must be larger than n, found n={self.n}, m={self.m}")
        return self


class Coordination(_Rational):
    """Sum of the switching function over all pairs of an atom of `a` and an atom of `b`."""

    kind: Literal["coordination"]
    """A sum of switching functions over pairs."""
    a: Site
    """First group or point."""
    b: Site | None = None
    """Second group or point; left out: every pair within `a`, counted once."""


class LowestCoordination(_Rational):
    """The lowest (or mean) of the coordination numbers of the atoms of `centres` with `around`."""

    kind: Literal["lowest-coordination"]
    """An extreme or a mean over the coordination numbers of single atoms."""
    centres: AtomGroup
    """Atoms whose coordination numbers are taken, one each."""
    around: AtomGroup
    """Atoms that coordinate them."""
    statistic: Literal["lowest", "mean"] = "lowest"
    """Which number stands for all of them."""


class LinearCombination(Settings):
    """A sum of other collective variables, each with a coefficient."""

    kind: Literal["combination"]
    """A linear combination."""
    of: dict[Label, float] = Field(min_length=1)
    """Coefficient of each collective variable, by its name."""


CV = Annotated[
    Distance | Angle | Torsion | Coordination | LowestCoordination | LinearCombination,
    Field(discriminator="kind"),
]
"""Any collective variable; `kind` tells which."""

CollectiveVariable = (
    Distance | Angle | Torsion | Coordination | LowestCoordination | LinearCombination
)
