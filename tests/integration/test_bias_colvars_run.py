"""Real LAMMPS with Colvars against numpy: values, wall and restraint energies, hills."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nucleops.bias.colvars import colvars_input
from nucleops.bias.colvars_metad import grid_of
from nucleops.bias.convert import colvars_to_plumed
from nucleops.bias.hills import HillsTable, hills_bias, read_hills
from nucleops.bias.presets import monomer_dimer
from nucleops.bias.resolve import resolve
from nucleops.bias.resolved import ResolvedBias
from nucleops.bias.series import ColvarTable, read_colvar
from nucleops.bias.spec import Bias
from nucleops.bias.values import evaluate
from nucleops.engines.lammps.program import find_lammps
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.files import write_lammps_data
from nucleops.systems.packing import build_system
from nucleops.systems.spec import Box, Content, SystemSpec
from nucleops.systems.system import System, type_map

pytestmark = pytest.mark.integration

TIME_STEP_FS = 0.5
TEMPERATURE_K = 300.0

# free atoms fly apart, so the walls and the restraint are felt; nothing but the bias acts
INPUT = """\
units metal
boundary {boundary}
atom_style atomic
atom_modify map yes
read_data start.data
{masses}
pair_style zero 6.0 nocoeff
pair_coeff * *
comm_modify cutoff 8.0
timestep {time_step}
velocity all create 300 4711
dump frames all custom 10 frames.dump id x y z xu yu zu
dump_modify frames sort id format float %22.15e
fix move all nve
fix cv all colvars bias.colvars output cv
run {steps}
"""


@dataclass(frozen=True)
class Run:
    resolved: ResolvedBias
    positions: np.ndarray
    colvar: ColvarTable
    hills: HillsTable | None
    folder: Path


def biased_run(bias: Bias, system: System, folder: Path, steps: int = 300) -> Run:
    resolved = resolve(bias, system)
    text = colvars_input(resolved, TEMPERATURE_K, 10).text
    (folder / "bias.colvars").write_text(text)
    write_lammps_data(system, folder / "start.data")
    masses = "\n".join(
        f"mass {k} {MASS_G_MOL[s]}" for k, s in enumerate(type_map(system.metal), start=1)
    )
    boundary = "p p p" if system.periodic else "s s s"
    (folder / "in.lammps").write_text(
        INPUT.format(boundary=boundary, masses=masses, steps=steps, time_step=TIME_STEP_FS / 1000)
    )
    run_lammps(folder)
    metad = bias.metadynamics is not None
    colvar, hills = colvars_to_plumed(
        folder / "cv.colvars.traj",
        folder / "cv.colvars.metad.hills.traj" if metad else None,
        resolved,
        folder,
        time_step_fs=TIME_STEP_FS,
    )
    positions = _dumped(folder / "frames.dump", system.n_atoms)
    return Run(resolved, positions, read_colvar(colvar), hills and read_hills(hills), folder)


def run_lammps(folder: Path) -> None:
    """Run in.lammps of a folder."""
    lammps = find_lammps()
    done = subprocess.run(
        [lammps.executable, "-in", "in.lammps", "-log", "log.lammps"],
        cwd=folder,
        env={**os.environ, **lammps.environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def _dumped(path: Path, n_atoms: int) -> np.ndarray:
    lines = path.read_text().splitlines()
    frames = [
        np.array([line.split()[1:4] for line in lines[start + 9 : start + 9 + n_atoms]], float)
        for start in range(0, len(lines), n_atoms + 9)
    ]
    return np.array(frames)


def two_monomers(shape: str, seed: int = 7) -> System:
    contents = (Content(motif="monomer", count=2), Content(motif="methanol", count=4))
    box = Box(shape="cube", edge_A=12.0) if shape == "cube" else Box(shape="droplet", radius_A=6.0)
    spec = SystemSpec(contents=contents, box=box, minimum_distance_A=1.8)
    return build_system("two-monomers", spec, "Ag", seed)


@pytest.fixture(scope="module", params=["droplet", "cube"])
def article(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    bias = monomer_dimer(
        pace_steps=20, left_out_by_colvars="leave out", sigma=(0.05, 0.05), grid_max=(3.1, 6.0)
    )
    folder = tmp_path_factory.mktemp(request.param)
    return biased_run(bias, two_monomers(request.param), folder)


def test_colvars_values_are_those_of_numpy(article: Run) -> None:
    values = evaluate(article.resolved, article.positions)
    for name in ("mm", "mn1", "mn2", "s1", "cn", "d"):
        assert np.ptp(values[name]) > 1e-3, f"{name} does not move: the test would prove nothing"
        np.testing.assert_allclose(article.colvar[name], values[name], rtol=0, atol=1e-6)


def test_wall_and_restraint_energies_are_those_of_numpy(article: Run) -> None:
    values = evaluate(article.resolved, article.positions)
    felt = []
    for name in ("near", "bond_ms", "bond_sc", "bond_nh", "bend", "stay"):
        energy = values[f"{name}.bias"]
        felt += [name] if energy.max() > 0.1 else []
        np.testing.assert_allclose(article.colvar[f"{name}.bias"], energy, rtol=0, atol=1e-4)
    assert {"bond_sc", "bend", "stay"} <= set(felt), f"only {felt} were felt"


def test_hills_are_converted(article: Run) -> None:
    hills = article.hills
    assert hills is not None
    np.testing.assert_allclose(hills.time_fs, np.arange(1, 16) * 20 * TIME_STEP_FS)
    assert hills.cvs == ("s1", "cn")
    assert hills.kernel == "gaussian"
    np.testing.assert_allclose(hills.sigmas, np.tile([0.05, 0.05], (15, 1)))
    at = np.searchsorted(article.colvar.time_fs, hills.time_fs)
    np.testing.assert_allclose(hills.centres[:, 0], article.colvar["s1"][at], atol=1e-9)
    # 0.0019872 kcal/mol/K; the bias on a grid of sigma/5 is a bin's middle, hence the tolerance
    before = hills_bias(hills, hills.centres, np.arange(len(hills)))
    expected = 3.0 * np.exp(-before / (0.0019872043 * TEMPERATURE_K * 24))
    np.testing.assert_allclose(hills.added, expected, rtol=0.03)
    assert hills.height[0] == pytest.approx(3.0 * 25 / 24, rel=1e-6)


def test_bias_excludes_the_hill_of_its_own_step_as_plumed_does(article: Run) -> None:
    hills, metad = article.hills, article.resolved.metadynamics
    assert hills is not None
    assert metad is not None
    counts = np.searchsorted(hills.time_fs, article.colvar.time_fs)  # hills before each row
    points = np.column_stack([article.colvar[name] for name in metad.cvs])
    # Colvars takes the bias in the middle of the bin
    grid = np.array(grid_of(metad, article.resolved))
    low, width = grid[:, 0], grid[:, 2]
    middle = low + (np.floor((points - low) / width) + 0.5) * width
    expected = hills_bias(hills, middle, counts)
    assert expected.max() > 3
    np.testing.assert_allclose(article.colvar["metad.bias"], expected, rtol=0, atol=1e-6)
    # PLUMED would interpolate instead: a tenth of sigma off the flank of each hill, at most
    exact = hills_bias(hills, points, counts)
    assert np.max(np.abs(exact - expected)) < 0.1 * expected.max()


OTHER_KINDS = {
    "points": {
        "middle": {"kind": "centre-of-mass", "of": {"motif": "monomer", "molecule": 1}},
    },
    "cvs": {
        "bend": {
            "kind": "angle",
            "sites": [{"motif": "monomer", "molecule": 1, "role": r} for r in ("M1", "S1", "C1")],
        },
        "twist": {
            "kind": "torsion",
            "sites": [
                {"motif": "monomer", "molecule": 1, "role": r} for r in ("M1", "S1", "C1", "N1")
            ],
        },
        "wet": {"kind": "coordination", "a": "middle", "b": {"element": "O"}, "r0_A": 3.0},
        "oo": {"kind": "coordination", "a": {"element": "O"}, "r0_A": 3.5, "n": 6, "m": 10},
    },
    "walls": {
        "kept": {"side": "lower", "of": "oo", "at": 3.0, "kappa_kcal_mol": 20},
        "open": {"side": "upper", "of": "bend", "at": 1.2, "kappa_kcal_mol": 30},
    },
    "restraints": {"flat": {"of": "twist", "at": 3.0, "kappa_kcal_mol": 5}},
    "metadynamics": {
        "cvs": ["twist", "bend"],
        "height_kcal_mol": 0.5,
        "sigma": [0.2, 0.1],
        "pace_steps": 20,
        "bias_factor": 8,
        "grid_min": [-3.14159265, 0.2],
        "grid_max": [3.14159265, 3.1],
    },
}


def test_angles_torsions_and_centres_of_mass_agree(tmp_path: Path) -> None:
    run = biased_run(Bias.model_validate(OTHER_KINDS), two_monomers("cube"), tmp_path)
    values = evaluate(run.resolved, run.positions)
    for name in ("bend", "twist", "wet", "oo"):
        np.testing.assert_allclose(run.colvar[name], values[name], rtol=0, atol=1e-6)
    for name in ("kept", "open", "flat"):
        assert values[f"{name}.bias"].max() > 0.1
        np.testing.assert_allclose(
            run.colvar[f"{name}.bias"], values[f"{name}.bias"], rtol=0, atol=1e-4
        )
    assert run.hills is not None
    assert run.hills.periods == (pytest.approx(2 * np.pi), None)
    assert run.colvar.constants == {"min_twist": "-pi", "max_twist": "pi"}
    np.testing.assert_allclose(run.hills.sigmas[0], [0.2, 0.1])
    at = np.searchsorted(run.colvar.time_fs, run.hills.time_fs)
    np.testing.assert_allclose(run.hills.centres[:, 1], run.colvar["bend"][at], atol=1e-9)
