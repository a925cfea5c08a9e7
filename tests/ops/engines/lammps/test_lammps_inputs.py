"""The LAMMPS input says what the settings say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.lammps import program
from nucleops.engines.lammps.inputs import droplet_wall, lammps_input
from nucleops.engines.lammps.program import LammpsProgram, bias_engine, parse_help
from nucleops.engines.lammps.settings import MdSettings, PressureSettings
from nucleops.errors import MissingProgram, WrongInput
from nucleops.systems.system import System

MODELS = ["graph.000.pb", "graph.001.pb"]
CUBE = System("box", ("Ag", "H"), np.array([[1.0, 1, 1], [5.0, 5, 5]]), np.full(3, 10.0), True)
DROPLET = System(
    "drop", ("Ag", "H"), np.array([[9.0, 10, 10], [11.0, 10, 10]]), np.full(3, 20.0), False
)

HELP = """
Large-scale Atomic/Molecular Massively Parallel Simulator - 29 Aug 2024 - Update 1

Installed packages:

COLVARS KSPACE {more}
PLUGIN

List of individual style options included in this LAMMPS executable
"""


def text(system: System = CUBE, **settings: object) -> str:
    values = {"steps": 1000, "stride": 20, **settings}
    return lammps_input(system, MODELS, MdSettings.model_validate(values), 7)


def test_committee_is_written_out_in_order() -> None:
    line = "pair_style deepmd graph.000.pb graph.001.pb out_freq 20 out_file model_devi.out"
    assert line in text()
    assert "pair_coeff * * Ag S N C H O" in text()


def test_units_time_step_and_damping() -> None:
    lines = text(time_step_fs=0.25, temperature_K=330, thermostat_time_fs=50).splitlines()
    assert "units metal" in lines
    assert "timestep 0.00025" in lines
    assert "fix move all nvt temp 330 330 0.05" in lines
    assert "run 1000 upto" in lines
    assert "atom_modify map yes sort 0 0.0" in lines


@pytest.mark.parametrize(
    ("thermostat", "wanted"),
    [
        ("csvr", "fix bath all temp/csvr 300 300 0.1 "),
        ("langevin", "fix bath all langevin 300 300 0.1 "),
    ],
)
def test_other_thermostats_integrate_with_nve(thermostat: str, wanted: str) -> None:
    written = text(thermostat=thermostat)
    assert "fix move all nve" in written
    assert wanted in written


@pytest.mark.parametrize(
    ("thermostat", "wanted"),
    [
        ("nose-hoover", "fix move all npt temp 300 300 0.1 iso 250 250 0.5\n"),
        ("csvr", "fix move all nph iso 250 250 0.5\nfix bath all temp/csvr 300 300 0.1 "),
    ],
)
def test_the_volume_follows_a_pressure(thermostat: str, wanted: str) -> None:
    settings = PressureSettings(
        steps=10, pressure_bar=250, barostat_time_fs=500, thermostat=thermostat
    )
    assert wanted in lammps_input(CUBE, MODELS, settings, 7)
    with pytest.raises(WrongInput, match=r"drop is a droplet in vacuum.*found pressure_bar: 250"):
        lammps_input(DROPLET, MODELS, settings, 7)


def test_a_droplet_is_held_and_does_not_drift_or_spin() -> None:
    written = text(DROPLET)
    assert "rot yes" in written
    assert "fix still all momentum 100 linear 1 1 1 angular" in written
    assert written.index("extra/dof 6") < written.index("velocity all create")
    # E = k/2 d^2 beyond 1 + 1 A; LAMMPS' harmonic wall has no half, and its region lies 8 A out.
    assert "region droplet sphere 10.000000 10.000000 10.000000 10.000000 side in" in written
    assert "wall/region droplet harmonic 0.05 1.0 8" in written
    assert "wall/region" not in text(DROPLET, droplet_wall_eV_A2=0)
    assert "wall/region" not in text(CUBE)
    assert "momentum" not in text(CUBE)
    wall = droplet_wall(DROPLET, MdSettings(steps=1))
    assert wall is not None
    assert wall.radius_A == pytest.approx(2.0)


def test_minimisation_writes_no_deviations() -> None:
    written = text(minimise_steps=50)
    before, after = written.split("reset_timestep 0")
    assert "minimize" in before
    assert "out_file" not in before
    assert "out_file model_devi.out" in after
    assert "minimize" not in text()


def test_contacts_are_guarded_just_inside_the_closest_labelled() -> None:
    settings = MdSettings(steps=10)
    closest = {"H-O": 0.95, "Ag-H": 1.8, "Au-H": 2.0}
    written = lammps_input(CUBE, MODELS, settings, 7, closest_A=closest)
    assert "pair_style hybrid/overlay deepmd graph.000.pb graph.001.pb" in written
    assert "pair_coeff * * deepmd Ag S N C H O" in written
    assert "pair_coeff 5 6 harmonic/cut 50 0.9300" in written
    assert "pair_coeff 1 5 harmonic/cut 50 1.7800" in written
    assert "Au" not in written
    off = MdSettings(steps=10, contact_guard_eV_A2=0)
    assert "harmonic/cut" not in lammps_input(CUBE, MODELS, off, 7, closest_A=closest)


def test_each_bias_engine_reads_its_own_file() -> None:
    settings = MdSettings(steps=10)
    assert "fix bias" not in lammps_input(CUBE, MODELS, settings, 7)
    plumed = lammps_input(CUBE, MODELS, settings, 7, "plumed")
    assert "fix bias all plumed plumedfile bias.plumed.dat" in plumed
    colvars = lammps_input(CUBE, MODELS, settings, 7, "colvars")
    assert "fix bias all colvars bias.colvars output bias.out" in colvars


def test_help_text_is_understood() -> None:
    version, packages = parse_help(HELP.format(more="PLUMED"))
    assert version == "29 Aug 2024 - Update 1"
    assert packages == {"COLVARS", "KSPACE", "PLUMED", "PLUGIN"}


@pytest.mark.parametrize(("more", "engine"), [("PLUMED", "plumed"), ("", "colvars")])
def test_plumed_is_chosen_where_lammps_has_it(
    monkeypatch: pytest.MonkeyPatch, more: str, engine: str
) -> None:
    found = LammpsProgram("lmp", {}, *parse_help(HELP.format(more=more)))
    monkeypatch.setattr(program, "find_lammps", lambda: found)
    assert bias_engine() == engine


def test_without_any_bias_engine_the_advice_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program, "find_lammps", lambda: LammpsProgram("lmp"))
    with pytest.raises(MissingProgram, match="neither PLUMED nor Colvars"):
        bias_engine()


@pytest.mark.parametrize("plugin", ["libdeepmd_lmpplugin.so", "dpplugin.so"])
def test_the_plugin_of_wheel_and_of_conda_is_known(tmp_path: Path, plugin: str) -> None:
    """``lmp -h`` does not show what plugins bring, so their files tell."""
    shown = HELP.format(more="")
    assert not program._knows_deepmd(shown, {"LAMMPS_PLUGIN_PATH": str(tmp_path)})
    (tmp_path / plugin).touch()
    assert program._knows_deepmd(shown, {"LAMMPS_PLUGIN_PATH": f"/nowhere:{tmp_path}"})
