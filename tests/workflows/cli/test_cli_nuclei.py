"""``nucleoflow nuclei`` on trajectories that a study did not make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import scripted
from nucleoflow.cli.app import app
from nucleops.systems.files import write_extxyz, write_trajectory


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Topology and two replicas: in the first a nucleus forms, in the second none does."""
    folder = tmp_path_factory.mktemp("foreign")
    forms = scripted.Plot((25, 25, 25), dried=15, met=25, reorganised=40)
    never = scripted.Plot((25, 25, 25), dried=None, met=None, reorganised=None)
    made = [folder / "topology.extxyz"]
    for k, plot in enumerate((forms, never)):
        run = scripted.play([plot], bystanders=2, noise_A=0.05, n_frames=60, seed=k)
        made.append(folder / f"run-{k}.extxyz")
        write_trajectory((run.topology.with_positions(x) for x in run.positions), made[-1])
        if k == 0:
            write_extxyz(run.topology, made[0])
    return made


def test_replicas_are_analysed_and_pooled(files: list[Path], tmp_path: Path) -> None:
    topology, *runs = map(str, files)
    out = tmp_path / "out"
    result = CliRunner().invoke(
        app, ["nuclei", *runs, "--topology", topology, "--frame-ps", "2", "-o", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert "perfect octahedron" in result.output
    summary = json.loads((out / "summary.json").read_text())
    first, second = summary["replicas"]
    assert first["first_nucleus_ps"] == 50.0
    assert second["first_nucleus_ps"] is None
    (curve,) = summary["pooled"]["survival"]
    assert (curve["events"], curve["replicas"]) == (1, 2)
    assert (out / "replica-000/movie.gif").read_bytes()[:6] == b"GIF89a"
    assert (out / "replica-000/nucleus-1.extxyz").is_file()
    assert {p.stem for p in (out / "figures").glob("*.svg")} == {
        "nucleation_series",
        "nucleation_pool",
        "nucleation_statistics",
        "nucleation_steps",
    }
    assert not [p for p in tmp_path.iterdir() if p != out]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--study", "nowhere.yaml"], "no shipped study"),
        (["-o", "{there}"], "is there already"),
        (["--start", "900"], "no whole frame"),
    ],
)
def test_what_is_wrong_is_said(
    files: list[Path], tmp_path: Path, change: list[str], words: str
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    asked = [word.format(there=there) for word in change]
    if "-o" not in asked:
        asked += ["-o", str(tmp_path / "out")]
    command = ["nuclei", str(files[1]), "--topology", str(files[0]), *asked]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
    assert not (tmp_path / "out").exists()
