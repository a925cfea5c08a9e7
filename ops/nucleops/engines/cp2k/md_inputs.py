"""CP2K inputs of AIMD, and of a series of configurations that one process computes in turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nucleops.engines.cp2k.inputs import (
    RESTART,
    cell_and_shift,
    coordinate_lines,
    force_eval,
    global_section,
)
from nucleops.engines.cp2k.sections import PARAMETER, Section, write_sections
from nucleops.engines.cp2k.settings import AimdRun, LevelOfTheory
from nucleops.systems.system import FloatArray, System

SERIES = "series.xyz"
"""File that CP2K takes the configurations of a series from."""
_OFF: Section = {PARAMETER: "OFF"}


def aimd_input(
    system: System,
    level: LevelOfTheory,
    run: AimdRun,
    temperature_K: float,
    seed: int,
    done: int = 0,
) -> str:
    """Write the input of Born-Oppenheimer molecular dynamics, NVT with the CSVR thermostat.

    The run is made in parts of ``run.checkpoint_steps``; the input is that of the next part.

    Parameters
    ----------
    system : System
        Where the dynamics starts.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    run : AimdRun
        Steps, time step and thermostat.
    temperature_K : float
        Temperature in kelvin of the thermostat and of the first velocities.
    seed : int
        Seed, at least 1, of the first velocities and of the thermostat.
    done : int
        Steps of the parts before; if there are any, :data:`RESTART` is what they left.

    Returns
    -------
    str
        CP2K input text; every step writes positions, forces and energies.

    Raises
    ------
    WrongInput
        If an element has no pseudopotential or basis here.
    """
    restart = _OFF
    if run.steps > run.checkpoint_steps:
        restart = {PARAMETER: "ON", "BACKUP_COPIES": 0, "EACH": {"MD": run.checkpoint_steps}}
    motion: Section = {
        "MD": {
            "ENSEMBLE": "NVT",
            "STEPS": min(run.checkpoint_steps, run.steps - done),
            "TIMESTEP": run.time_step_fs,
            "TEMPERATURE": temperature_K,
            "THERMOSTAT": {"TYPE": "CSVR", "CSVR": {"TIMECON": run.thermostat_time_fs}},
        },
        "PRINT": {
            **_every_step(),
            "RESTART": restart,
            "RESTART_HISTORY": _OFF,
        },
    }
    sections: dict[str, Any] = {
        "GLOBAL": {**global_section("MD"), "SEED": seed},
        "FORCE_EVAL": force_eval(system, level, dynamics=True),
        "MOTION": motion,
    }
    if done:
        sections["EXT_RESTART"] = {"RESTART_FILE_NAME": RESTART}
    return write_sections(sections)


def series_input(
    systems: Sequence[System], level: LevelOfTheory, cell: FloatArray
) -> tuple[str, str]:
    """Write the input of energies and forces of given configurations, one after the other.

    Every SCF begins from the guess of a single point, so that no label depends on those before it.
    A droplet's coordinates are those of its own single point too.

    Parameters
    ----------
    systems : sequence of System
        Configurations of the same atoms, in the same cell if it repeats.
    level : Gfn1Xtb or PbeD3
        Level of theory.
    cell : ndarray
        Edges of the cell in angstrom, shape (3,), see :func:`cell_of_all`.

    Returns
    -------
    input, configurations : str
        CP2K input text, and the content of the file :data:`SERIES` that it names.

    Raises
    ------
    WrongInput
        If an element has no pseudopotential or basis here.
    """
    evaluation = force_eval(systems[0], level, dynamics=False, cell=cell)
    evaluation["DFT"]["QS"]["EXTRAPOLATION"] = "USE_GUESS"
    number = len(systems)
    motion: Section = {
        "MD": {
            "ENSEMBLE": "REFTRAJ",
            "STEPS": number,
            "REFTRAJ": {
                "TRAJ_FILE_NAME": SERIES,
                "EVAL_ENERGY_FORCES": True,
                "EVAL_FORCES": True,
                "FIRST_SNAPSHOT": 1,
                "LAST_SNAPSHOT": number,
            },
        },
        "PRINT": {**_every_step(), "RESTART": _OFF, "RESTART_HISTORY": _OFF},
    }
    sections = {"GLOBAL": global_section("MD"), "FORCE_EVAL": evaluation, "MOTION": motion}
    return write_sections(sections), "".join(map(_configuration, range(1, number + 1), systems))


def cell_of_all(systems: Iterable[System]) -> FloatArray:
    """Return edges in angstrom, shape (3,), of a cell that is large enough for each of the systems.

    The physics of a droplet does not depend on its cell, but the last digits do.
    """
    return np.asarray(np.max([cell_and_shift(system)[0] for system in systems], axis=0))


def _every_step() -> dict[str, Any]:
    """Return what MOTION/PRINT says of positions, forces and velocities."""
    written = {PARAMETER: "ON", "FORMAT": "XYZ", "EACH": {"MD": 1}}
    return {"TRAJECTORY": written, "FORCES": written, "VELOCITIES": _OFF}


def _configuration(number: int, system: System) -> str:
    head = f"{system.n_atoms}\n i = {number}, time = {number}.0, E = 0.0"
    return f"{head}\n{coordinate_lines(system)}\n"
