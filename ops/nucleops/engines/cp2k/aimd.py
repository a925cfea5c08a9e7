"""AIMD: run it, and watch it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nucleops.engines.cp2k.inputs import PROJECT, aimd_input
from nucleops.engines.cp2k.settings import AimdRun, LevelOfTheory
from nucleops.engines.cp2k.single_point import PROGRAM
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
    progress: Callable[[int], None] = lambda step: None,
) -> RunResult:
    """Run AIMD in a folder of its own.

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
    progress : callable
        Told the last finished step: 0 at the start, then about twice a second, and at the end.

    Returns
    -------
    RunResult
        How CP2K ended; stopped early if the temperature ran away.

    Raises
    ------
    TimeLimit, Preempted, OutOfMemory, MissingProgram
        As :func:`nucleops.engines.runner.run`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in [folder / "aimd.out", *folder.glob(f"{PROJECT}-*")]:
        old.unlink(missing_ok=True)  # CP2K appends
    text = aimd_input(system, level, settings, temperature_K, seed)
    (folder / "aimd.inp").write_text(text, encoding="utf-8")

    def watch() -> str | None:
        step, now_K = _last_step(folder / f"{PROJECT}-1.ener")
        progress(step)
        if now_K > HOTTEST_FACTOR * temperature_K:
            return f"temperature of {now_K:.0f} K at step {step}"
        return None

    progress(0)  # a short run is over before it is looked at
    result = run(
        [program, "-i", "aimd.inp", "-o", "aimd.out"],
        folder,
        folder / "cp2k.log",
        threads=threads,
        timeout_s=timeout_s,
        watch=watch,
    )
    progress(_last_step(folder / f"{PROJECT}-1.ener")[0])
    return result


def _last_step(energies: Path) -> tuple[int, float]:
    """Read step and temperature in kelvin from the last complete line of CP2K's energy file."""
    try:
        lines = energies.read_text(encoding="ascii").rpartition("\n")[0].splitlines()
        fields = lines[-1].split()
        return int(fields[0]), float(fields[3])
    except (OSError, ValueError, IndexError):
        return 0, 0.0
