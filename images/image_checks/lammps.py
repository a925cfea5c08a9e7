"""LAMMPS: that it knows DeePMD, PLUMED and Colvars, and runs the bias that the studies write."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np

from nucleops.engines.lammps.program import LammpsProgram, find_lammps
from nucleops.engines.runner import run
from nucleops.errors import MissingProgram

NEEDED = ("COLVARS", "PLUGIN", "PLUMED")
"""LAMMPS packages that the studies use."""

ACTIONS = {
    "COORDINATIONNUMBER": "symfunc (2.10) or multicolvar (2.9)",
    "METAD": "bias",
    "OPES_METAD": "opes",
    "OPES_METAD_EXPLORE": "opes",
}
"""PLUMED actions that the studies use beyond the basic ones, and the module that has each."""

_INPUT = """\
units metal
atom_style atomic
atom_modify map yes sort 0 0.0
boundary f f f
region all block 0 20 0 20 0 20
create_box 1 all
create_atoms 1 single 8.0 10 10
create_atoms 1 single 10.9 10 10
create_atoms 1 single 9.5 12.5 10
mass 1 107.87
pair_style lj/cut 8.0
pair_coeff * * 0.3 2.6
velocity all create 50 1
fix move all nve
fix bias all plumed plumedfile bias.plumed.dat outfile plumed.log
timestep 0.001
run 20
"""
_BIAS = """\
UNITS LENGTH=A ENERGY=kcal/mol TIME=fs
d: DISTANCE ATOMS=1,2
n: COORDINATIONNUMBER SPECIESA=1-2 SPECIESB=3 R_0=3.0 NN=6 MM=12 MEAN
cn: COMBINE ARG=n.mean PERIODIC=NO
METAD ARG=d HEIGHT=0.01 SIGMA=0.1 PACE=5 BIASFACTOR=10 TEMP=300 GRID_MIN=0 GRID_MAX=15 FILE=HILLS
OPES_METAD ARG=cn BARRIER=1 SIGMA=0.05 PACE=5 TEMP=300 FILE=KERNELS
OPES_METAD_EXPLORE ARG=d BARRIER=1 SIGMA=0.1 PACE=5 TEMP=300 FILE=KERNELS_EXPLORE
PRINT ARG=d,cn STRIDE=5 FILE=COLVAR
"""


def starts() -> str:
    """Find a LAMMPS with what the studies use, ``pair_style deepmd`` among it.

    Raises
    ------
    MissingProgram
        Naming what it lacks.
    """
    lammps = find_lammps()
    lacks = [package for package in NEEDED if package not in lammps.packages]
    if lacks:
        raise MissingProgram(f"{lammps.executable} was built without {', '.join(lacks)}")
    if "deepmd" not in _pair_styles(lammps):
        raise MissingProgram(
            f"{lammps.executable} does not load the plugin with pair_style deepmd",
            advice="look at LAMMPS_PLUGIN_PATH; the variant `cuda` needs NVIDIA's driver here",
        )
    return f"LAMMPS {lammps.version} with {', '.join(NEEDED)} and pair_style deepmd"


def runs_biased_dynamics() -> str:
    """Run three atoms under metadynamics and OPES on the kinds of variables that studies use.

    Raises
    ------
    ProgramFailed
        If LAMMPS or PLUMED refuses: a module is missing, or PLUMED's kernel does not fit.
    MissingProgram
        If PLUMED left no COLVAR.
    """
    lammps = find_lammps()
    Path("in.lammps").write_text(_INPUT, encoding="utf-8")
    Path("bias.plumed.dat").write_text(_BIAS, encoding="utf-8")
    modules = "; ".join(f"{action} is in {module}" for action, module in ACTIONS.items())
    run(
        [lammps.executable, "-in", "in.lammps", "-log", "log.lammps"],
        Path(),
        Path("lammps.out"),
        threads=1,
        env=lammps.environment,
    ).check(advice=f"PLUMED needs every module: {modules}")
    if not Path("COLVAR").is_file():
        raise MissingProgram("PLUMED left no COLVAR", log=Path("plumed.log"))
    rows = np.loadtxt("COLVAR", ndmin=2)
    kernels = sum(1 for line in Path("KERNELS").read_text().splitlines() if line[:1] != "#")
    return f"{len(rows)} rows of COLVAR, {kernels} OPES kernels, {_plumed_version()}"


def _pair_styles(lammps: LammpsProgram) -> set[str]:
    # `lmp -h` lists what is compiled in; plugins show in the running program only
    done = subprocess.run(
        [lammps.executable, "-log", "none", "-echo", "none"],
        input="info styles pair\n",
        env={**os.environ, **lammps.environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return set(done.stdout.split())


def _plumed_version() -> str:
    for line in Path("plumed.log").read_text(encoding="utf-8").splitlines():
        if "Version:" in line:
            return "PLUMED " + line.split("Version:")[1].split("(")[0].strip()
    return "PLUMED of unknown version"
