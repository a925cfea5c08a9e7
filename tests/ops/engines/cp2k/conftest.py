"""CP2K's own outputs, as kept in tests/data/cp2k (see make.py there)."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "data" / "cp2k"


def _module(name: str, path: Path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def made():
    """The module that made the outputs: what was computed, and how."""
    return _module("cp2k_make", DATA / "make.py")


@pytest.fixture(scope="session")
def damage():
    """The ways in which outputs are damaged."""
    return _module("cp2k_damage", Path(__file__).parent / "damage.py")


@pytest.fixture(scope="session")
def output():
    """Return a kept output's bytes by name."""

    def read(name: str) -> bytes:
        return gzip.decompress((DATA / f"{name}.gz").read_bytes())

    return read


@pytest.fixture
def aimd_folder(tmp_path, output):
    """Lay out a kept AIMD run as CP2K leaves it."""

    def lay_out(name: str) -> Path:
        (tmp_path / "aimd.out").write_bytes(output(f"{name}-aimd.out"))
        for kind in ("pos", "frc"):
            (tmp_path / f"label-{kind}-1.xyz").write_bytes(output(f"{name}-{kind}.xyz"))
        return tmp_path

    return lay_out


@pytest.fixture
def series_folder(tmp_path, output):
    """A kept series of single points, as CP2K leaves it."""
    (tmp_path / "series.out").write_bytes(output("xtb-series.out"))
    for kind in ("pos", "frc"):
        (tmp_path / f"label-{kind}-1.xyz").write_bytes(output(f"xtb-series-{kind}.xyz"))
    return tmp_path
