"""Shared by all tests: engines keep to one thread, and nothing writes outside its own folder."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden",
        action="store_true",
        help="write the manifests in tests/data/manifests anew instead of comparing with them",
    )


def load(path: Path) -> ModuleType:
    """Import a module by its path: tests are not a package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The synthetic stages, which tests of the analysis and of the report share."""
    return load(Path(__file__).parent / "ops/reporting/synthetic_stages.py")


@pytest.fixture(scope="session")
def scripted() -> ModuleType:
    """Trajectories with a known story, which tests of the analysis and of the command share."""
    return load(Path(__file__).parent / "ops/analysis/nuclei/scripted.py")


@pytest.fixture
def dflow_debug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """dflow in debug mode, in a folder of the test's own; otherwise it looks for a server."""
    from dflow import config

    kept = dict(config)
    monkeypatch.chdir(tmp_path)
    config.update(mode="debug", debug_workdir=str(tmp_path))
    yield tmp_path
    config.update(kept)
