"""AIMD: run it part by part, and watch it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nucleops.engines.cp2k.aimd_keeper import COST, AimdKeeper
from nucleops.engines.cp2k.inputs import PROJECT, RESTART, single_point_input
from nucleops.engines.cp2k.md_inputs import aimd_input
from nucleops.engines.cp2k.settings import AimdRun, LevelOfTheory
from nucleops.engines.cp2k.single_point import PROGRAM
from nucleops.engines.keeping import Keeping
from nucleops.engines.runner import RunResult, run
from nucleops.systems.system import System

HOTTEST_FACTOR = 5.0
"""A run whose temperature exceeds so many times the thermostat's has exploded and is stopped."""


def run_aimd(
    system: System,
    level: LevelOfTheory,
    settings: AimdRun,
    temperature_K: float,
    seed: int,
    folder: Path,
    *,
    program: str = PROGRAM,
    threads: int = 1,
    timeout_s: float | None = None,
    keeping: Keeping | None = None,
    progress: Callable[[int], None] = lambda step: None,
) -> RunResult:
    """Run AIMD in a folder of its own.

    CP2K is started anew every ``settings.checkpoint_steps`` from the restart file of the part
    before, whether or not anything was interrupted, so that a run which goes on from a part that
    was kept gives the same steps as one that was never stopped.

    Parameters
    ----------
    system : System
        Where the dynamics starts.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    settings : AimdRun
        Length and thermostat.
    temperature_K : float
        Temperature in kelvin.
    seed : int
        Seed of the velocities and of the thermostat.
    folder : Path
        Where everything is written (``aimd.inp``, ``aimd.out``, ``cp2k.log``); made if missing.
        What an earlier try left there is removed.
    program, threads, timeout_s
        As for a single point.
    keeping : Keeping or None
        Where the parts that are done are kept; None: nowhere.
    progress : callable
        Told the last finished step: 0 at the start, then about twice a second, and at the end.

    Returns
    -------
    RunResult
        How CP2K ended; stopped early if the temperature ran away. The seconds are those of all
        parts, kept ones too.

    Raises
    ------
    StorageUnreachable
        The store of kept parts does not answer.
    TimeLimit, Preempted, OutOfMemory, MissingProgram
        As :func:`nucleops.engines.runner.run`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in [folder / "aimd.out", folder / COST, *folder.glob(f"{PROJECT}-*")]:
        old.unlink(missing_ok=True)  # CP2K appends
    keeper, done = None, 0
    if keeping is not None and settings.steps > settings.checkpoint_steps:
        keeper = AimdKeeper(keeping, _decided(system, level, settings, temperature_K, seed))
        done = keeper.restore(folder)
    energies = folder / f"{PROJECT}-1.ener"

    def watch() -> str | None:
        step, now_K = _last_step(energies)
        progress(step)
        if now_K > HOTTEST_FACTOR * temperature_K:
            return f"temperature of {now_K:.0f} K at step {step}"
        return None

    progress(done)  # a short run is over before it is looked at
    wall_s, cpu_s = _cost(folder)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        text = aimd_input(system, level, settings, temperature_K, seed, done)
        (folder / "aimd.inp").write_text(text, encoding="utf-8")
        result = run(
            [program, "-i", "aimd.inp", "-o", "aimd.out"],
            folder,
            folder / "cp2k.log",
            threads=threads,
            timeout_s=None if deadline is None else max(0.1, deadline - time.monotonic()),
            watch=watch,
        )
        wall_s, cpu_s = wall_s + result.wall_s, cpu_s + result.cpu_s
        result = replace(result, wall_s=wall_s, cpu_s=cpu_s)
        due = min(done + settings.checkpoint_steps, settings.steps)
        done = _last_step(energies)[0]
        progress(done)
        ended_well = result.returncode == 0 and not result.stopped_because and done == due
        if not ended_well or done == settings.steps or not (folder / RESTART).is_file():
            return result
        if keeper is not None:
            cost = json.dumps({"wall_s": wall_s, "cpu_s": cpu_s})
            (folder / COST).write_text(cost, encoding="utf-8")
            keeper.save(folder, done)


def _decided(
    system: System, level: LevelOfTheory, settings: AimdRun, temperature_K: float, seed: int
) -> dict[str, str]:
    """Return what decides a run, part by part; its length and which steps are kept do not."""
    point = single_point_input(system, level)
    run_only = settings.model_dump(
        include={"time_step_fs", "thermostat_time_fs", "checkpoint_steps"}
    )
    return {
        "atoms and level of theory": hashlib.sha256(point.encode()).hexdigest()[:16],
        "temperature_K": f"{temperature_K:g}",
        "seed": str(seed),
        **{name: str(value) for name, value in run_only.items()},
    }


def _cost(folder: Path) -> tuple[float, float]:
    """Return the wall-clock and CPU seconds of the parts that were taken over."""
    try:
        cost = json.loads((folder / COST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0.0, 0.0
    return cost["wall_s"], cost["cpu_s"]


def _last_step(energies: Path) -> tuple[int, float]:
    """Read step and temperature in kelvin from the last complete line of CP2K's energy file."""
    try:
        lines = energies.read_text(encoding="ascii").rpartition("\n")[0].splitlines()
        fields = lines[-1].split()
        return int(fields[0]), float(fields[3])
    except (OSError, ValueError, IndexError):
        return 0, 0.0
