"""One run of molecular dynamics as plain data: what travels to the operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, SerializeAsAny, field_validator

from nucleops.bias.enhanced import SharedHills
from nucleops.bias.spec import Bias
from nucleops.engines.deepmd.task import rebuilt
from nucleops.engines.keeping import Keeping
from nucleops.engines.lammps.md import run_md
from nucleops.engines.lammps.result import MdResult
from nucleops.engines.lammps.settings import MdSettings, PressureSettings, Sharing, Trust
from nucleops.engines.lammps.watch import Progress
from nucleops.errors import WrongInput
from nucleops.seeds import derive_seed
from nucleops.settings import Name, Settings
from nucleops.storage.kept import checkpoint_key
from nucleops.systems.molecules import MoleculeSpec
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import System


class MdTask(Settings):
    """What to run; the start is built from `spec`, or comes as a file."""

    system: Name
    """Name of the system in the study."""
    label: str = Field(default="", pattern=r"^[a-z0-9-]*$")
    """Stage and name of the run, by which its checkpoints are found again."""
    exploration: str = ""
    """What the study explores with the run, in words: system, conditions, bias."""
    spec: SystemSpec | None = None
    """What to build as the start; left out where the start comes as a file."""
    metal: str = "Ag"
    """The metal of the clusters."""
    molecules: dict[Name, MoleculeSpec] = Field(default_factory=dict)
    """The study's own molecules, which `spec` may name."""
    md: SerializeAsAny[MdSettings]
    """Temperature, length, thermostat, and the pressure where that is given."""
    trust: Trust = Trust()
    """When to stop trusting the run."""
    bias: Bias | None = None
    """What acts on the run besides the potential."""
    seed: int = Field(ge=1, le=900_000_000)
    """Seed of this task, or of all its numbered siblings."""
    number: int | None = Field(default=None, ge=0)
    """Number among siblings that share everything else: walker or replica."""
    cores: int = Field(default=1, ge=1)
    """MPI processes of LAMMPS."""
    sharing: Sharing | None = None
    """With how many others this walker shares its hills; `number` says which it is."""

    @field_validator("md", mode="before")
    @classmethod
    def _constant_pressure(cls, value: Any) -> Any:
        if isinstance(value, dict) and "pressure_bar" in value:
            return PressureSettings.model_validate(value)
        return value

    @property
    def own_seed(self) -> int:
        """The seed, made this sibling's own where siblings are numbered."""
        return self.seed if self.number is None else derive_seed(self.seed, "number", self.number)

    @property
    def key(self) -> str:
        """What the run is called in a store: stage and name, then the number."""
        return checkpoint_key(self.label or self.system, self.number)


def read_task(values: dict[str, Any], what: str) -> MdTask:
    """Rebuild a task; see :func:`nucleops.engines.deepmd.task.rebuilt`."""
    return rebuilt(MdTask, values, what)


def built_system(task: MdTask) -> System:
    """Build the start of a task, packed at the task's own seed.

    Raises
    ------
    WrongInput
        If the task has no ``spec``, or it cannot be packed.
    """
    from nucleops.systems.packing import build_system

    if task.spec is None:
        raise WrongInput(f"the task of system {task.system} has no spec to build from")
    seed = derive_seed(task.own_seed, "box")
    return build_system(task.system, task.spec, task.metal, seed, task.molecules)


def stored_system(task: MdTask, folder: Path) -> System:
    """Read the start of a task from a folder of built systems (or from a single file).

    Raises
    ------
    WrongInput
        If the folder does not hold the system; says which it holds.
    """
    from nucleops.systems.files import read_extxyz

    path = folder if folder.is_file() else folder / f"{task.system}.extxyz"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in folder.glob("*.extxyz"))) or "none"
        raise WrongInput(f"system {task.system} is not among the built systems; there are: {there}")
    return read_extxyz(path)


def run_task(
    task: MdTask,
    system: System,
    models: Sequence[Path],
    out_dir: Path,
    progress: Progress | None = None,
    energy_floor_eV_atom: float | None = None,
    environment: Mapping[str, str] | None = None,
    keeping: Keeping | None = None,
) -> MdResult:
    """Run a task; see :func:`nucleops.engines.lammps.md.run_md`."""
    shared = None
    if task.sharing is not None and task.number is not None:
        shared = SharedHills(task.sharing.walkers, task.number, task.sharing.exchange_steps)
    return run_md(
        system,
        models,
        task.md,
        task.trust,
        out_dir,
        derive_seed(task.own_seed, "dynamics"),
        bias=task.bias,
        energy_floor_eV_atom=energy_floor_eV_atom,
        progress=progress,
        cores=task.cores,
        shared=shared,
        environment=environment,
        keeping=keeping,
    )
