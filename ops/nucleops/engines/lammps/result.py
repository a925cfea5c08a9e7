"""How a molecular dynamics run ended: the content of ``md.json``."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nucleops
from nucleops.engines.lammps.program import LammpsProgram


@dataclass(frozen=True)
class MdResult:
    """How a run ended; the content of ``md.json``.

    Attributes
    ----------
    folder : Path
        The result folder.
    status : str
        ``completed``, or ``trust-ended`` where the run was ended, or is not trusted to its end.
    reason : str or None
        Why trust ended.
    ended_by : str or None
        The class of that, see :class:`nucleops.engines.lammps.criteria.Ending`; the folder
        ``failure`` holds a picture.
    last_good_checkpoint : int or None
        Step of the checkpoint in ``failure`` that lies before it.
    steps_planned, steps_run, trusted_steps : int
        Steps asked for, made, and trusted; frames with ``step <= trusted_steps`` count.
    time_step_fs, temperature_K, n_atoms, seed, stride, wall_s
        The run's settings and its wall-clock seconds.
    bias_engine : str or None
        ``plumed`` or ``colvars``.
    left_out_of_bias : list of str
        Parts of the bias that the engine cannot apply.
    versions : dict
        LAMMPS, DeePMD-kit and nucleops.
    models : list of str
        SHA-256 of each model's file; the first drove the run.
    energy_floor_eV_atom : float or None
        Lowest labelled energy of the composition, where it is known.
    guard_A : dict
        Distances below which pairs of elements repelled one another.
    biased_cvs : list of str
        Variables that metadynamics or OPES acted on.
    resumed_steps : list of int
        Steps at which the run was gone on with from a stored checkpoint.
    sharing_walkers : int
        Walkers that laid their hills into one bias, this one among them; 1 where it was alone.
    cpu_s : float
        User and system seconds of LAMMPS, of the last attempt as ``wall_s``.
    """

    folder: Path
    status: str
    reason: str | None
    steps_planned: int
    steps_run: int
    trusted_steps: int
    time_step_fs: float
    temperature_K: float
    n_atoms: int
    seed: int
    stride: int
    wall_s: float
    bias_engine: str | None = None
    left_out_of_bias: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)
    energy_floor_eV_atom: float | None = None
    guard_A: dict[str, float] = field(default_factory=dict)
    biased_cvs: list[str] = field(default_factory=list)
    ended_by: str | None = None
    last_good_checkpoint: int | None = None
    resumed_steps: list[int] = field(default_factory=list)
    sharing_walkers: int = 1
    cpu_s: float = 0.0

    @property
    def ns_per_day(self) -> float:
        """Speed: simulated nanoseconds per day of wall-clock time, start-up included."""
        # the clock is that of the last attempt, which began where it was resumed
        steps = self.steps_run - (self.resumed_steps[-1] if self.resumed_steps else 0)
        simulated_ns = steps * self.time_step_fs * 1e-6
        # few digits: a cluster keeps this number of every run in its memory
        return round(simulated_ns / self.wall_s * 86400, 3) if self.wall_s > 0 else 0.0

    def write(self) -> None:
        """Write ``md.json``."""
        values = {k: v for k, v in asdict(self).items() if k != "folder"}
        text = json.dumps(values, indent=2)
        (self.folder / "md.json").write_text(text + "\n", encoding="utf-8")


def read_result(folder: Path) -> MdResult:
    """Read ``md.json`` from a result folder."""
    values = json.loads((folder / "md.json").read_text(encoding="utf-8"))
    return MdResult(folder=folder, **values)


def versions_of(program: LammpsProgram) -> dict[str, str]:
    """Versions of LAMMPS, nucleops and, where installed as a Python package, DeePMD-kit."""
    versions = {"lammps": program.version, "nucleops": nucleops.__version__}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        versions["deepmd-kit"] = importlib.metadata.version("deepmd-kit")
    return versions
