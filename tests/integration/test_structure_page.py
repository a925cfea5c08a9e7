"""The page about structure and charges: its commands run, its tables are those that come out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from typer.main import get_command
from typer.testing import CliRunner

import synthetic
from nucleoflow.cli.app import app
from nucleops.analysis.stages.files import read_csv, read_json
from nucleops.population.settings import ChargeSettings
from nucleops.reporting.settings import ReportSettings
from nucleops.systems.files import frames_of, write_extxyz, write_trajectory

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "structure-and-charges.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


COMMANDS = [shlex.split(line)[1:] for block in blocks("shell") for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the page names: an octahedron in methanol, and crystal ranges."""
    made = tmp_path_factory.mktemp("reader")
    system = synthetic.solvated("cluster", ["octahedron"], [np.zeros(3)], 20, 15.0)
    write_extxyz(system, made / "topology.extxyz")
    write_trajectory(
        frames_of(system, synthetic.jiggle(system, 60, 0.05, 2) % 15.0), made / "md.extxyz"
    )
    (made / "crystal.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    return made


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[-1])
def test_every_command_runs(
    words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    out = folder / words[-1]
    named = set(re.findall(r"`([a-z_]+\.csv)`", PAGE))
    assert {p.name for p in out.glob("*.csv")} <= named
    assert all(f"`{p.stem}`" in PAGE for p in out.glob("figures/structure*.svg"))
    if words[0] == "charges":
        shown = [line.split() for line in blocks("text")[0].splitlines()]
        assert [line.split() for line in done.output.splitlines()[: len(shown)]] == shown
        rows = {(r["element"], r["state"]): r for r in read_json(out / "summary.json")["rows"]}
        fall, *others = (
            abs(rows[e, "octahedron"]["mean_e"] - rows[e, "monomer"]["mean_e"])
            for e in ("Ag", "S", "N")
        )
        assert max(others) < 0.5 * fall
        assert "falls by 0.121 e from monomer to octahedron" in done.output
    elif words[-1] == "structure":
        roles = set(read_csv(out / "angles.csv")["role"])
        assert roles == {"", "own ligand", "other ligands"}
        assert all(f"`{role}`" in PAGE for role in roles - {""})


def test_every_option_and_setting_exists() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    known = {
        name
        for command in ("structure", "charges", "run")
        for parameter in commands[command].params
        for name in parameter.opts
    }
    assert set(re.findall(r"(?<![\w-])--[a-zA-Z][\w-]*", PAGE)) <= known
    crystal, study = (YAML(typ="safe").load(block) for block in blocks("yaml"))
    ReportSettings(crystal_ranges=crystal)
    ChargeSettings.model_validate(study["charges"])
