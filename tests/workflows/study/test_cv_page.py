"""The page about collective variables: its descriptions, commands, numbers and links are right."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML
from typer.main import get_command
from typer.testing import CliRunner

from nucleoflow.cli.app import app
from nucleoflow.study.load import load_study, study_text
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.molecules import MoleculeSpec

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "collective-variables.md").read_text(encoding="utf-8")
GOLD = ROOT / "tests" / "data" / "studies" / "gold"
KNOWN = set(get_command(app).commands)  # type: ignore[attr-defined]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands() -> list[list[str]]:
    """Every line of the page's shells that calls nucleoflow, as words without the program."""
    lines = [line for block in blocks("shell") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("nucleoflow ")]


def yaml_blocks(of: str) -> list[Any]:
    """What the blocks say that begin with ``# of <what>``."""
    found = [b for b in blocks("yaml") if b.startswith(f"# {of}\n")]
    return [YAML(typ="safe").load(block) for block in found]


def contains(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and contains(whole[key], value) for key, value in part.items()
        )
    return bool(whole == part)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example's folder, as a reader would have it."""
    copy = tmp_path / "gold"
    shutil.copytree(GOLD, copy)
    monkeypatch.chdir(copy)
    return copy


def test_descriptions_are_those_of_the_studies() -> None:
    yaml = YAML(typ="safe")
    gold = yaml.load((GOLD / "gold.yaml").read_text())
    ag6 = yaml.load(study_text("ag6")[1])
    shown = {"of ag6: biases": ag6["biases"], "of gold: biases": gold["biases"], "of gold": gold}
    counts = {}
    for of, whole in shown.items():
        parts = yaml_blocks(of)
        counts[of] = len(parts)
        for part in parts:
            assert contains(whole, part), (of, part)
    assert counts == {"of ag6: biases": 2, "of gold: biases": 1, "of gold": 2}
    # no block escapes
    assert len(blocks("yaml")) == sum(counts.values()) + len(yaml_blocks("molecules"))
    assert {*ag6["biases"]} == {name for part in yaml_blocks("of ag6: biases") for name in part}


def test_the_molecule_in_place_is_one() -> None:
    (part,) = yaml_blocks("molecules")
    water = MoleculeSpec.model_validate(part["water"])
    assert water.symbols == ("O", "H", "H")


def test_the_sketch_is_the_file() -> None:
    assert (GOLD / "sketches" / "gold-phosphine.extxyz").read_text().rstrip() in PAGE


def test_bond_lengths_are_those_of_the_files() -> None:
    study = load_study(str(GOLD / "gold.yaml"))

    def length(name: str, first: str, second: str) -> float:
        part = study.molecules[name].as_motif(name)
        i, j = part.roles.index(first), part.roles.index(second)
        return float(np.linalg.norm(part.positions[i] - part.positions[j]))

    (p, s) = re.findall(r"Au–P comes out at (\S+), Au–S at (\S+) Å", PAGE)[0]
    assert float(p) == pytest.approx(length("gold-phosphine", "M1", "P1"), abs=0.006)
    assert float(s) == pytest.approx(length("gold-phosphine", "M1", "S1"), abs=0.006)
    (ring, contact) = re.findall(r"\(Au–S (\S+),\s+Au···Au (\S+) Å\)", PAGE)[0]
    assert float(ring) == pytest.approx(length("gold-ring", "M1", "S1"), abs=0.006)
    assert float(contact) == pytest.approx(length("gold-ring", "M1", "M2"), abs=0.006)


def test_elements_are_all_named() -> None:
    text = re.findall(r"Known elements are (.*?);", PAGE, re.DOTALL)[0]
    assert set(re.findall(r"[A-Z][a-z]?", text)) == set(MASS_G_MOL)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_runs(words: list[str], folder: Path) -> None:
    if words[0] == "run":  # with its real engines in tests/integration/test_gold_end_to_end.py
        assert words[1:] == ["gold.yaml"]
        assert load_study("gold.yaml").name == "gold"
        return
    if words[0] == "colvar":
        built = CliRunner().invoke(app, ["build", "gold.yaml", "pair", "-o", "pair.extxyz"])
        assert built.exit_code == 0, built.output
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    if "-o" in words:
        assert Path(words[words.index("-o") + 1]).stat().st_size > 0


