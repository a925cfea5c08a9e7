"""The synthetic stages, which tests of the analysis and of the report share."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """Import the helper by its path: tests are not a package."""
    path = Path(__file__).parent / "reporting" / "synthetic_stages.py"
    spec = importlib.util.spec_from_file_location("synthetic_stages", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
