"""The page about reuse: its commands, sections and snippets are right."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nucleoflow.cli.app import app
from nucleops.dpgen2 import register
from nucleops.learning.collection import merging
from nucleops.learning.collection.export import FEW_FRAMES, MANY_SYSTEMS
from nucleops.learning.collection.files import write_collection
from nucleops.learning.collection.foreign import Stated, merge, read_any

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reuse.md").read_text(encoding="utf-8")
DATA = ROOT / "tests" / "data" / "deepmd"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the reader is: a run that has learned, and somebody else's data."""
    run = tmp_path / "nucleoflow-runs" / "quickstart-20260101-000000"
    (run / "results").mkdir(parents=True)
    (run / "run.json").write_text("{}")
    said = {"level": "GFN1-xTB", "program": "CP2K 2023.1"}
    parts = [
        read_any(DATA / name, Stated(round_name=round_name, **said))
        for name, round_name in (("dimer", "initial"), ("mono", "iter-000000"))
    ]
    write_collection(merge(parts), run / "results" / "data")
    shutil.copytree(DATA / "dimer", tmp_path / "theirs" / "dimer")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_runs_in_order(folder: Path) -> None:
    lines = [line for block in blocks("shell") for line in block.splitlines()]
    assert len(lines) == 5
    said = []
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "nucleoflow"
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        said.append(done.output)
    assert json.loads(said[1])["n_frames"] == 36
    assert "12 frames in for-ase" in said[2]
    assert "36 frames in both" in said[3]
    assert "and 14 more" in said[3]


def test_dpgen2_takes_the_section() -> None:
    from dargs import Argument
    from dpgen2.entrypoint.args import variant_fp

    register()
    (section,) = (json.loads(block) for block in blocks("json"))
    base = Argument("fp", dict, [], [variant_fp()])
    whole: dict[str, Any] = base.normalize_value(section)
    base.check_value(whole, strict=True)
    assert whole["run_config"]["label"]["allowed_loss"] == 0.2
    assert whole["inputs_config"]["level"]["dispersion"] == "D3"


@pytest.mark.parametrize("code", blocks("python"), ids=["register", "block"])
def test_snippets_run(code: str, dflow_debug: Path) -> None:
    exec(compile(code, "reuse.md", "exec"), {})


def test_limits_are_those_of_the_code() -> None:
    assert merging.SAME_CONFIGURATION_A == 1e-5
    assert (merging.SAME_ENERGY_EV_ATOM, merging.SAME_FORCE_EV_A) == (1e-4, 5e-3)
    assert "ten or more" in PAGE
    assert "under twenty" in PAGE
    assert (MANY_SYSTEMS, FEW_FRAMES) == (10, 20)
