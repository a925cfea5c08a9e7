"""Initial data: one AIMD run, from its settings to accepted frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from nucleops.engines.cp2k.aimd import run_aimd
from nucleops.engines.cp2k.aimd_frames import open_aimd
from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.engines.cp2k.settings import AimdRun, LevelOfTheory
from nucleops.engines.cp2k.single_point import PROGRAM
from nucleops.engines.keeping import keeping_from_environment
from nucleops.learning.account import Account
from nucleops.learning.decorrelation import thinning
from nucleops.learning.provenance import INITIAL, Provenance, level_text
from nucleops.settings import Fraction, Name, Positive, PositiveInt, Settings, Temperature
from nucleops.systems.system import System


class AimdTask(Settings):
    """One AIMD run."""

    system: Name
    """Which system; ``<system>.extxyz`` in the folder of systems."""
    temperature_K: Temperature
    """Temperature in kelvin."""
    seed: PositiveInt
    """Seed of velocities and thermostat."""
    run: AimdRun
    """Steps, thermostat, and which steps are kept."""
    level: LevelOfTheory
    """Level of theory."""
    type_map: tuple[str, ...]
    """Element order of the data set."""
    largest_force_eV_A: Positive = 25.0
    """A frame with a larger force on any atom is dropped, in eV/A."""
    allowed_loss: Fraction = 0.3
    """Share of the due frames that may be lost before the run fails."""
    program: str = PROGRAM
    """CP2K binary."""
    threads: PositiveInt = 1
    """OpenMP threads of CP2K."""
    timeout_s: Positive | None = None
    """Wall-clock limit in seconds."""

    @property
    def name(self) -> str:
        """Name of the data set: system and temperature."""
        return f"{self.system}-{self.temperature_K:g}K"

    def provenance(self, frame: LabelledFrame) -> Provenance:
        """Return where one of the run's frames comes from; the seed makes its name unique."""
        return Provenance(
            id="",
            round=INITIAL,
            parent=f"aimd-{self.name}-{self.seed}",
            step=frame.step,
            level=level_text(self.level),
            program=frame.program,
        )


def aimd_frames(
    task: AimdTask, system: System, work: Path, progress: Callable[[int], None]
) -> tuple[list[LabelledFrame], Account]:
    """Run AIMD and read the steps that are due.

    Parameters
    ----------
    task : AimdTask
        What to run.
    system : System
        Where it starts.
    work : Path
        Folder to run in.
    progress : callable
        Told the last finished step.

    Returns
    -------
    frames : list of LabelledFrame
        Accepted frames, in time order.
    account : Account
        What became of the others.

    Raises
    ------
    LabelsLost
        If more than the allowed share of the due frames was lost.
    TruncatedOutput
        If CP2K left nothing that can be read.
    StorageUnreachable
        If the store of an earlier attempt's steps does not answer.
    TimeLimit, Preempted, OutOfMemory, MissingProgram
        As :func:`nucleops.engines.runner.run`.
    """
    keeping = keeping_from_environment(f"aimd/{task.name}-{task.seed}")
    result = run_aimd(
        system,
        task.level,
        task.run,
        task.temperature_K,
        task.seed,
        work,
        program=task.program,
        threads=task.threads,
        timeout_s=task.timeout_s,
        keeping=keeping,
        progress=progress,
    )
    output = open_aimd(work, system, task.level)
    chosen = thinning(output.energies_eV(task.run.skip_steps), task.run)
    due = range(task.run.skip_steps, task.run.steps + 1, chosen.stride_steps)
    read = output.judged(due, task.largest_force_eV_A)
    account = Account(task.name, len(due), len(read.frames))
    account.dropped.update(reason.partition(":")[0] for reason in read.dropped.values())
    account.details = [{"step": step, "dropped": why} for step, why in read.dropped.items()]
    account.extra = {
        "level_of_theory": task.level.model_dump(mode="json"),
        "thinning": asdict(chosen),
        "kept_steps": [frame.step for frame in read.frames],
        "steps_run": read.steps_run,
        "returncode": result.returncode,
        "stopped_because": result.stopped_because,
        "wall_s": round(result.wall_s, 3),
        "cpu_s": round(result.cpu_s, 3),
    }
    if keeping is not None:
        account.extra["kept_as"] = keeping.key
    account.check(task.allowed_loss, work / "aimd.out")
    return read.frames, account
