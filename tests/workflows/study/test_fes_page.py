"""The page about free energies: its commands run, its numbers are those that come out."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from nucleoflow.cli.app import app

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "free-energies.md").read_text(encoding="utf-8")
RUN = ROOT / "tests" / "data" / "pes" / "wt1d"


def blocks(language: str, text: str = PAGE) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(text: str = PAGE) -> list[list[str]]:
    lines = [line for block in blocks("shell", text) for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("nucleoflow ")]


def section_of(words: list[str]) -> str:
    """The part of the page, from heading to heading, that a command is in."""
    (section,) = (part for part in PAGE.split("\n## ") if words in commands(part))
    return section


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run's files, as a reader would have them."""
    for name in ("HILLS.gz", "COLVAR.gz", "pair.dump.gz", "pair.extxyz"):
        shutil.copy(RUN / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", commands(), ids=lambda words: words[-1])
def test_every_command_runs(words: list[str], folder: Path) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    out = folder / words[words.index("-o") + 1]
    assert (out / "summary.txt").read_text().strip() in done.output
    section = section_of(words)
    shown = blocks("text", section)
    if not shown or words != commands(section)[0]:
        return
    # what the page shows is what came out, or the end of it
    assert (out / "summary.txt").read_text().strip().endswith(shown[0].strip())
    named = re.findall(r"`([a-z_/]+\.(?:csv|txt|json|svg))`", section)
    for name in named:
        assert (out / name).stat().st_size > 0, name
    if words == commands()[0]:
        assert {p.name for p in out.glob("*.csv")} <= set(named)
        for figure in ("fes", "convergence", "fes_in_time"):
            assert (out / f"{figure}.svg").is_file()
            assert f"`{figure}`" in PAGE


def test_every_option_exists() -> None:
    own = get_command(app).commands  # type: ignore[attr-defined]
    params = [*own["fes"].params, *own["states"].params]
    known = {name for parameter in params for name in parameter.opts}
    named = set(re.findall(r"(?<![\w-])--[a-zA-Z][\w-]*", PAGE))
    assert named <= known
    assert len(commands()) == 7


def test_the_script_behind_the_table_exists() -> None:
    for path in re.findall(r"`((?:tests|benchmarks)/[\w/.-]+)`", PAGE):
        assert (ROOT / path).exists(), path
