"""The operators run as dflow runs them, and import fast."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from dflow.python import OPIO, FatalError

import synthetic
from nucleops.analyse import AnalyseMetadynamics, AnalyseStructure, PoolReplicas, SummariseLearning
from nucleops.report import WriteReport


def test_stages_from_raw_runs_to_report(
    stages: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = stages["metad"].parents[1]
    metad = AnalyseMetadynamics().execute(
        OPIO({"walkers": [root / "md1/raw-walker", None], "settings": {}, "name": "dimer"})
    )
    unbiased = AnalyseStructure().execute(
        OPIO({"md": root / "md2/raw-unbiased", "settings": {}, "name": "long"})
    )
    raw = root / "md3/raw"
    pool = PoolReplicas().execute(
        OPIO({"replicas": [raw / "replica-000"], "settings": {}, "begun": 2})
    )
    learning = SummariseLearning().execute(
        OPIO(
            {
                "iter_data": [root / "learn/iter-000000"],
                "train_logs": [root / "learn/train-0"],
                "level_of_theory": {"method": "gfn1-xtb"},
                "init_data": [root / "learn/aimd", None],
                "init_logs": None,
            }
        )
    )
    report = WriteReport().execute(
        OPIO(
            {
                "study": synthetic.STUDY,
                "provenance": synthetic.PROVENANCE,
                "metad": [metad["metad"]],
                "unbiased": [unbiased["unbiased"]],
                "nucleate": [pool["nucleate"], None],
                "learning": learning["learning"],
            }
        )
    )
    text = (report["report"] / "report.html").read_text()
    assert "Free energy: dimer" in text
    assert "Structure: long" in text


def test_wrong_settings_are_fatal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FatalError, match="no_such"):
        AnalyseMetadynamics().execute(OPIO({"walkers": [], "settings": {"no_such": 1}}))


@pytest.mark.parametrize("module", ["nucleops.analyse", "nucleops.report"])
def test_heavy_packages_wait_until_they_are_used(module: str) -> None:
    code = (
        f"import dflow.python, sys; before = set(sys.modules); import {module}; "
        "new = set(sys.modules) - before; "
        "heavy = {'matplotlib', 'scipy', 'ase', 'dpdata', 'jinja2'}; "
        "assert not heavy & new, heavy & new"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
