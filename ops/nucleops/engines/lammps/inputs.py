"""LAMMPS input for NVT and NPT dynamics with a committee of DeePMD potentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.engines.lammps.program import BiasEngine
from nucleops.engines.lammps.settings import MdSettings, PressureSettings
from nucleops.errors import WrongInput
from nucleops.seeds import derive_seed
from nucleops.systems.system import FloatArray, System

DATA_FILE = "system.data"
DUMP_FILE = "trajectory.dump"
DEVIATION_FILE = "model_devi.out"
PLUMED_FILE = "bias.plumed.dat"
COLVARS_FILE = "bias.colvars"
COLVARS_PREFIX = "bias.out"
COLVARS_SERIES = f"{COLVARS_PREFIX}.colvars.traj"
CHECKPOINT = "checkpoint"
"""LAMMPS restart files are called so, followed by a dot and the step."""
STOP_FILE = "STOP"
"""Its appearance ends the dynamics at the next multiple of the stride."""
DYNAMICS_MARK = "nucleops: dynamics begins"
"""Printed before the dynamics, so that a reader of the log can tell it from a minimisation."""

_WALL_MARGIN_A = 1.0
_WALL_DEPTH_A = 8.0
_SKIN_A = 1.0
_GUARD_MARGIN_A = 0.02


@dataclass(frozen=True)
class DropletWall:
    """A soft spherical wall, E = k/2 (r - radius)^2 for r > radius.

    Attributes
    ----------
    centre : ndarray
        In angstrom, shape (3,).
    radius_A : float
        Where the wall begins.
    force_constant_eV_A2 : float
        k.
    """

    centre: FloatArray
    radius_A: float
    force_constant_eV_A2: float


def droplet_wall(system: System, settings: MdSettings) -> DropletWall | None:
    """Return the wall that keeps a droplet together; None for a periodic box or a constant of zero.

    Its centre is the mean position of the atoms at the start; it begins 1 A beyond the outermost.
    """
    if system.periodic or settings.droplet_wall_eV_A2 == 0:
        return None
    centre = system.positions.mean(axis=0)
    reach = float(np.linalg.norm(system.positions - centre, axis=1).max())
    return DropletWall(centre, reach + _WALL_MARGIN_A, settings.droplet_wall_eV_A2)


def lammps_input(
    system: System,
    models: Sequence[str],
    settings: MdSettings,
    seed: int,
    bias: BiasEngine | None = None,
    closest_A: Mapping[str, float] | None = None,
    checkpoint: str | None = None,
) -> str:
    """Compose ``in.lammps``.

    Parameters
    ----------
    system : System
        What is in :data:`DATA_FILE`.
    models : sequence of str
        Files of the committee; the dynamics follows the first.
    settings : MdSettings
        Temperature, thermostat, length, stride.
    seed : int
        Seed of velocities and thermostat, 1..900000000.
    bias : {'plumed', 'colvars'} or None
        Who applies the bias whose input lies in :data:`PLUMED_FILE` or :data:`COLVARS_FILE`.
    closest_A : mapping or None
        Closest labelled contact of each pair of elements (``H-O``), below which atoms repel one
        another with ``settings.contact_guard_eV_A2``; no such guard for pairs that are not named.

    Returns
    -------
    str
        The input. Trajectory, model deviation and thermodynamic output share one stride and
        start at step 0.
    """
    guard = _guard_lines(system, closest_A or {}, settings)
    minimise = settings.minimise_steps and checkpoint is None
    blocks = [
        _preamble(checkpoint),
        *_wall(droplet_wall(system, settings)),
        *([_minimisation(system, models[0], settings, guard)] if minimise else []),
        _pair_style(system, models, settings.stride, guard),
        _dynamics(system, settings, seed, checkpoint is None),
        *([_bias(bias, derive_seed(seed, "bias"))] if bias is not None else []),
        _output(settings),
    ]
    return "\n\n".join(blocks) + "\n"


def _preamble(checkpoint: str | None) -> str:
    read = f"read_data {DATA_FILE}" if checkpoint is None else f"read_restart {checkpoint}"
    return f"""units metal
boundary p p p
atom_style atomic
# Colvars needs the map; without sorting the order of summation, and so a run, is repeatable.
atom_modify map yes sort 0 0.0
{read}
neighbor {_SKIN_A:g} bin
neigh_modify every 1 delay 0 check yes"""


def guard_distances(closest_A: Mapping[str, float]) -> dict[str, float]:
    """Where the repulsion of each pair begins: just inside the closest labelled contact, so that
    it is exactly zero in every labelled frame and labels need no correction."""
    return {pair: distance - _GUARD_MARGIN_A for pair, distance in closest_A.items()}


def _guard_lines(system: System, closest_A: Mapping[str, float], settings: MdSettings) -> list[str]:
    if settings.contact_guard_eV_A2 == 0:
        return []
    types = {element: i for i, element in enumerate(system.type_map, start=1)}
    lines = []
    for pair, distance in sorted(guard_distances(closest_A).items()):
        elements = pair.split("-")
        if all(element in types for element in elements):
            i, j = sorted(types[element] for element in elements)
            constant = f"{settings.contact_guard_eV_A2:g}"
            lines.append(f"pair_coeff {i} {j} harmonic/cut {constant} {distance:.4f} # {pair}")
    return lines


def _pair_style(
    system: System, models: Sequence[str], stride: int | None, guard: Sequence[str]
) -> str:
    # The names are written out: `-var models a b` would hand over the first one only.
    deviation = f" out_freq {stride} out_file {DEVIATION_FILE}" if stride is not None else ""
    potential = f"deepmd {' '.join(models)}{deviation if len(models) > 1 else ''}"
    elements = " ".join(system.type_map)
    if not guard:
        return f"pair_style {potential}\npair_coeff * * {elements}"
    lines = [f"pair_style hybrid/overlay {potential} harmonic/cut"]
    return "\n".join([*lines, f"pair_coeff * * deepmd {elements}", *guard])


def _minimisation(system: System, model: str, settings: MdSettings, guard: Sequence[str]) -> str:
    # One model, so that no deviation rows of the minimisation get among those of the dynamics.
    return f"""{_pair_style(system, [model], None, guard)}
