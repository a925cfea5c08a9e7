"""Shared by all tests: engines keep to one thread, and nothing writes outside its own folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture
def dflow_debug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """dflow in debug mode, in a folder of the test's own; otherwise it looks for a server."""
    from dflow import config

    kept = dict(config)
    monkeypatch.chdir(tmp_path)
    config.update(mode="debug", debug_workdir=str(tmp_path))
    yield tmp_path
    config.update(kept)
