"""From what LAMMPS left in a run's folder to a verdict, and the files that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleops.engines.lammps import inputs
from nucleops.engines.lammps.geometry import Geometry
from nucleops.engines.lammps.joining import join_outputs, join_thermo
from nucleops.engines.lammps.judge import Judgement, judge_run
from nucleops.engines.lammps.launch import how_it_died
from nucleops.engines.lammps.legs import spans
from nucleops.engines.lammps.program import BiasEngine
from nucleops.engines.lammps.readers import (
    Dump,
    read_dump,
    read_model_deviation,
    unwrap,
    write_thermo_csv,
)
from nucleops.engines.lammps.region import write_failure
from nucleops.engines.lammps.settings import MdSettings, Trust
from nucleops.engines.runner import RunResult
from nucleops.errors import AtomsLost, TruncatedOutput
from nucleops.systems.files import write_extxyz
from nucleops.systems.system import System


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes
    ----------
    judgement : Judgement
        How far it is trusted, and why not further.
    steps_run : int
        Steps it made.
    last_good_checkpoint : int or None
        Step of the checkpoint that is kept of a run which trust ended.
    """

    judgement: Judgement
    steps_run: int
    last_good_checkpoint: int | None = None


def outcome_of(
    out_dir: Path,
    system: System,
    settings: MdSettings,
    trust: Trust,
    energy_floor_eV_atom: float | None,
    result: RunResult,
    engine: BiasEngine | None,
    committee: bool,
) -> Outcome:
    """Join the legs of a run, judge it, and write ``thermo.csv``, ``final.extxyz``, ``failure``.

    Parameters
    ----------
    out_dir : Path
        The run's folder.
    system : System
        The start.
    settings, trust : MdSettings, Trust
        What was run, and when it is not trusted any more.
    energy_floor_eV_atom : float or None
        Lowest labelled energy of the composition.
    result : RunResult
        How LAMMPS ended.
    engine : {'plumed', 'colvars'} or None
        Who applied the bias.
    committee : bool
        Whether there is a model deviation.

    Raises
    ------
    AtomsLost
        The run blew up before a single frame was written.
    ProgramFailed
        LAMMPS ended with any other error.
    """
    died = how_it_died(result)
    join_outputs(out_dir, engine, settings.time_step_fs)
    dump = _frames(out_dir, result, died)
    thermo = join_thermo(spans(out_dir))
    write_thermo_csv(thermo, settings.time_step_fs, out_dir / "thermo.csv")
    deviation = read_model_deviation(out_dir / inputs.DEVIATION_FILE) if committee else None
    judgement = judge_run(
        system, dump, deviation, thermo, trust, settings.temperature_K, energy_floor_eV_atom, died
    )
    _write_final(system, dump, judgement, out_dir / "final.extxyz")
    last = int(max(dump.steps[-1], thermo.steps[-1] if len(thermo.steps) else 0))
    if judgement.failure is None:
        return Outcome(judgement, last)
    good = write_failure(
        judgement.failure, judgement.trusted_steps, system, dump, Geometry(system, trust), out_dir
    )
    return Outcome(judgement, last, good)


def _frames(out_dir: Path, result: RunResult, died: str | None) -> Dump:
    try:
        return read_dump(out_dir / inputs.DUMP_FILE)
    except TruncatedOutput as error:
        if died is None:
            raise
        raise AtomsLost(
            f"the run blew up before its first frame: {died}",
            log=result.log,
            advice="minimise first (minimise_steps), or train the potential on closer contacts",
        ) from error


def _write_final(system: System, dump: Dump, judgement: Judgement, path: Path) -> None:
    trusted = max(1, int(np.sum(dump.steps <= judgement.trusted_steps)))
    whole = unwrap(dump.positions[:trusted], dump.cells[:trusted], system.positions)
    write_extxyz(system.with_positions(whole[-1]), path)