thermo {settings.minimise_steps}
min_style cg
min_modify dmax 0.05
minimize 0.0 0.05 {settings.minimise_steps} {4 * settings.minimise_steps}
reset_timestep 0"""


def _wall(wall: DropletWall | None) -> list[str]:
    """Keep atoms inside a sphere.

    ``wall/region harmonic`` is E = epsilon d^2 with d the depth below ``cutoff`` from the region's
    surface, hence half the force constant and a region that is larger by the cutoff.
    """
    if wall is None:
        return []
    x, y, z = wall.centre
    outer = wall.radius_A + _WALL_DEPTH_A
    half = 0.5 * wall.force_constant_eV_A2
    return [
        f"region droplet sphere {x:.6f} {y:.6f} {z:.6f} {outer:.6f} side in units box\n"
        f"fix wall all wall/region droplet harmonic {half:.8g} 1.0 {_WALL_DEPTH_A:g}"
    ]


def _dynamics(system: System, settings: MdSettings, seed: int, begin: bool) -> str:
    start = end = f"{settings.temperature_K:g}"
    drag = f"{settings.thermostat_time_fs / 1000:.10g}"
    noise = derive_seed(seed, "thermostat")
    barostat = _barostat(system, settings)
    free = f"nph {barostat}" if barostat else "nve"
    both = f"{'npt' if barostat else 'nvt'} temp {start} {end} {drag} {barostat}".rstrip()
    thermostat = {
        "nose-hoover": [f"fix move all {both}"],
        "csvr": [f"fix move all {free}", f"fix bath all temp/csvr {start} {end} {drag} {noise}"],
        "langevin": [f"fix move all {free}", f"fix bath all langevin {start} {end} {drag} {noise}"],
    }[settings.thermostat]
    droplet = not system.periodic
    # Where translation and rotation are taken out, six degrees of freedom hold no heat.
    still = ["fix still all momentum 100 linear 1 1 1 angular"] if droplet else []
    # Langevin's bath acts on each atom and asks no thermometer.
    thermometer = {"nose-hoover": "move", "csvr": "bath"}.get(settings.thermostat)
    if droplet and thermometer:
        still.append(f"fix_modify {thermometer} temp thermo_temp")
    lines = [
        f"timestep {settings.time_step_fs / 1000:.10g}",
        *(["compute_modify thermo_temp extra/dof 6"] if droplet else []),
        *([_velocities(start, seed, droplet)] if begin else []),
        *thermostat,
        *still,
    ]
    return "\n".join(lines)


def _barostat(system: System, settings: MdSettings) -> str:
    """Words for an isotropic barostat; none at constant volume."""
    if not isinstance(settings, PressureSettings):
        return ""
    if not system.periodic:
        raise WrongInput(
            f"{system.name} is a droplet in vacuum, which has no pressure; "
            f"found pressure_bar: {settings.pressure_bar:g}, allowed: none"
        )
    pressure = f"{settings.pressure_bar:g}"
    return f"iso {pressure} {pressure} {settings.barostat_time_fs / 1000:.10g}"


def _velocities(temperature: str, seed: int, droplet: bool) -> str:
    return (
        f"velocity all create {temperature} {seed} mom yes rot {'yes' if droplet else 'no'} "
        f"dist gaussian loop geom{' temp thermo_temp' if droplet else ''}"
    )


def _bias(engine: BiasEngine, seed: int) -> str:
    if engine == "plumed":
        return f"fix bias all plumed plumedfile {PLUMED_FILE} outfile plumed.log"
    return f"fix bias all colvars {COLVARS_FILE} output {COLVARS_PREFIX} seed {seed}"


def _output(settings: MdSettings) -> str:
    stride = settings.stride
    every = settings.checkpoint_steps
    checkpoints = f"restart {every} {CHECKPOINT}.*\n" if every else ""
    return f"""dump frames all custom {stride} {DUMP_FILE} id type x y z
dump_modify frames sort id format float %.8f flush yes
thermo {stride}
thermo_style custom step temp pe ke etotal
thermo_modify flush yes lost error format float %.10g
{checkpoints}# Ends the run in an orderly way, with whole files, when somebody creates the file.
variable stop equal is_file({STOP_FILE})
fix stop all halt {stride} v_stop > 0 error soft message no
print "{DYNAMICS_MARK}"
run {settings.steps} upto"""
