"""Logs of dynamics, AIMD or along given positions, step by step: one run after the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nucleops.engines.cp2k.identity import check_configuration, check_level
from nucleops.engines.cp2k.log import SCF_START
from nucleops.engines.cp2k.settings import LevelOfTheory
from nucleops.engines.cp2k.xyz import XyzFrame
from nucleops.errors import TruncatedOutput
from nucleops.systems.system import System

_RUN_START = "PROGRAM STARTED AT"


def parts_of_steps(
    text: str,
    system: System,
    positions: Mapping[int, XyzFrame],
    level: LevelOfTheory | None,
    log: Path,
) -> list[str]:
    """Return the log's part of each step.

    The log holds one run of CP2K after the other. Each begins with an SCF of the step that the one
    before it ended with, which counts for the first run only, and has to be of that step's atoms.

    Parameters
    ----------
    text : str
        The log.
    system : System
        Where the first run starts.
    positions : mapping
        Step to its frame in the trajectory.
    level : Gfn1Xtb, PbeD3 or None
        Level of theory that every run has to be of; None: any.
    log : Path
        The log's file, for errors.

    Raises
    ------
    TruncatedOutput
        If a run is of other atoms or another level, or does not follow from the one before.
    """
    before, *runs = text.split(_RUN_START)
    if not runs or before.count(SCF_START):
        raise TruncatedOutput("the log does not begin with the start of a run", log=log)
    parts: list[str] = []
    for run in runs:
        head, *here = run.split(SCF_START)
        if not here:
            raise TruncatedOutput("the log of a run ends before the first SCF", log=log)
        begun = positions.get(len(parts) - 1)
        if parts and begun is None:
            raise TruncatedOutput(f"step {len(parts) - 1} is missing from the trajectory", log=log)
        check_configuration(run, system, log, None if begun is None else begun.values)
        if level is not None:
            check_level(head, level, log)
        parts += here[1:] if parts else here
    return parts


def check_step(
    part: str, step: int, log: Path, first: int = 0, last_line: str = "MD| Temperature [K]"
) -> None:
    """Check that the log's part is that of the step, and that the step ended.

    Parameters
    ----------
    part : str
        The log's part.
    step : int
        Step of molecular dynamics.
    log : Path
        The log, for errors.
    first : int
        Number of the step that dynamics begins with.
    last_line : str
        One of the last lines that CP2K writes of each later step.

    Raises
    ------
    TruncatedOutput
        If it is not.
    """
    lines = [line.split() for line in part.splitlines() if line.startswith(" MD| Step number")]
    if step == first:
        whole = not lines and "MD_INI| Cell angles" in part
    else:
        told = lines == [["MD|", "Step", "number", str(step)]]
        whole = told and part.count(last_line) == 1
    if not whole:
        raise TruncatedOutput(f"step {step} is incomplete or out of order", log=log)
