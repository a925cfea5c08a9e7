"""Real dynamics with a real committee: trusted, ended early, biased."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kept_runs import LENIENT

from nucleops.bias.series import read_colvar, read_hills
from nucleops.bias.spec import Bias
from nucleops.engines.lammps.md import run_md
from nucleops.engines.lammps.program import find_lammps, has_colvars, has_plumed
from nucleops.engines.lammps.readers import read_dump, read_model_deviation
from nucleops.engines.lammps.settings import MdSettings, PressureSettings, Trust
from nucleops.errors import ProgramFailed, WrongInput
from nucleops.systems.files import read_extxyz
from nucleops.systems.system import System

pytestmark = pytest.mark.integration

BIAS = Bias.model_validate(
    {
        "cvs": {"d": {"kind": "distance", "sites": [{"index": 1}, {"index": 2}]}},
        "walls": {"far": {"side": "upper", "of": "d", "at": 4.0, "kappa_kcal_mol": 50}},
        "metadynamics": {
            "cvs": ["d"],
            "height_kcal_mol": 0.5,
            "sigma": [0.1],
            "pace_steps": 20,
            "bias_factor": 10,
            "grid_min": [1.0],
            "grid_max": [8.0],
        },
    }
)


def test_this_lammps_knows_what_it_has() -> None:
    assert has_colvars() or has_plumed()
    assert find_lammps().version != "unknown"


@pytest.mark.parametrize("thermostat", ["nose-hoover", "csvr"])
def test_a_run_leaves_a_complete_folder(
    committee: Any, droplet: System, tmp_path: Path, thermostat: str
) -> None:
    out = tmp_path / "md"
    settings = MdSettings(steps=100, stride=20, thermostat=thermostat)
    seen: list[int] = []
    result = run_md(
        droplet,
        committee.models,
        settings,
        LENIENT,
        out,
        seed=5,
        progress=lambda done, total: seen.append(total),
    )
    assert (result.status, result.reason) == ("completed", None)
    assert result.steps_run == result.trusted_steps == 100
    steps = read_dump(out / "trajectory.dump").steps.tolist()
    assert steps == read_model_deviation(out / "model_devi.out").steps.tolist()
    assert steps == [0, 20, 40, 60, 80, 100]
    assert result.energy_floor_eV_atom is not None
    assert "H-H" in result.guard_A
    assert json.loads((out / "md.json").read_text())["versions"]["lammps"]
    first = (out / "thermo.csv").read_text().splitlines()[1].split(",")
    assert float(first[2]) == pytest.approx(300.0, abs=0.1)
    assert read_extxyz(out / "final.extxyz").symbols == droplet.symbols
    assert not [path for path in out.iterdir() if path.is_symlink()]


def test_the_same_seed_gives_the_same_run(committee: Any, droplet: System, tmp_path: Path) -> None:
    settings = MdSettings(steps=40, stride=20)
    ends = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        run_md(droplet, committee.models, settings, LENIENT, tmp_path / name, seed)
        ends.append(read_dump(tmp_path / name / "trajectory.dump").positions[-1])
    np.testing.assert_array_equal(ends[0], ends[1])
    assert np.abs(ends[0] - ends[2]).max() > 1e-3


def test_two_cores_make_one_run(committee: Any, droplet: System, tmp_path: Path) -> None:
    settings = MdSettings(steps=40, stride=20)
    frames = []
    for cores in (1, 2):
        out = tmp_path / str(cores)
        run_md(droplet, committee.models, settings, LENIENT, out, 5, cores=cores)
        frames.append(read_dump(out / "trajectory.dump").positions)
    np.testing.assert_allclose(frames[0], frames[1], atol=1e-4)


def test_a_droplet_does_not_drift(committee: Any, droplet: System, tmp_path: Path) -> None:
    settings = MdSettings(steps=200, stride=20)
    run_md(droplet, committee.models, settings, LENIENT, tmp_path / "md", 5)
    from nucleops.systems.elements import MASS_G_MOL

    masses = np.array([MASS_G_MOL[s] for s in droplet.symbols])
    frames = read_dump(tmp_path / "md" / "trajectory.dump").positions
    centres = np.einsum("i,fix->fx", masses, frames) / masses.sum()
    # the wall may push a little; a centre with thermal velocity would go 0.08 A
    assert np.abs(centres - centres[0]).max() < 0.01


def test_a_run_ends_where_trust_ends(committee: Any, droplet: System, tmp_path: Path) -> None:
    out = tmp_path / "md"
    settings = MdSettings(steps=2_000_000, stride=20)
    trust = Trust(**{**LENIENT.model_dump(), "force_deviation_eV_A": 1e-4})
    result = run_md(droplet, committee.models, settings, trust, out, 5, bias=BIAS)
    assert result.status == "trust-ended"
    assert "forces deviate" in str(result.reason)
    assert result.trusted_steps == 0
    assert result.steps_run < 20_000
    # The run was asked to stop, not killed: the bias' files are whole.
    assert read_colvar(out / "COLVAR").columns["time"][-1] == result.steps_run * 0.5
    assert not (out / "STOP").exists()


def test_an_energy_floor_ends_trust(committee: Any, droplet: System, tmp_path: Path) -> None:
    settings = MdSettings(steps=40, stride=20)
    trust = Trust(**{**LENIENT.model_dump(), "energy_margin_eV_atom": 0.1})
    out = tmp_path / "md"
    result = run_md(droplet, committee.models, settings, trust, out, 5, energy_floor_eV_atom=0.0)
    assert "below what was ever labelled" in str(result.reason)


def test_metadynamics_leaves_plumed_files(committee: Any, droplet: System, tmp_path: Path) -> None:
    out = tmp_path / "md"
    settings = MdSettings(steps=200, stride=20, minimise_steps=5)
    result = run_md(droplet, committee.models, settings, LENIENT, out, 5, bias=BIAS)
    assert result.bias_engine == ("plumed" if has_plumed() else "colvars")
    assert (out / "bias.plumed.dat").is_file()
    colvar = read_colvar(out / "COLVAR")
    dump = read_dump(out / "trajectory.dump")
    np.testing.assert_allclose(colvar.columns["time"], dump.steps * 0.5)
    distances = np.linalg.norm(dump.positions[:, 0] - dump.positions[:, 1], axis=1)
    np.testing.assert_allclose(colvar.columns["d"], distances, atol=1e-5)
    hills = read_hills(out / "HILLS")
    assert len(hills.time_fs) >= 9
    assert hills.sigmas[0, 0] == pytest.approx(0.1)


def test_atoms_on_top_of_one_another_are_judged_not_crashed_on(
    committee: Any, droplet: System, tmp_path: Path
) -> None:
    positions = droplet.positions.copy()
    positions[20] = positions[21] + [0.05, 0, 0]
    start = droplet.with_positions(positions)
    settings = MdSettings(steps=100, stride=20)
    result = run_md(start, committee.models, settings, Trust(), tmp_path / "md", 5)
    assert result.status == "trust-ended"
    assert result.trusted_steps == 0


def test_a_box_gives_way_to_a_pressure(committee: Any, droplet: System, tmp_path: Path) -> None:
    box = dataclasses.replace(droplet, periodic=True, cell=np.full(3, 16.0))
    box = box.with_positions(np.mod(droplet.positions, 16.0))
    volumes = []
    for bar in (-20000.0, 20000.0):
        settings = PressureSettings(steps=40, stride=20, pressure_bar=bar, barostat_time_fs=400)
        out = tmp_path / f"{bar:g}"
        run_md(box, committee.models, settings, LENIENT, out, seed=5)
        cells = read_dump(out / "trajectory.dump").cells
        assert cells[0] == pytest.approx(16.0)
        assert np.ptp(cells[-1]) < 1e-6  # the shape stays
        volumes.append(cells[-1].prod())
    assert volumes[0] > volumes[1]


def test_a_box_that_bursts_ends_the_run(committee: Any, droplet: System, tmp_path: Path) -> None:
    box = dataclasses.replace(droplet, periodic=True, cell=np.full(3, 16.0))
    box = box.with_positions(np.mod(droplet.positions, 16.0))
    settings = PressureSettings(steps=200, stride=5, pressure_bar=-50000.0, barostat_time_fs=20)
    result = run_md(box, committee.models, settings, LENIENT, tmp_path / "md", seed=5)
    assert result.ended_by in ("volume runaway", "lost atoms")
    assert result.trusted_steps < 200


def test_wrong_use_is_refused(committee: Any, droplet: System, tmp_path: Path) -> None:
    settings = MdSettings(steps=10)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old").touch()
    with pytest.raises(WrongInput, match="not empty"):
        run_md(droplet, committee.models, settings, Trust(), tmp_path / "full", 5)
    with pytest.raises(WrongInput, match="at least one model"):
        run_md(droplet, [], settings, Trust(), tmp_path / "md", 5)
    broken = tmp_path / "broken.pb"
    broken.write_bytes(b"not a graph")
    with pytest.raises(ProgramFailed):
        run_md(droplet, [broken, broken], settings, Trust(), tmp_path / "md2", 5)
