"""What several integration tests share: a minuscule committee, trained once a session."""

from __future__ import annotations

import os
import shlex
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import nucleops
from nucleoflow.dflow_fixes import repair_dflow
from nucleops.engines.deepmd.data import atom_elements, load_frames
from nucleops.engines.deepmd.settings import Descriptor, Fitting, Schedule, TrainSettings
from nucleops.engines.deepmd.train import Trained, train_model
from nucleops.engines.lammps.program import find_lammps
from nucleops.engines.runner import interruptible
from nucleops.systems.system import System

sys.path.insert(0, str(Path(__file__).parent))

from emulated.bench import Bench  # beside this file, which is not a package
from s3_server import S3Server

DATA = Path(__file__).parents[1] / "data" / "deepmd"
TYPE_MAP = ("Ag", "S", "N", "C", "H", "O")


@dataclass(frozen=True)
class Committee:
    """Two models of the droplet in tests/data/deepmd, and how they were trained."""

    members: tuple[Trained, ...]
    settings: TrainSettings

    @property
    def models(self) -> list[Path]:
        return [member.model for member in self.members]


@pytest.fixture(scope="session")
def tiny_training() -> TrainSettings:
    """A network and schedules that take a second."""
    schedule = Schedule(steps=60, start_lr=5e-3, stop_lr=1e-4, batch_size=1)
    return TrainSettings(
        n_models=2,
        descriptor=Descriptor(sel=(3, 3, 4, 8, 20, 6), rcut_A=4.0, neuron=(4, 8), axis_neuron=2),
        fitting=Fitting(neuron=(16, 16)),
        first=schedule,
        again=schedule,
        last=schedule,
        held_out=0.2,
        timeout_s=300,
    )


@pytest.fixture(scope="session")
def committee(tmp_path_factory: pytest.TempPathFactory, tiny_training: TrainSettings) -> Committee:
    """Two potentials trained side by side; they know hardly more than what the data covers."""
    folder = tmp_path_factory.mktemp("committee")

    def member(k: int) -> Trained:
        where = folder / str(k)
        return train_model(tiny_training, "first", TYPE_MAP, 11 + k, [DATA], where)

    with interruptible(), ThreadPoolExecutor(2) as pool:
        return Committee(tuple(pool.map(member, range(2))), tiny_training)


@pytest.fixture
def droplet() -> System:
    """The first labelled frame: Ag2L2 with four methanol."""
    frames = load_frames(DATA / "dimer")
    positions = frames["coord"][0].reshape(-1, 3)
    symbols = tuple(atom_elements(DATA / "dimer"))
    cell = np.full(3, 30.0)
    return System("droplet", symbols, positions - positions.mean(axis=0) + 15.0, cell, False)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 server with an empty bucket; shared, so use a prefix of your own."""
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def s3_environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, with its address and credentials in the environment."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def bench(s3_environment: S3Server, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    """Where small workflows of emulated pods run."""
    name = f"toy-{zlib.crc32(request.node.nodeid.encode())}"
    return Bench(s3_environment, tmp_path / "pods", name)


@pytest.fixture
def debug_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """dflow's debug mode: steps run as processes of this interpreter, in a folder of the test's."""
    from dflow import config

    # dflow copies nested templates over and over: half a minute for dpgen2's loop, which the
    # controllers of our own runs save in the same way
    repair_dflow()
    before = dict(config)
    config.update(mode="debug", debug_workdir=str(tmp_path / "runs"), debug_pool_workers=2)
    monkeypatch.chdir(tmp_path)
    lammps = find_lammps()
    settings = " ".join(f"{k}={shlex.quote(v)}" for k, v in lammps.environment.items())
    programs = {
        # debug mode runs `python3`, dpgen2's RunLmp `lmp`, whichever comes first on PATH
        "python3": f'exec "{sys.executable}" "$@"',
        "lmp": f'exec env OMP_NUM_THREADS=1 {settings} "{lammps.executable}" "$@"',
    }
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, line in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(nucleops.__file__).parents[1]))
    yield tmp_path / "runs"
    config.clear()
    config.update(before)
