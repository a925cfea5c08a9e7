"""Molecular dynamics with a committee of potentials, from a system to a judged result folder."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nucleops.engines.deepmd.data_range import DataRange, carried_range, composition
from nucleops.engines.lammps import inputs
from nucleops.engines.lammps.judge import Judgement, judge_run
from nucleops.engines.lammps.program import LammpsProgram, bias_engine, find_lammps
from nucleops.engines.lammps.readers import (
    Dump,
    read_dump,
    read_model_deviation,
    read_thermo,
    unwrap,
    write_thermo_csv,
)
from nucleops.engines.lammps.result import MdResult, versions_of
from nucleops.engines.lammps.settings import MdSettings, Trust
from nucleops.engines.lammps.watch import Progress, TrustWatch
from nucleops.engines.runner import RunResult, run
from nucleops.errors import AtomsLost, TruncatedOutput, WrongInput
from nucleops.systems.files import write_extxyz, write_lammps_data
from nucleops.systems.system import System

if TYPE_CHECKING:
    from nucleops.bias.enhanced import SharedHills
    from nucleops.bias.spec import Bias
    from nucleops.engines.lammps.biasing import AppliedBias

# What LAMMPS says when the atoms, not the input, are at fault.
_BLOWN_UP = re.compile(
    r"Lost atoms|[Nn]on-numeric|Out of range atoms|outside surface of region|"
    r"atoms? (?:has|have) (?:moved|left)|simulation unstable|not a number|\bnan\b"
)
_ERROR_LINE = re.compile(r"^.*\bERROR\b.*$", re.MULTILINE)


def run_md(
    system: System,
    models: Sequence[Path],
    settings: MdSettings,
    trust: Trust,
    out_dir: Path,
    seed: int,
    bias: Bias | None = None,
    energy_floor_eV_atom: float | None = None,
    progress: Progress | None = None,
    closest_A: Mapping[str, float] | None = None,
    cores: int = 1,
    shared: SharedHills | None = None,
    environment: Mapping[str, str] | None = None,
) -> MdResult:
    """Run NVT dynamics, ended early where trust in the potential ends, and judge it.

    Parameters
    ----------
    system : System
        The start. A droplet whose atoms leave its cell is moved to the cell's centre.
    models : sequence of Path
        Frozen potentials; the first drives the run, all give the model deviation.
    settings, trust : MdSettings, Trust
        What to run, and when to stop trusting it.
    out_dir : Path
        New or empty folder; becomes the result folder.
    seed : int
        Seed of velocities, thermostat and bias.
    bias : Bias or None
        Applied by PLUMED where LAMMPS has it, by Colvars otherwise.
    energy_floor_eV_atom : float or None
        Lowest labelled energy of this composition; what the models carry where None.
    progress : callable or None
        Called with (steps done, steps planned) about twice a second.
    closest_A : mapping or None
        Closest labelled contact of each pair of elements, for the guard against collapse; what
        the models carry where None.
    cores : int
        MPI processes.
    shared : SharedHills or None
        Lay the hills of the bias into one bias with other walkers, which run beside this one.
    environment : mapping or None
        Variables to set for LAMMPS besides its own, such as the GPUs that it may see.

    Returns
    -------
    MdResult
        Also written as ``md.json``.

    Raises
    ------
    WrongInput
        No model, a folder that is not empty, or a bias that does not fit the system.
    AtomsLost
        The run blew up before a single frame was written.
    ProgramFailed
        LAMMPS ended with any other error.
    MissingProgram, TimeLimit, OutOfMemory, Preempted
        From finding and running the program.
    """
    _check(models, out_dir)
    program = find_lammps()
    system = centred(system)
    covered = _covered(models)
    if energy_floor_eV_atom is None:
        energy_floor_eV_atom = covered.lowest_energy_eV_atom.get(composition(system.symbols))
    closest_A = covered.closest_A if closest_A is None else closest_A
    out_dir.mkdir(parents=True, exist_ok=True)
    write_extxyz(system, out_dir / "topology.extxyz")
    write_lammps_data(system, out_dir / inputs.DATA_FILE)
    applied = _prepare_bias(bias, system, settings, out_dir, shared)
    names = [f"graph.{k:03d}{Path(model).suffix}" for k, model in enumerate(models)]
    engine = None if applied is None else applied.engine
    text = inputs.lammps_input(system, names, settings, seed, engine, closest_A)
    (out_dir / "in.lammps").write_text(text, encoding="utf-8")
    watch = TrustWatch(out_dir, settings, trust, system.n_atoms, energy_floor_eV_atom, progress)
    program = dataclasses.replace(
        program, environment={**program.environment, **(environment or {})}
    )
    result = _run_lammps(program, models, names, settings, out_dir, watch, cores)
    died = _how_it_died(result)
    dump = _frames(out_dir, result, died)
    thermo = read_thermo(out_dir / "log.lammps")
    write_thermo_csv(thermo, settings.time_step_fs, out_dir / "thermo.csv")
    deviation = read_model_deviation(out_dir / inputs.DEVIATION_FILE) if len(models) > 1 else None
    judgement = judge_run(
        system, dump, deviation, thermo, trust, settings.temperature_K, energy_floor_eV_atom, died
    )
    if applied is not None:
        applied.collect(out_dir, settings)
    _write_final(system, dump, judgement, out_dir / "final.extxyz")
    last = int(max(dump.steps[-1], thermo.steps[-1] if len(thermo.steps) else 0))
    done = MdResult(
        folder=out_dir,
        status="completed" if judgement.reason is None else "trust-ended",
        reason=judgement.reason,
        steps_planned=settings.steps,
        steps_run=last,
        trusted_steps=last if judgement.reason is None else judgement.trusted_steps,
        time_step_fs=settings.time_step_fs,
        temperature_K=settings.temperature_K,
        n_atoms=system.n_atoms,
        seed=seed,
        stride=settings.stride,
        wall_s=round(result.wall_s, 2),
        bias_engine=engine,
        left_out_of_bias=[] if applied is None else list(applied.left_out),
        versions=versions_of(program),
        models=[hashlib.sha256(Path(model).read_bytes()).hexdigest() for model in models],
        energy_floor_eV_atom=energy_floor_eV_atom,
        guard_A=inputs.guard_distances(closest_A) if settings.contact_guard_eV_A2 else {},
        biased_cvs=[] if applied is None else list(applied.biased_cvs),
        sharing_walkers=1 if shared is None else shared.walkers,
    )
    done.write()
    return done


def _covered(models: Sequence[Path]) -> DataRange:
    covered = DataRange()
    for model in models:
        covered = covered.merged(carried_range(Path(model)))
    return covered


def centred(system: System) -> System:
    """Move a droplet to the centre of its cell if any of its atoms lies outside the cell."""
    inside = (system.positions >= 0).all() and (system.positions < system.cell).all()
    if system.periodic or inside:
        return system
    shift = system.cell / 2 - system.positions.mean(axis=0)
    return system.with_positions(system.positions + shift)


def _check(models: Sequence[Path], out_dir: Path) -> None:
    if not models:
        raise WrongInput("dynamics need at least one model, found none")
    if out_dir.exists() and any(out_dir.iterdir()):
        raise WrongInput(f"the folder {out_dir} is not empty; a run needs a folder of its own")


def _prepare_bias(
    bias: Bias | None,
    system: System,
    settings: MdSettings,
    out_dir: Path,
    shared: SharedHills | None,
) -> AppliedBias | None:
    if bias is None:
        if shared is not None:
            raise WrongInput("walkers share the hills of a bias, and this run has none")
        return None
    from nucleops.engines.lammps.biasing import write_bias

    return write_bias(bias, system, settings, out_dir, bias_engine(), shared)


def _run_lammps(
    program: LammpsProgram,
    models: Sequence[Path],
    names: Sequence[str],
    settings: MdSettings,
    out_dir: Path,
    watch: TrustWatch,
    cores: int,
) -> RunResult:
    links = [out_dir / name for name in names]
    for link, model in zip(links, models, strict=True):
        link.symlink_to(Path(model).resolve())
    try:
        return run(
            [program.executable, "-in", "in.lammps", "-log", "log.lammps"],
            out_dir,
            out_dir / "lammps.out",
            cores=cores,
            launcher=program.launcher,
            timeout_s=settings.timeout_s,
            env=program.environment,
            watch=watch,
        )
    finally:
        # The folder travels as an artifact; a link into this machine would dangle.
        for leftover in [*links, out_dir / inputs.STOP_FILE]:
            leftover.unlink(missing_ok=True)


def _how_it_died(result: RunResult) -> str | None:
    """LAMMPS' own words if the atoms' motion killed the run, None if it ended well."""
    if result.returncode == 0 or result.stopped_because is not None:
        return None
    text = result.log.read_text(encoding="utf-8", errors="replace")[result.output_start :]
    errors = _ERROR_LINE.findall(text)
    for line in errors:
        if _BLOWN_UP.search(line):
            return re.sub(r"\s*\(\S+:\d+\)\s*$", "", line).strip()
    result.check(advice="see in.lammps beside the log")
    return None


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
