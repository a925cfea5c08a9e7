"""The page on clusters says what is there, and all of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from nucleoflow.doctor.checks import OF_A_CLUSTER, OF_THIS_MACHINE
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.study.load import load_study

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> set[str]:
    """Words before commas in the first column of the tables of a section."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)
    return {name.strip().strip("`") for row in rows for name in row.split(",")}


def test_the_fields_of_the_profile_are_those_of_the_model() -> None:
    command = [sys.executable, str(ROOT / "docs" / "profile_table.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"run `make docs`; {done.stderr}"


def test_the_profile_that_is_shown_is_valid() -> None:
    (text,) = re.findall(r"```yaml\n(namespace.*?)```", PAGE, re.DOTALL)
    profile = ClusterProfile.model_validate(YAML(typ="safe").load(text))
    assert profile.step("md").gpu is not None


def test_every_check_of_the_doctor_is_explained() -> None:
    explained = first_cells("When something does not work")
    checks = {check.name for check in (*OF_THIS_MACHINE, *OF_A_CLUSTER)} - {"this machine"}
    assert checks <= explained


def test_every_alert_is_explained() -> None:
    alerts = YAML(typ="safe").load(ROOT / "helm" / "nucleoflow" / "files" / "alerts.yaml")["alerts"]
    explained = {name for name in first_cells("At night") if name.startswith("Nucleoflow")}
    assert explained == {alert["alert"] for alert in alerts}


def test_every_command_and_make_target_exists() -> None:
    from typer.main import get_command

    from nucleoflow.cli.app import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"(?:`|^)nucleoflow ([a-z]+)", PAGE, re.MULTILINE))
    assert {"doctor", "submit", "resume"} <= named <= known
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z -]+)`", PAGE):
        for name in target.split():
            assert re.search(rf"^{name}:", makefile, re.MULTILINE), name


def test_ten_commands_start_the_thirty_dimers() -> None:
    block = PAGE.split("```")[1]
    commands = [line for line in block.splitlines() if line.strip()]
    assert len(commands) <= 10
    assert commands[-1].startswith("nucleoflow submit ag6")
    nucleate = load_study("ag6").nucleate
    assert nucleate is not None
    assert {c.motif: c.count for c in nucleate.system.contents}["dimer"] == 30
