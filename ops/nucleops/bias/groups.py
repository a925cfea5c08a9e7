"""How a study names atoms and places: by chemistry, never by a hand-counted index."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from nucleops.settings import PositiveInt, Settings
from nucleops.systems.spec import MoleculeName

Role = Annotated[str, Field(pattern=r"^([A-Z][A-Za-z]*[0-9]*\*?|\*)$", max_length=8)]
Element = Annotated[str, Field(pattern=r"^[A-Z][a-z]?$")]
Label = Annotated[str, Field(pattern=r"^[A-Za-z](_?[A-Za-z0-9])*$", max_length=40)]
"""Name of a point, variable, wall or restraint: letters, digits, single underscores between."""


class AtomGroup(Settings):
    """Atoms by motif, molecule, role and element (all that are given must hold), or by index.

    Inside a wall with ``each``, a group that gives neither ``motif`` nor ``index`` belongs to the
    molecule at hand; ``molecule: other`` then means the other molecules of that motif.
    """

    motif: MoleculeName | None = None
    """Only atoms of molecules of this motif (or of this name among the study's `molecules`)."""
    molecule: PositiveInt | tuple[PositiveInt, ...] | Literal["other"] | None = None
    """Which molecules, from 1 among those of the motif; `other` only inside a wall with `each`."""
    role: Role | tuple[Role, ...] | None = None
    """Role in the motif (`M1`, `S1`, `O` ...) or a list; `M*` is M1, M2 ..., `*` is every role."""
    element: Element | None = None
    """Only atoms of this element."""
    index: PositiveInt | tuple[PositiveInt, ...] | None = None
    """Atom indices counted from 1, for systems without roles; given alone."""

    @model_validator(mode="after")
    def _consistent(self) -> AtomGroup:
        chemical = (self.motif, self.molecule, self.role, self.element)
        if self.index is not None and any(part is not None for part in chemical):
            raise ValueError(
                "index stands alone: give either index, or motif/molecule/role/element"
            )
        if self.molecule is not None and self.molecule != "other" and self.motif is None:
            raise ValueError("molecule is counted among the molecules of a motif: give motif too")
        if self.molecule == "other" and self.motif is not None:
            raise ValueError(
                "molecule: other belongs to the motif of the wall's `each`: leave motif out"
            )
        return self

    @property
    def relative(self) -> bool:
        """Whether the group belongs to the molecule at hand inside a wall with ``each``."""
        return self.motif is None and self.index is None


class FixedPoint(Settings):
    """A point that does not move."""

    kind: Literal["fixed"] = "fixed"
    """A fixed point."""
    at_A: Literal["centre"] | tuple[float, float, float]
    """Cartesian position in angstrom, or `centre` for the middle of the box."""


class CentreOfMass(Settings):
    """The centre of mass of a group; under periodic boundaries the group is made whole first."""

    kind: Literal["centre-of-mass"] = "centre-of-mass"
    """A centre of mass."""
    of: AtomGroup
    """The atoms whose centre of mass it is."""


Point = Annotated[FixedPoint | CentreOfMass, Field(discriminator="kind")]


def _site(value: Any) -> str:
    return "point" if isinstance(value, str) else "group"


Site = Annotated[
    Annotated[Label, Tag("point")] | Annotated[AtomGroup, Tag("group")], Discriminator(_site)
]
"""A place: the name of a point, or a group of atoms."""
