"""Typed settings of atomic charges: of which structures, by which schemes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nucleops.engines.chargemol.settings import Chargemol
from nucleops.engines.cp2k.settings import LevelOfTheory
from nucleops.settings import Fraction, Positive, PositiveInt, Settings

MotifName = Literal["monomer", "dimer", "octahedron"]


class ChargeSettings(Settings):
    """Atomic charges of representative structures of each state."""

    level: LevelOfTheory | None = None
    """Level of theory; left out: the study's. GFN1-xTB gives Mulliken charges, PBE-D3 Mulliken and
    Hirshfeld charges."""
    motifs: tuple[MotifName, ...] = ()
    """Shipped motifs that are computed too, isolated, as states of these names."""
    frames_per_state: PositiveInt = 10
    """Most frames of each state of a metadynamics, and of each unbiased run."""
    frames_per_task: PositiveInt = 5
    """Frames in one task (one pod)."""
    ddec6: Chargemol | None = None
    """DDEC6 charges too, by Chargemol; needs PBE-D3."""
    keep_cubes: bool = False
    """Keep the electron-density cube of every frame, which is about 100 MB for a 2 nm cell; needs
    PBE-D3."""
    largest_force_eV_A: Positive = 100.0
    """A frame with a larger force on any atom is dropped, in eV/A."""
    allowed_loss: Fraction = 0.3
    """Share of a state's frames that may be dropped before it fails."""
    timeout_s: Positive = 3600.0
    """Wall-clock limit of one frame in seconds, for each program."""

    @model_validator(mode="after")
    def _density(self) -> ChargeSettings:
        wants = "ddec6" if self.ddec6 is not None else "keep_cubes" if self.keep_cubes else ""
        if wants and self.level is not None and self.level.method != "pbe-d3":
            raise ValueError(f"{wants} needs an electron density; allowed for level: pbe-d3")
        return self


class ChargeTask(Settings):
    """What one task of charges needs to know."""

    level: LevelOfTheory
    """Level of theory."""
    charges: ChargeSettings = Field(default_factory=ChargeSettings)
    """Schemes, and what is accepted."""
    program: str = "cp2k.psmp"
    """CP2K binary."""
    threads: PositiveInt = 1
    """OpenMP threads of each program."""
