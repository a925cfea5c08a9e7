"""A report made once from synthetic stage folders, for all tests of this folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def load_synthetic() -> ModuleType:
    """Import the helper by its path: tests are not a package."""
    path = Path(__file__).parent / "synthetic_stages.py"
    spec = importlib.util.spec_from_file_location("synthetic_stages", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    return load_synthetic()


@pytest.fixture(scope="session")
def stages(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return synthetic.make_all(tmp_path_factory.mktemp("stages"), small=True)


@pytest.fixture(scope="session")
def report(
    synthetic: ModuleType, stages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    from nucleops.reporting.report import write_report

    out = tmp_path_factory.mktemp("report") / "report"
    return write_report(out, synthetic.STUDY, dict(stages), synthetic.PROVENANCE)
