"""A report made once from synthetic stage folders, for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import synthetic


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return synthetic.make_all(tmp_path_factory.mktemp("stages"), small=True)


@pytest.fixture(scope="session")
def report(stages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from nucleops.reporting.report import write_report

    out = tmp_path_factory.mktemp("report") / "report"
    return write_report(out, synthetic.STUDY, dict(stages), synthetic.PROVENANCE)
