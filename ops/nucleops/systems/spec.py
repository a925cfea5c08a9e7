"""What a study says about a system, before it is built."""

from __future__ import annotations

import difflib
from typing import Annotated, Literal

from pydantic import Field, model_validator

from nucleops.settings import Name, NonNegative, Positive, PositiveInt, Settings

SOLVENT = "methanol"
CLUSTER_MOTIFS = ("monomer", "dimer", "octahedron")
MOTIFS = (*CLUSTER_MOTIFS, SOLVENT)
"""Molecules that ship with the package."""

MoleculeName = Annotated[Name, Field(examples=[*MOTIFS, "my-molecule"])]
"""A shipped motif, or one of the study's own `molecules`."""


class Content(Settings):
    """So many copies of a molecule."""

    motif: MoleculeName
    """Which molecule: monomer (ML), dimer (M2L2 staple), octahedron (M6L6), methanol, or one of the
    study's own `molecules`."""
    count: PositiveInt | Literal["fill"]
    """How many copies; `fill` (methanol, or a molecule of the study's own) fills the box to
    `solvent_density_g_cm3`."""
    within_A: Positive | None = Field(default=None, le=250)
    """Keep these molecules inside a sphere of this radius in angstrom about the box's centre."""


class Box(Settings):
    """The space that the molecules are packed into."""

    shape: Literal["cube", "droplet"] = "cube"
    """`cube`: periodic; `droplet`: a sphere in vacuum, not periodic."""
    edge_A: Positive | None = Field(default=None, le=500)
    """Edge of the cubic cell in angstrom; required for a cube unless `density_g_cm3` is given."""
    density_g_cm3: Positive | None = Field(default=None, le=30)
    """Mass density in g/cm3 that sets the edge of a cube instead of `edge_A`."""
    radius_A: Positive | None = Field(default=None, le=200)
    """Radius in angstrom of the sphere a droplet is packed into; required for a droplet."""
    vacuum_A: NonNegative = 16.0
    """Empty space in angstrom between a droplet's sphere and its periodic images' spheres."""

    @model_validator(mode="after")
    def _complete(self) -> Box:
        if self.shape == "cube":
            if (self.edge_A is None) == (self.density_g_cm3 is None):
                raise ValueError("a cube needs exactly one of edge_A and density_g_cm3")
            if self.radius_A is not None:
                raise ValueError("radius_A belongs to a droplet; a cube has edge_A")
        elif self.radius_A is None or self.edge_A is not None or self.density_g_cm3 is not None:
            raise ValueError("a droplet needs radius_A, and neither edge_A nor density_g_cm3")
        return self


class SystemSpec(Settings):
    """One system: its contents and its box."""

    contents: tuple[Content, ...] = Field(min_length=1)
    """What is in it, in the order in which the atoms are written."""
    box: Box
    """The space it is packed into."""
    minimum_distance_A: Positive = Field(default=2.0, le=5)
    """Smallest distance in angstrom between atoms of different molecules after packing."""
    solvent_density_g_cm3: Positive = Field(default=0.79, le=5)
    """Density in g/cm3 used where a content's count is `fill`; 0.79 is methanol's, so that it has
    to be given for any other solvent."""

    @model_validator(mode="after")
    def _fill_is_solvent(self) -> SystemSpec:
        for content in self.contents:
            if content.count == "fill" and content.motif in CLUSTER_MOTIFS:
                raise ValueError(f"only methanol can have count: fill, not {content.motif}")
            if (
                content.count == "fill"
                and content.motif != SOLVENT
                and "solvent_density_g_cm3" not in self.model_fields_set
            ):
                near = difflib.get_close_matches(content.motif, [SOLVENT])
                raise ValueError(
                    f"count: fill with {content.motif} needs solvent_density_g_cm3; only {SOLVENT}"
                    f" has a density by default{f'; did you mean {SOLVENT}?' if near else ''}"
                )
            if content.count == "fill" and (self.box.shape != "cube" or self.box.edge_A is None):
                raise ValueError("count: fill needs a cube with edge_A")
        return self


def with_volume(spec: SystemSpec, factor: float) -> SystemSpec:
    """Return the same molecules in a box of ``factor`` times the volume.

    Raises
    ------
    ValueError
        For a droplet, whose cell is vacuum.
    """
    box = spec.box
    if box.shape != "cube":
        raise ValueError("a droplet has no volume to scale")
    changes: dict[str, float] = {}
    if box.edge_A is not None:
        changes["edge_A"] = box.edge_A * factor ** (1 / 3)
    if box.density_g_cm3 is not None:
        changes["density_g_cm3"] = box.density_g_cm3 / factor
    # where solvent fills the box, it is the number of molecules that must stay
    return spec.model_copy(
        update={
            "box": box.model_copy(update=changes),
            "solvent_density_g_cm3": spec.solvent_density_g_cm3 / factor,
        }
    )


SystemName = Name
