"""One LAMMPS run written in every format gives one COLVAR, and it is that of Colvars itself."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))
from test_bias_colvars_run import INPUT, run_lammps  # beside this file, which is not a package

from nucleoflow.cli.app import app
from nucleoflow.study.bias_use import used_bias
from nucleoflow.study.load import load_study
from nucleops.bias.convert import colvars_to_plumed
from nucleops.bias.series import ColvarTable, read_colvar
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.files import write_extxyz, write_lammps_data
from nucleops.systems.system import type_map

pytestmark = pytest.mark.integration

MINI = Path(__file__).parents[1] / "data" / "studies" / "mini.yaml"
STEPS, STRIDE, TIME_STEP_FS = 200, 10, 0.5
PERIODIC = "box: {shape: cube, edge_A: 11.0}\n    minimum_distance_A: 1.8"
BEND = (
    "bend: {side: lower, each: monomer, of: {kind: angle, sites: [{role: S1}, {role: M1},"
    " {role: N1, molecule: other}]}, at: 2.5}\n      SC:"
)
DUMPS = f"""\
dump wrapped all custom {STRIDE} wrapped.dump id type x y z
dump_modify wrapped format float %22.15e
dump scaled all custom/gz {STRIDE} scaled.dump.gz id type xs ys zs
dump_modify scaled format float %22.15e
dump timed all custom {STRIDE} timed.dump id element xu yu zu
dump_modify timed element ELEMENTS format float %22.15e units yes time yes
dump xyz all extxyz {STRIDE} lammps.xyz
dump_modify xyz sort id element ELEMENTS
dump dcd all dcd {STRIDE} md.dcd
dump_modify dcd sort id unwrap yes
dump xtc all xtc {STRIDE} md.xtc
dump_modify xtc sort id
dump fine all xtc {STRIDE} fine.xtc
dump_modify fine sort id precision 1000000
fix move all nve
"""
FORMATS = {
    # clock, and how far a variable may be off: by printed digits, single precision, XTC's 0.01 A
    "wrapped.dump": ("steps-of-0.5-fs", 1e-6),
    "scaled.dump.gz": ("steps-of-0.5-fs", 1e-6),
    "timed.dump": ("dump-units-metal", 1e-6),
    "lammps.xyz": ("steps-of-0.5-fs", 2e-4),
    "md.dcd": ("dcd-LAMMPS-ps", 1e-5),
    "fine.xtc": ("xtc-ps", 5e-5),
    "md.xtc": ("xtc-ps", 2e-2),
}


@dataclass(frozen=True)
class Made:
    """A biased run; what Colvars wrote of it."""

    folder: Path
    colvars: ColvarTable


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module", params=["cube", "droplet"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Run the mini study's metadynamics on free atoms, with the input that `bias` prints."""
    folder = tmp_path_factory.mktemp(request.param)
    text = MINI.read_text().replace("      SC:", f"      {BEND}", 1)
    if request.param == "cube":
        text = text.replace("box: {shape: droplet, radius_A: 5.5}", PERIODIC, 1)
    (folder / "study.yaml").write_text(text)
    used = used_bias(load_study(str(folder / "study.yaml")), "metad", None, None)
    system = used.topology
    assert system.periodic == (request.param == "cube")
    write_lammps_data(system, folder / "start.data")
    write_extxyz(system, folder / "topology.extxyz")
    colvars = call("bias", folder / "study.yaml", "metad", "--engine", "colvars")
    (folder / "bias.colvars").write_text(colvars)
    elements = type_map(system.metal)
    masses = "\n".join(f"mass {k} {MASS_G_MOL[s]}" for k, s in enumerate(elements, start=1))
    lines = INPUT.replace("fix move all nve\n", DUMPS.replace("ELEMENTS", " ".join(elements)))
    lines = lines.format(
        boundary="p p p", masses=masses, steps=STEPS, time_step=TIME_STEP_FS / 1000
    )
    (folder / "in.lammps").write_text(lines)
    run_lammps(folder)
    hills = folder / "cv.colvars.metad.hills.traj"
    path, _ = colvars_to_plumed(
        folder / "cv.colvars.traj", hills, used.resolved, folder, time_step_fs=TIME_STEP_FS
    )
    return Made(folder, read_colvar(path))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_what_colvars_wrote(made: Made, name: str) -> None:
    clock, within = FORMATS[name]
    out = made.folder / f"{name}.colvar"
    call("colvar", made.folder / "study.yaml", "metad", made.folder / name, "-o", out)
    table = read_colvar(out)
    assert table.constants["time_from"] == clock
    assert len(table) == STEPS // STRIDE + 1
    np.testing.assert_allclose(table.time_fs, made.colvars.time_fs, rtol=1e-9)
    for variable in ("cAgAg", "cAgN12", "cAgN21", "s1", "s2", "drift"):
        assert np.ptp(table[variable]) > 1e-3, f"{variable} does not move: nothing is shown"
        np.testing.assert_allclose(
            table[variable], made.colvars[variable], rtol=0, atol=within, err_msg=variable
        )
    if within > 1e-6:
        return
    felt = []
    for energy in ("reach", "AgS", "SC", "NH", "bend", "stay"):
        found = table[f"{energy}.bias"]
        felt += [energy] if found.max() > 0.1 else []
        np.testing.assert_allclose(made.colvars[f"{energy}.bias"], found, rtol=0, atol=1e-4)
    assert {"SC", "bend"} <= set(felt), f"only {felt} were felt"


def test_the_topology_may_come_from_a_file(made: Made) -> None:
    common = ("colvar", made.folder / "study.yaml", "metad", made.folder / "md.dcd")
    alone = call(*common)
    for name in ("topology.extxyz", "start.data"):
        assert call(*common, "--topology", made.folder / name) == alone
