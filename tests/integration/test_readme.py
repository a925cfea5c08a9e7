"""What the README shows runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def snippets() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def run_snippet(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "README.md", "exec"), names)
    return names


def test_operators_in_dpgen2s_superoperators(dflow_debug: Path) -> None:
    from dpgen2.superop import PrepRunDPTrain, PrepRunFp, PrepRunLmp

    (text,) = (s for s in snippets() if "dpgen2" in s)
    names = run_snippet(text)
    assert isinstance(names["label"], PrepRunFp)
    assert isinstance(names["train"], PrepRunDPTrain)
    assert isinstance(names["explore"], PrepRunLmp)
    operators = {step.template.op_class.__name__ for name in ("label", "train", "explore")
                 for step in names[name] if hasattr(step.template, "op_class")}  # fmt: skip
    assert operators >= {"PrepLabel", "RunLabel", "PrepTrain", "RunTrain", "RunExplore"}


def test_a_single_point_without_dflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = (s for s in snippets() if "single_point" in s)
    frame = run_snippet(text)["labelled"].frame
    assert "(24, 3)" in capsys.readouterr().out
    assert np.isfinite(frame.forces_eV_A).all()
    # GFN1-xTB: the parts' own minima are at -758.26 and 2 x -243.84 eV
    assert frame.energy_eV == pytest.approx(-1245.9, abs=6.0)


def test_every_command_of_the_readme_exists() -> None:
    from typer.main import get_command

    from nucleoflow.cli.app import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    # at the beginning of a line or quotation: elsewhere it is the name of the project or a release
    found = re.findall(
        r"(?:^|`)nucleoflow ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert {"run", "resume", "validate", "studies", "submit", "doctor", "nuclei"} <= set(found)
    assert set(found) <= known


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z-]+)`", (ROOT / "README.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