def test_every_command_exists() -> None:
    named = {words[0] for words in commands()}
    assert {"validate", "build", "bias", "cv-preview", "colvar", "run"} <= named
    assert named <= KNOWN


def test_the_python_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (text,) = blocks("python")
    names: dict[str, Any] = {}
    exec(compile(text, "collective-variables.md", "exec"), names)
    values = names["values"]
    pair = names["pair"]
    gold = pair.positions[pair.of_element("Au")]
    assert values["gap"][0] == pytest.approx(np.linalg.norm(gold[0] - gold[1]))
    assert -np.pi <= values["cross"][0] <= np.pi
    assert "contact" in capsys.readouterr().out


def test_both_engines_take_the_bias(folder: Path) -> None:
    from nucleops.bias.colvars import colvars_input
    from nucleops.bias.plumed import plumed_input
    from nucleops.bias.resolve import resolve
    from nucleops.systems.packing import build_system

    study = load_study("gold.yaml")
    pair = build_system("pair", study.systems["pair"], "Au", 1, study.molecules)
    resolved = resolve(study.biases["aurophilic"], pair)
    plumed = plumed_input(resolved, 300.0, 20)
    # the two gold atoms, and P-Au-Au-P
    assert "contact: COORDINATION GROUPA=1,11 R_0=4.5 NN=6 MM=12" in plumed
    assert "cross: TORSION ATOMS=2,1,11,12" in plumed
    assert "GRID_MIN=-0.2,-pi GRID_MAX=1.3,pi" in plumed
    # six P-H bonds, one wall each
    assert "PH__6: DISTANCE ATOMS=12,17" in plumed
    found = colvars_input(resolved, 300.0, 20)
    assert found.left_out == ()
    assert "selfCoordNum" in found.text


def test_engine_differences_are_those_that_the_script_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import engine_differences as made

    sys.modules.pop("engine_differences")
    table = PAGE[PAGE.index("## Where the engines differ") :]
    superscript = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    for exponents, r0 in (("6, 10", 3.0), ("6, 12", 1.5), ("6, 96", 3.0)):
        n, m = map(int, exponents.split(", "))
        told = re.findall(rf"([\d.]+)·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+) \({exponents}\)", table)[0]
        number = float(f"{told[0]}e{told[1].translate(superscript)}")
        assert number == pytest.approx(made.switched(r0, n, m).colvars, rel=0.05)
        assert made.switched(r0, n, m).plain == pytest.approx(1e-5, rel=0.5)
    hill = float(re.findall(r"at most ([\d.]+) % of a hill", table)[0])
    assert hill == pytest.approx(100 * made.hill_difference(), abs=0.005)
    near, cubic = re.findall(r"off by up to ([\d.]+) % of one hill, PLUMED by ([\d.]+) %", table)[0]
    half = re.findall(r"at σ/2 ([\d.]+) % and ([\d.]+) %", table)[0]
    tenth = re.findall(r"halves it \(([\d.]+) %\)", table)[0]
    for parts, shown in ((5, (near, cubic)), (2, half), (10, (tenth, None))):
        nearest, interpolated = made.grid_difference(parts)
        assert float(shown[0]) == pytest.approx(100 * nearest, abs=0.06)
        if shown[1] is not None:
            assert float(shown[1]) == pytest.approx(100 * interpolated, rel=0.25)
    made.main()
    out = capsys.readouterr().out
    assert "sigma/5" in out
    assert "0.193 % of a hill" in out


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link
    for path in re.findall(r"`((?:tests|benchmarks)/[\w/.-]+)`", PAGE):
        assert (ROOT / path).exists(), path
