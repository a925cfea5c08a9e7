"""A study of another metal and molecules of its own, from their files to a biased run."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleoflow.study.load import load_study
from nucleoflow.study.molecules import self_contained
from nucleops.bias.tables import read_colvar
from nucleops.systems.files import read_extxyz

pytestmark = pytest.mark.integration

GOLD = Path(__file__).parents[1] / "data" / "studies" / "gold"
TYPES = ["Au", "S", "N", "C", "H", "O", "P"]


def small(text: str) -> str:
    """The study of the documentation, as short as it gets."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    study: dict[str, Any] = yaml.load(text)
    learn = study["learn"]
    study["trust"] = learn["exploration_trust"] = {
        "force_deviation_eV_A": 50.0,
        "temperature_factor": 50.0,
        "energy_margin_eV_atom": 50.0,
        "energy_rise_eV_atom": 50.0,
        "bond_stretch": 1e3,
        "closest_contact_A": 0.01,
    }
    for run in learn["initial_data"]:
        run.update(temperatures_K=[400], steps=24, stride=4, skip_steps=0)
    for name in ("first", "again", "last"):
        learn["train"][name] = {"steps": 100}
    learn["train"]["descriptor"].update(neuron=[4, 8], axis_neuron=4)
    learn["train"]["fitting"] = {"neuron": [16, 16]}
    short = {"temperatures_K": [300], "md": {"steps": 20, "stride": 4}}
    learn["exploration"] = [
        {"system": "solvent", **short},
        {"system": "pair", "bias": "aurophilic", **short},
    ]
    learn["selection"] = {
        "force_deviation_low_eV_A": 1.0e-3,
        "force_deviation_high_eV_A": 30.0,
        "max_labels": 4,
    }
    learn["label"] = {"frames_per_task": 2, "largest_force_eV_A": 100.0, "allowed_loss": 1.0}
    learn["max_rounds"] = 1
    study["metad"]["aurophilic"]["md"] = {"steps": 200, "stride": 10}
    study["unbiased"]["ring"]["md"] = {"steps": 50, "stride": 5}
    out = io.StringIO()
    yaml.dump(study, out)
    return out.getvalue()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the study from a folder that is gone before the run ends."""
    folder = tmp_path_factory.mktemp("gold")
    text = (GOLD / "gold.yaml").read_text()
    (folder / "study.yaml").write_text(small(text))
    for file in GOLD.glob("*.extxyz"):
        shutil.copy(file, folder)
    runs = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-m", "nucleoflow.cli.app", "run", str(folder / "study.yaml")]
    done = subprocess.run(
        [*command, "--plain", "--runs", str(runs)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    (found,) = runs.iterdir()
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(folder)
    return found


def test_the_runs_copy_of_the_study_stands_alone(run: Path) -> None:
    copied = load_study(str(run / "study.yaml"))
    given = load_study(str(GOLD / "gold.yaml"))
    assert copied.molecules == given.molecules
    asked = json.loads((run / "run.json").read_text())
    assert asked["digest"] == copied.digest


def made(run: Path, name: str) -> list[Path]:
    """Every file of a name that a step wrote."""
    return [path for path in (run / "dflow").rglob(name) if "workdir" in path.parts]


def test_every_data_set_model_and_run_has_the_studys_elements(run: Path) -> None:
    maps = made(run, "type_map.raw")
    assert maps
    assert {tuple(path.read_text().split()) for path in maps} == {tuple(TYPES)}
    scripts = [json.loads(path.read_text()) for path in made(run, "input.json")]
    assert {tuple(script["model"]["type_map"]) for script in scripts} == {tuple(TYPES)}
    inputs = {path: path.read_text() for path in made(run, "in.lammps")}
    assert any("run-lmp" in str(path) for path in inputs)
    for text in inputs.values():
        assert f"pair_coeff * * deepmd {' '.join(TYPES)}" in text


def test_the_biased_run_follows_the_molecules(run: Path) -> None:
    folder = run / "results" / "metad-aurophilic" / "walker-000"
    table = read_colvar(folder / "COLVAR")
    assert {"contact", "cross", "gap", "wet"} <= set(table.names)
    start = read_extxyz(folder / "topology.extxyz")
    first, second = start.of_element("Au")
    gap = float(np.linalg.norm(start.positions[first] - start.positions[second]))
    assert table["gap"][0] == pytest.approx(gap, abs=1e-4)
    plain = (1 - (gap / 4.5) ** 6) / (1 - (gap / 4.5) ** 12)
    assert table["contact"][0] == pytest.approx(plain, abs=1e-4)


def test_the_report_shows_the_study_with_its_molecules(run: Path) -> None:
    report = (run / "results" / "report" / "report.html").read_text()
    assert "gold-phosphine" in report
    assert '"P"' in report  # in the structures' elements


def test_the_files_are_written_into_the_text() -> None:
    text = (GOLD / "gold.yaml").read_text()
    study = load_study(str(GOLD / "gold.yaml"))
    assert "file:" not in self_contained(text, study)
