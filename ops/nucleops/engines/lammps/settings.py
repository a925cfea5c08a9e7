"""Typed settings of molecular dynamics with a committee, and of when it is trusted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nucleops.settings import NonNegative, Positive, PositiveInt, Settings, Temperature


class Trust(Settings):
    """Where trust in the potential ends, judged while a run goes on."""

    force_deviation_eV_A: Positive = 1.0
    """Largest model deviation of the force on any atom, in eV/A; beyond it frames do not count."""
    temperature_factor: Positive = Field(default=2.5, gt=1)
    """Highest instantaneous temperature, as a multiple of the thermostat's."""
    energy_margin_eV_atom: Positive = 0.10
    """How far a frame's energy may fall below the lowest labelled of its kind, in eV/atom."""
    energy_rise_eV_atom: Positive = 0.5
    """How far the potential energy may rise above that of the first row, in eV/atom; 300 K of heat
    are 0.04."""
    bond_stretch: Positive = Field(default=1.6, gt=1)
    """A C-H, C-O, C-N or C-S bond longer than so many times its first length is torn."""
    volume_factor: Positive = Field(default=1.5, gt=1)
    """How many times larger or smaller than at the start the cell may become under a pressure."""
    closest_contact_A: Positive = Field(default=0.6, le=0.7)
    """Two atoms closer than this have fallen into one another, in angstrom; H-H in H2 is 0.74."""


class MdSettings(Settings):
    """NVT molecular dynamics in LAMMPS (`units metal`)."""

    temperature_K: Temperature = 300.0
    """Temperature in kelvin."""
    time_step_fs: Positive = Field(default=0.5, le=2)
    """Time step in femtoseconds."""
    steps: PositiveInt
    """Number of MD steps."""
    thermostat: Literal["nose-hoover", "langevin", "csvr"] = "nose-hoover"
    """Thermostat; forces of langevin runs are never used as labels."""
    thermostat_time_fs: Positive = 100.0
    """Time constant of the thermostat in femtoseconds."""
    stride: PositiveInt = 100
    """Steps between frames of the trajectory and rows of the model deviation."""
    minimise_steps: int = Field(default=0, ge=0)
    """Steps of energy minimisation before the dynamics; packed boxes need some."""
    checkpoint_steps: int = Field(default=0, ge=0)
    """Steps between checkpoints that an interrupted run goes on from, a multiple of `stride`; 0 for
    none, or where there is a store of checkpoints for the first multiple of `stride` from 500 on
    (with hills from 1000 on). Exact to the last bit on one machine with csvr; nose-hoover goes on
    to within rounding, for LAMMPS takes its temperature anew. Runs with OPES, and walkers that
    share hills, begin anew."""
    checkpoint_interval_s: Positive | None = None
    """Seconds of wall time between checkpoints that are stored outside the machine; left out: as
    the environment says (NUCLEOFLOW_CHECKPOINT_INTERVAL_S), else 300."""
    droplet_wall_eV_A2: NonNegative = 0.1
    """Force constant in eV/A2 of the soft spherical wall round a droplet; unused for a cube."""
    contact_guard_eV_A2: NonNegative = 50.0
    """Constant k in eV/A2 of a repulsion k (r - r0)^2 that acts where atoms come closer than
    their elements did in any labelled frame; keeps a young potential from collapse. 0 for none."""
    timeout_s: Positive = 86400.0
    """Wall-clock limit of one run in seconds."""
    stall_s: Positive = 1800.0
    """A run that writes no row for so long, and for 20 times as long as a row took before, hangs
    and is ended, in seconds."""

    @model_validator(mode="after")
    def _rows_at_checkpoints(self) -> MdSettings:
        # what lies between the last row and a checkpoint would be lost to the bias' files
        if self.checkpoint_steps % self.stride:
            raise ValueError(
                f"checkpoint_steps must be a multiple of stride, found {self.checkpoint_steps} "
                f"and {self.stride}"
            )
        return self


class PressureSettings(MdSettings):
    """NPT dynamics: the cell's volume follows a pressure, its shape stays."""

    pressure_bar: float
    """Pressure in bar."""
    barostat_time_fs: Positive = 1000.0
    """Time constant of the barostat in femtoseconds."""


class Sharing(Settings):
    """Walkers of metadynamics that lay their hills into one bias."""

    walkers: int = Field(ge=2, le=1000)
    """How many walkers run side by side."""
    exchange_steps: PositiveInt
    """MD steps between readings of the other walkers' hills."""
