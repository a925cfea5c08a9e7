"""Settings of the analyses and of what they are held against."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from nucleops.settings import Name, NonNegative, Positive, PositiveInt, Settings

PATH = "path"
"""What the structures along a path are called among those of states."""


class State(Settings):
    """A named region of collective-variable space."""

    name: Name
    """Name of the state, as it appears in tables and figures."""
    ranges: dict[str, tuple[float, float]] = Field(min_length=1)
    """Lowest and highest value of each collective variable; those left out are not restricted."""

    @model_validator(mode="after")
    def _ordered(self) -> State:
        for cv, (low, high) in self.ranges.items():
            if not low < high:
                raise ValueError(f"the range of {cv} is empty: {low} is not below {high}")
        return self


class BridgeSettings(Settings):
    """Cut-offs that tell how two halves of a dimer are joined: by bonds, or by bridging solvent."""

    metal_nitrogen_A: Positive = 3.0
    """Largest distance in angstrom of a metal bonded to the N of the other half's ligand."""
    metal_oxygen_A: Positive = 3.0
    """Largest distance in angstrom from a metal of a bridging molecule's O (about 2.5)."""
    nitrogen_hydrogen_A: Positive = 2.0
    """Largest distance in angstrom from N of its hydroxyl proton: 1.0 given over, 1.5 shared."""


class FreeEnergySettings(Settings):
    """How a metadynamics run becomes a free-energy surface."""

    bins: PositiveInt = Field(default=60, ge=10, le=400)
    """Bins of a reweighted histogram along each collective variable."""
    discard_ps: NonNegative = 0.0
    """Time in ps at the start of each walker that is left out of reweighting."""
    n_blocks: PositiveInt = Field(default=10, ge=4, le=200)
    """Blocks for the error, where no block is long enough for it not to grow any more."""
    n_times: PositiveInt = Field(default=40, ge=4, le=400)
    """Points in time at which the free-energy difference is computed."""
    states: tuple[State, ...] = ()
    """Basins; the difference reported is the last's free energy minus the first's. Left out: the
    lower and the upper third of the visited range of the first variable."""
    round_trips: PositiveInt = 2
    """Trips from the first basin to the last and back that a converged run has made."""
    drift_kcal_mol: Positive = 1.0
    """Largest spread in kcal/mol of the difference over the last half of a converged run."""
    error_kcal_mol: Positive = 1.0
    """Largest standard error in kcal/mol of the difference of a converged run."""
    structures: PositiveInt = Field(default=5, le=100)
    """Frames written of each state, those nearest to its minimum."""
    bridges: BridgeSettings = BridgeSettings()
    """What counts as bonded and as bridging where two monomers become a dimer."""

    @model_validator(mode="after")
    def _between(self) -> FreeEnergySettings:
        names = [state.name for state in self.states]
        if len(names) == 1:
            raise ValueError(f"a difference needs two states or more, found only {names[0]}")
        if len(set(names)) < len(names) or PATH in names:
            allowed = f"different names, none of them {PATH}"
            raise ValueError(f"states: found {', '.join(names)}, allowed {allowed}")
        return self


class BondSettings(Settings):
    """Which pairs count as bonded; metal means the metal of the cluster."""

    metal_metal_A: Positive = 3.6
    """Largest metal-metal distance in angstrom (4.2 between opposite corners)."""
    metal_sulfur_A: Positive = 3.2
    """Largest metal-sulfur distance in angstrom."""
    metal_nitrogen_A: Positive = 3.0
    """Largest metal-nitrogen distance in angstrom."""


ElementPair = Annotated[str, Field(pattern=r"^[A-Z][a-z]?-[A-Z][a-z]?$")]


class RadialSettings(Settings):
    """Radial distribution functions, between all atoms of two elements."""

    pairs: tuple[ElementPair, ...] | None = None
    """Pairs of elements, such as `Ag-O`; left out: the metal with itself, S, N and O. None at all:
    an empty list."""
    max_A: Positive = 8.0
    """Largest distance in angstrom; in a smaller cell, half of its shortest edge."""
    bin_A: Positive = Field(default=0.05, ge=0.001, le=1)
    """Width of a bin in angstrom."""


class StructureSettings(Settings):
    """Densities of distances and angles."""

    bonds: BondSettings = BondSettings()
    """Cut-offs that choose the bonded pairs in the first structure, to be followed from there."""
    discard_ps: NonNegative = 0.0
    """Time in ps at the start that is left out."""
    n_blocks: PositiveInt = Field(default=5, ge=2, le=32)
    """Blocks for the errors, where no block is long enough for them not to grow any more."""
    radial: RadialSettings = RadialSettings()
    """Radial distribution functions."""
    enough_ps: Positive = 1000.0
    """Trusted length in ps below which the report calls the densities a first impression."""


class Switch(Settings):
    """Rational switching function (1-(r/r0)^n)/(1-(r/r0)^m), stretched as PLUMED's short form."""

    r0_A: Positive
    """r0 in angstrom."""
    n: PositiveInt = 6
    """Exponent of the numerator."""
    m: PositiveInt = 8
    """Exponent of the denominator."""

    @model_validator(mode="after")
    def _exponents(self) -> Switch:
        if self.m <= self.n:
            raise ValueError(f"m must be larger than n, found n={self.n}, m={self.m}")
        return self


class NucleationSettings(Settings):
    """How aggregates are found, followed and named."""

    bonds: BondSettings = BondSettings()
    """Cut-offs of the contact graph and of bonding."""
    pair_switch: Switch = Switch(r0_A=3.25, n=6, m=8)
    """Switching function of the metal-metal, metal-S and metal-N coordination."""
    metal_point_switch: Switch = Switch(r0_A=3.0, n=6, m=8)
    """Switching function of the metal around a nucleation point."""
    solvent_point_switch: Switch = Switch(r0_A=3.0, n=6, m=10)
    """Switching function of solvent O around a nucleation point."""
    shape_limit: Positive = 3.0
    """Largest continuous shape measure (0 to 100, 0 is regular) of a perfect octahedron."""
    compact_degree: Positive = 3.0
    """Mean number of metal contacts per metal from which an aggregate counts as a nucleus."""
    opens_A: Positive = 4.0
    """Distance in angstrom at which a metal-metal contact is lost again, once it was made; keeps an
    aggregate whose contacts vibrate from falling apart in every second frame."""
    vote_frames: PositiveInt = 11
    """Frames about each frame whose majority says whether a contact or bond is there, and frames at
    the end over which a nucleus gets its name; an odd number, 1 for no vote."""

    @model_validator(mode="after")
    def _consistent(self) -> NucleationSettings:
        if self.vote_frames % 2 == 0:
            raise ValueError(f"vote_frames is an odd number, found {self.vote_frames}")
        if self.opens_A < self.bonds.metal_metal_A:
            raise ValueError(
                f"opens_A {self.opens_A:g} is below bonds.metal_metal_A "
                f"{self.bonds.metal_metal_A:g}: a contact would be lost before it is made"
            )
        return self


class Reference(Settings):
    """A range that a distance or angle has in a crystal structure."""

    label: Annotated[str, Field(max_length=60)]
    """Where it comes from, as printed in the legend."""
    low: float
    """Lower end, in angstrom or degrees."""
    high: float
    """Upper end, in angstrom or degrees."""

    @model_validator(mode="after")
    def _ordered(self) -> Reference:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self
