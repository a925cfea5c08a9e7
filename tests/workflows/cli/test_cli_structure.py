"""``nucleoflow structure`` and ``nucleoflow charges`` on files that a study did not make."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import synthetic
from nucleoflow.cli.app import app
from nucleops.systems.files import frames_of, write_extxyz, write_trajectory


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A trajectory of an octahedron in a periodic box of methanol, its topology, and ranges."""
    folder = tmp_path_factory.mktemp("foreign")
    system = synthetic.solvated("cluster", ["octahedron"], [np.zeros(3)], 20, 15.0)
    x = synthetic.jiggle(system, 60, 0.04, 3)
    made = [folder / name for name in ("run.extxyz", "topology.extxyz", "crystal.yaml")]
    write_trajectory(frames_of(system, x % 15.0), made[0])
    write_extxyz(system, made[1])
    made[2].write_text(
        "Ag-Ag: [{label: found, low: 2.9, high: 3.2}]\n"
        "Ag-S: [{label: short, low: 2.3, high: 2.3}]\n"
    )
    return [str(path) for path in made]


def test_structure_of_a_foreign_trajectory(files: list[str], tmp_path: Path) -> None:
    run, topology, crystal = files
    out = tmp_path / "out"
    words = ["structure", run, "--topology", topology, "--crystal-ranges", crystal]
    done = CliRunner().invoke(app, [*words, "--rdf", "Ag-S", "--rdf", "Ag-O", "-o", str(out)])
    assert done.exit_code == 0, done.output
    summary = json.loads((out / "summary.json").read_text())
    inside, above = summary["references"]
    assert inside["outside"] == 0
    assert above["outside"] == pytest.approx(0.24, abs=0.05)
    assert "2.9–3.2 Å: inside (found)" in done.output
    assert summary["radial"]["Ag-S"]["coordination"] == pytest.approx(2, abs=0.01)
    for name in ("distances", "angles", "radial", "series", "references"):
        assert (out / f"{name}.csv").stat().st_size > 100
        assert (out / f"{name}.parquet").is_file()
    figures = {p.stem for p in (out / "figures").glob("*.svg")}
    assert figures == {"structure_densities", "structure_series", "structure_radial"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--rdf", "Ag-Xx"], "Ag-Xx: there is no such pair"),
        (["--rdf", "silver"], "--rdf: pairs.0"),
        (["--crystal-ranges", "{topology}"], "topology.extxyz"),
        (["--crystal-ranges", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["--study", "nowhere.yaml"], "no shipped study"),
        (["-o", "{there}"], "is there already"),
    ],
)
def test_what_is_wrong_is_said(
    files: list[str], tmp_path: Path, change: list[str], words: str
) -> None:
    asked = [word.format(there=tmp_path, topology=files[1]) for word in change]
    if "-o" not in asked:
        asked += ["-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["structure", files[0], "--topology", files[1], *asked])
    assert done.exit_code == 2, done.output
    assert words in " ".join(done.output.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ([], 2, "no structure was named"),
        (["nowhere.extxyz"], 2, "nowhere.extxyz"),
        (["--motif", "dimer", "--ddec6"], 2, "ddec6 needs an electron density"),
        (["--motif", "dimer", "--ddec6", "--level", "pbe-d3"], 1, "atomic_densities"),
        (["--motif", "dimer", "--cubes"], 2, "keep_cubes needs an electron density"),
    ],
)
def test_charges_that_cannot_be_had_are_refused_at_once(
    asked: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DDEC6_ATOMIC_DENSITIES_DIR", raising=False)
    done = CliRunner().invoke(app, ["charges", *asked, "-o", "out"])
    assert done.exit_code == code, done.output
    assert words in " ".join(done.output.split())
    assert not (tmp_path / "out").exists()
