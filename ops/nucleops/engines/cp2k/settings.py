"""Typed settings of the two levels of theory, and of AIMD."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nucleops.settings import Name, Positive, PositiveInt, Settings, Temperature


class Gfn1Xtb(Settings):
    """CP2K's own GFN1-xTB: cheap, the quick start's level."""

    method: Literal["gfn1-xtb"] = "gfn1-xtb"
    """Level of theory."""
    eps_scf: Positive = 1.0e-5
    """Convergence threshold of the self-consistent field (CP2K's EPS_SCF)."""
    max_scf: PositiveInt = 100
    """Largest number of SCF steps."""
    mixing_alpha: Positive = Field(default=0.2, le=1)
    """Fraction of the new density in direct mixing; more than 0.2 fails on distorted frames."""
    retry_mixing_alpha: Positive = Field(default=0.1, le=1)
    """Mixing for the one retry of a frame whose SCF did not converge."""


class PbeD3(Settings):
    """PBE-D3 with GTH pseudopotentials and DZVP-MOLOPT-SR-GTH: the article's level."""

    method: Literal["pbe-d3"] = "pbe-d3"
    """Level of theory."""
    basis: Literal["DZVP-MOLOPT-SR-GTH", "TZVP-MOLOPT-GTH"] = "DZVP-MOLOPT-SR-GTH"
    """Basis set."""
    cutoff_Ry: Positive = Field(default=400.0, ge=100, le=2000)
    """Plane-wave cut-off of the finest grid in rydberg."""
    rel_cutoff_Ry: Positive = Field(default=50.0, ge=20, le=200)
    """Plane-wave cut-off of the reference grid in rydberg."""
    eps_scf: Positive = 1.0e-6
    """Convergence threshold of the self-consistent field (CP2K's EPS_SCF)."""
    max_scf: PositiveInt = 100
    """Largest number of SCF steps."""
    dispersion: Literal["D3", "D3(BJ)"] = "D3"
    """Damping of Grimme's D3 dispersion: zero damping or Becke-Johnson."""
    scf: Literal["diagonalisation", "OT"] = "OT"
    """SCF solver: orbital transformation, or diagonalisation with Broyden mixing."""
    mixing_alpha: Positive = Field(default=0.2, le=1)
    """Fraction of the new density in Broyden mixing, where diagonalisation is the solver."""
    retry_mixing_alpha: Positive = Field(default=0.1, le=1)
    """Mixing for the one retry of a frame whose SCF did not converge under diagonalisation."""


LevelOfTheory = Annotated[Gfn1Xtb | PbeD3, Field(discriminator="method")]


class AimdRun(Settings):
    """Born-Oppenheimer molecular dynamics of one system at several temperatures, NVT (CSVR)."""

    system: Name
    """Which system of the study."""
    temperatures_K: tuple[Temperature, ...] = Field(min_length=1)
    """One run for each temperature, in kelvin."""
    steps: PositiveInt
    """Number of MD steps of each run."""
    time_step_fs: Positive = Field(default=0.5, le=2)
    """Time step in femtoseconds."""
    thermostat_time_fs: Positive = 50.0
    """Time constant of the CSVR thermostat in femtoseconds."""
    skip_steps: int = Field(default=20, ge=0)
    """Steps at the start that are not kept."""
    stride: PositiveInt = 10
    """Least number of steps from one kept frame to the next."""
    decorrelation: float = Field(default=1.0, ge=0)
    """Distance between kept frames in statistical inefficiencies of the potential energy; 0: every
    `stride` steps."""
    fewest_frames: PositiveInt = 10
    """Frames that are due however long the correlation, as far as `stride` allows them."""
    checkpoint_steps: PositiveInt = 100
    """CP2K is ended after so many steps and started anew from its restart file: a run that is
    interrupted goes on from the last of these, to the same frames. Each start costs an SCF."""


class LabelSettings(Settings):
    """How selected configurations are labelled."""

    frames_per_task: PositiveInt = 20
    """Single points in one task (one pod)."""
    largest_force_eV_A: Positive = 25.0
    """A frame with a larger force on any atom is dropped, in eV/A."""
    allowed_loss: float = Field(default=0.3, ge=0, le=1)
    """Share of a task's frames that may be dropped before the task fails."""
    timeout_s: Positive = 3600.0
    """Wall-clock limit of one single point, or of a series of them, in seconds."""
    reuse_wavefunction: bool | None = None
    """Begin each SCF from the wavefunction of the nearest frame before it in the task; left out:
    where that pays, which is PBE-D3."""
