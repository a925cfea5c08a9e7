"""Workflows are built here as the local backend builds them: in dflow's debug mode."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def debug_mode(dflow_debug: Path) -> Path:
    return dflow_debug
