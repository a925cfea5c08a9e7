"""Molecular dynamics with a committee of potentials, from a system to a judged result folder."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nucleops.engines.deepmd.data_range import DataRange, carried_range, composition
from nucleops.engines.keeping import Keeping
from nucleops.engines.lammps import inputs
from nucleops.engines.lammps.criteria import Criteria
from nucleops.engines.lammps.geometry import Geometry
from nucleops.engines.lammps.joining import first_potential_eV
from nucleops.engines.lammps.keeper import Keeper
from nucleops.engines.lammps.keeping import with_cadence
from nucleops.engines.lammps.launch import run_lammps
from nucleops.engines.lammps.legs import Leg, forget, next_leg, spans
from nucleops.engines.lammps.outcome import outcome_of
from nucleops.engines.lammps.physics import physics_of
from nucleops.engines.lammps.positions import outputs_of
from nucleops.engines.lammps.program import bias_engine, find_lammps
from nucleops.engines.lammps.result import MdResult, versions_of
from nucleops.engines.lammps.settings import MdSettings, Trust
from nucleops.engines.lammps.watch import Progress, TrustWatch
from nucleops.errors import WrongInput
from nucleops.storage.manifest import physics_digest
from nucleops.systems.files import write_extxyz, write_lammps_data
from nucleops.systems.system import System

if TYPE_CHECKING:
    from nucleops.bias.enhanced import SharedHills
    from nucleops.bias.spec import Bias
    from nucleops.engines.lammps.biasing import AppliedBias


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
    keeping: Keeping | None = None,
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
        New or empty folder; becomes the result folder. One that an interrupted run of the same
        physics left is gone on with from its newest checkpoint (``settings.checkpoint_steps``);
        the length may be another. With ``keeping`` its content is removed first.
    seed : int
        Seed of velocities, thermostat and bias.
    bias : Bias or None
        Applied by PLUMED where LAMMPS has it, by Colvars otherwise.
    energy_floor_eV_atom : float or None
        Lowest labelled energy of this composition; what the models carry where None.
    progress : callable or None
        Called with (steps done, steps planned) when the run begins, about twice a second, and when
        it has ended.
    closest_A : mapping or None
        Closest labelled contact of each pair of elements, for the guard against collapse; what
        the models carry where None.
    cores : int
        MPI processes.
    shared : SharedHills or None
        Lay the hills of the bias into one bias with other walkers, which run beside this one.
    environment : mapping or None
        Variables to set for LAMMPS besides its own, such as the GPUs that it may see.
    keeping : Keeping or None
        A store that checkpoints go to, and from whose newest the run goes on.

    Returns
    -------
    MdResult
        Also written as ``md.json``.

    Raises
    ------
    WrongInput
        No model, a folder that holds something else, or a bias that does not fit the system.
    AtomsLost
        The run blew up before a single frame was written.
    ProgramFailed
        LAMMPS ended with any other error.
    MissingProgram, TimeLimit, OutOfMemory, Preempted
        From finding and running the program.
    """
    if not models:
        raise WrongInput("dynamics need at least one model, found none")
    if shared is not None or (bias is not None and bias.opes is not None):
        # what the other walkers or OPES have summed by a checkpoint is in no LAMMPS restart file
        settings, keeping = settings.model_copy(update={"checkpoint_steps": 0}), None
    metadynamics = None if bias is None else bias.metadynamics
    if keeping is not None:
        settings = with_cadence(settings, hills=metadynamics is not None)
    program = find_lammps()
    system = centred(system)
    covered = _covered(models)
    if energy_floor_eV_atom is None:
        energy_floor_eV_atom = covered.lowest_energy_eV_atom.get(composition(system.symbols))
    closest_A = covered.closest_A if closest_A is None else closest_A
    digests = [hashlib.sha256(Path(model).read_bytes()).hexdigest() for model in models]
    physics = physics_of(system, digests, settings, seed, bias, closest_A)
    engine = None if bias is None else bias_engine()
    pace = None if metadynamics is None else metadynamics.pace_steps
    outputs = outputs_of(settings, len(models), engine, pace)
    keeper = None
    if keeping is not None:
        keeper = Keeper(keeping, physics, versions_of(program))
        keeper.restore(out_dir)
    leg = next_leg(out_dir, physics_digest(physics), outputs)
    write_extxyz(system, out_dir / "topology.extxyz")
    write_lammps_data(system, out_dir / inputs.DATA_FILE)
    applied = _prepare_bias(bias, system, settings, out_dir, leg, shared)
    if keeper is not None:
        keeper.begin(out_dir, leg, outputs)
    names = [f"graph.{k:03d}{Path(model).suffix}" for k, model in enumerate(models)]
    start = None if leg.checkpoint is None else str(leg.checkpoint.relative_to(out_dir))
    text = inputs.lammps_input(system, names, settings, seed, engine, closest_A, start)
    (out_dir / "in.lammps").write_text(text, encoding="utf-8")
    first_eV = first_potential_eV(spans(out_dir))
    criteria = Criteria(
        trust, settings.temperature_K, system.n_atoms, energy_floor_eV_atom, first_eV
    )
    watch = TrustWatch(out_dir, settings, criteria, Geometry(system, trust), progress)
    program = dataclasses.replace(
        program, environment={**program.environment, **(environment or {})}
    )
    if progress is not None:  # at both ends, since a short run is over before its first look
        progress(leg.start_step, settings.steps)
    result = run_lammps(program, models, names, settings, out_dir, watch, cores, keeper)
    outcome = outcome_of(
        *(out_dir, system, settings, trust, energy_floor_eV_atom, result, engine),
        committee=len(models) > 1,
    )
    if progress is not None:
        progress(outcome.steps_run, settings.steps)
    if applied is not None:
        applied.collect(out_dir, settings)
    judgement, failure = outcome.judgement, outcome.judgement.failure
    done = MdResult(
        folder=out_dir,
        status="completed" if failure is None else "trust-ended",
        reason=judgement.reason,
        steps_planned=settings.steps,
        steps_run=outcome.steps_run,
        trusted_steps=outcome.steps_run if failure is None else judgement.trusted_steps,
        time_step_fs=settings.time_step_fs,
        temperature_K=settings.temperature_K,
        n_atoms=system.n_atoms,
        seed=seed,
        stride=settings.stride,
        wall_s=round(result.wall_s, 2),
        bias_engine=engine,
        left_out_of_bias=[] if applied is None else list(applied.left_out),
        versions=versions_of(program),
        models=digests,
        energy_floor_eV_atom=energy_floor_eV_atom,
        guard_A=inputs.guard_distances(closest_A) if settings.contact_guard_eV_A2 else {},
        biased_cvs=[] if applied is None else list(applied.biased_cvs),
        ended_by=None if failure is None else failure.kind,
        last_good_checkpoint=outcome.last_good_checkpoint,
        resumed_steps=[] if keeper is None else list(keeper.resumed),
        sharing_walkers=1 if shared is None else shared.walkers,
        cpu_s=round(result.cpu_s, 2),
    )
    done.write()
    forget(out_dir)
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


def _prepare_bias(
    bias: Bias | None,
    system: System,
    settings: MdSettings,
    out_dir: Path,
    leg: Leg,
    shared: SharedHills | None,
) -> AppliedBias | None:
    if bias is None:
        if shared is not None:
            raise WrongInput("walkers share the hills of a bias, and this run has none")
        return None
    from nucleops.engines.lammps.biasing import write_bias

    return write_bias(bias, system, settings, out_dir, bias_engine(), leg, shared)
