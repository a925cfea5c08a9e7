"""The parts of a study, one for each stage of the workflow."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nucleops.analysis.settings import (
    FreeEnergySettings,
    NucleationSettings,
    StructureSettings,
)
from nucleops.engines.cp2k.settings import AimdRun, LabelSettings, LevelOfTheory
from nucleops.engines.deepmd.settings import TrainSettings
from nucleops.engines.lammps.settings import MdSettings, Trust
from nucleops.learning.settings import Selection
from nucleops.population.settings import ChargeSettings
from nucleops.reporting.settings import ReportSettings
from nucleops.settings import Fraction, Name, Positive, PositiveInt, Settings, Temperature
from nucleops.systems.spec import SystemSpec


class Chemistry(Settings):
    """Which elements and molecules the study is about."""

    metal: Literal["Ag", "Au", "Cu"] = "Ag"
    """Metal of the cluster."""
    ligand: Literal["SCNH2"] = "SCNH2"
    """Ligand: S-CH=NH, written SCNH2 in the article."""
    solvent: Literal["methanol"] = "methanol"
    """Solvent."""


class Exploration(Settings):
    """Runs with the newest potentials that look for configurations it does not know."""

    system: Name
    """Which system of the study."""
    md: MdSettings
    """Molecular dynamics of each run; its temperature is replaced by `temperatures_K`."""
    temperatures_K: tuple[Temperature, ...] = Field(min_length=1)
    """One run for each temperature, in kelvin."""
    bias: Name | None = None
    """Name of a bias in the study's `biases`; none means unbiased."""
    pressures_bar: tuple[float, ...] = ()
    """Constant-pressure runs at each of these pressures, in bar, at every temperature; none means
    constant volume. Periodic systems only."""
    barostat_time_fs: Positive = 1000.0
    """Time constant of the barostat in femtoseconds."""
    volume_factors: tuple[Annotated[float, Field(ge=0.5, le=2)], ...] = ()
    """Constant-volume runs in boxes of so many times the system's volume, at every temperature;
    none means its own volume. Periodic systems only."""
    copies: PositiveInt = 1
    """Runs under each condition, with different seeds."""
    growth: Positive = Field(default=1.0, ge=1, le=100)
    """Factor by which the number of steps grows from one round to the next."""

    @model_validator(mode="after")
    def _one_ensemble(self) -> Exploration:
        if self.pressures_bar and self.volume_factors:
            raise ValueError("give at most one of pressures_bar and volume_factors")
        return self


class Learn(Settings):
    """Concurrent learning: from AIMD to a committee of potentials."""

    initial_data: tuple[AimdRun, ...] = Field(min_length=1)
    """AIMD runs that make the first data set."""
    train: TrainSettings
    """The committee and its training."""
    exploration: tuple[Exploration, ...] = Field(min_length=1)
    """What is explored in every round."""
    exploration_trust: Trust | None = None
    """When an exploration run is ended; left out: as any other run. What a young potential finds
    outside the range of its data is worth a label, so this may be wider."""
    selection: Selection
    """Which explored frames are labelled."""
    label: LabelSettings = LabelSettings()
    """How they are labelled."""
    allowed_task_loss: Fraction = 0.3
    """Share of a round's exploration or labelling tasks that may fail before the round does."""
    max_rounds: int = Field(default=8, ge=1, le=100)
    """Rounds after which learning ends even when it has not converged."""


class Metad(Settings):
    """The metadynamics or OPES production runs that end in a free-energy surface."""

    system: Name
    """Which system of the study."""
    bias: Name
    """Name of a bias in the study's `biases`, with metadynamics or OPES in it."""
    md: MdSettings
    """Molecular dynamics of each walker."""
    walkers: PositiveInt = 1
    """Runs with different seeds."""
    shared_bias: bool = False
    """Let the walkers lay their hills into one bias, as one task with cores for all of them; left
    out: each run is independent. OPES cannot share."""
    exchange_steps: PositiveInt | None = None
    """MD steps between readings of the other walkers' hills; left out: the pace of the hills."""
    analysis: FreeEnergySettings = FreeEnergySettings()
    """How the runs become a free-energy surface."""

    @model_validator(mode="after")
    def _sharing(self) -> Metad:
        if self.shared_bias and self.walkers < 2:
            raise ValueError("shared_bias needs at least 2 walkers, found 1")
        if self.exchange_steps is not None and not self.shared_bias:
            raise ValueError("exchange_steps means nothing without shared_bias")
        return self


class Unbiased(Settings):
    """A long run of the finished cluster."""

    system: Name
    """Which system of the study."""
    md: MdSettings
    """Molecular dynamics."""
    analysis: StructureSettings = StructureSettings()
    """Which bonds are followed, and how their densities are computed."""


class Nucleate(Settings):
    """Independent replicas of many dimers that may nucleate by themselves."""

    system: SystemSpec
    """What every replica consists of; each is packed from its own seed."""
    replicas: PositiveInt
    """Number of replicas, under each condition of a grid."""
    md: MdSettings
    """Molecular dynamics of each replica."""
    temperatures_K: tuple[Temperature, ...] = ()
    """Temperatures of a grid of conditions, in kelvin; none means that of `md`."""
    solute_counts: tuple[PositiveInt, ...] = ()
    """Concentrations of a grid of conditions: numbers of the first of the system's `contents`; none
    means the number given there."""
    allowed_loss: Fraction = 0.5
    """Share of replicas that may fail before the stage fails."""
    analysis: NucleationSettings = NucleationSettings()
    """How aggregates are found, followed and named."""

    @property
    def conditions(self) -> list[tuple[str, SystemSpec, MdSettings]]:
        """Label, system and dynamics of every condition; one without a label where no grid is."""
        solute, *others = self.system.contents
        temperatures = self.temperatures_K or (self.md.temperature_K,)
        made = []
        for temperature in temperatures:
            for count in self.solute_counts or (solute.count,):
                contents = (solute.model_copy(update={"count": count}), *others)
                words = [f"{temperature:g} K"] * bool(self.temperatures_K)
                words += [f"{count} {solute.motif}"] * bool(self.solute_counts)
                made.append(
                    (
                        ", ".join(words),
                        self.system.model_copy(update={"contents": contents}),
                        self.md.model_copy(update={"temperature_K": temperature}),
                    )
                )
        return made


class Resources(Settings):
    """Cores and GPUs of one task of each kind."""

    label_cores: PositiveInt = 1
    """Cores of a CP2K task."""
    train_cores: PositiveInt = 1
    """Cores of the training of one model."""
    md_cores: PositiveInt = 1
    """Cores of one molecular dynamics run."""
    train_gpus: int = Field(default=0, ge=0)
    """GPUs of the training of one model."""
    md_gpus: int = Field(default=0, ge=0)
    """GPUs of one molecular dynamics run."""
    md_per_gpu: Literal[1, 2, 3, 4, 6, 12] = 1
    """Molecular dynamics runs that share a GPU on this machine: ten thousand atoms leave most of a
    large one idle. In a cluster the device plugin shares GPUs: name its shared resource in the
    profile."""
    retries: int = Field(default=2, ge=0, le=20)
    """How often a task that failed transiently is tried again."""
    step_timeout_s: Positive = 86400.0
    """Wall-clock limit of any one task in seconds."""


__all__ = [
    "ChargeSettings",
    "Chemistry",
    "Exploration",
    "Learn",
    "LevelOfTheory",
    "Metad",
    "Nucleate",
    "ReportSettings",
    "Resources",
    "Selection",
    "Trust",
    "Unbiased",
]
