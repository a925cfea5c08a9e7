"""DeePMD-kit: its version, a potential trained, frozen and compressed, and the graphics card."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.engines.deepmd.settings import Descriptor, Fitting, Schedule, TrainSettings
from nucleops.engines.deepmd.train import train_model
from nucleops.engines.runner import run
from nucleops.errors import MissingProgram
from nucleops.learning.dataset import write_deepmd
from nucleops.learning.frames import stack_frames
from nucleops.systems.motifs import motif
from nucleops.systems.system import System, type_map

SPRING_EV_A2 = 5.0
"""Force constant of the springs that stand in for a level of theory."""


def starts() -> str:
    """Return what ``dp --version`` says.

    Raises
    ------
    MissingProgram, ProgramFailed
        If it does not start.
    """
    log = Path("version.log")
    run(["dp", "--version"], Path(), log, threads=1).check()
    return log.read_text(encoding="utf-8").splitlines()[-1].strip()


def trains_a_model() -> str:
    """Train a minute network for ten steps on shaken methanols, freeze, compress and test it.

    Raises
    ------
    NucleoError
        As :func:`nucleops.engines.deepmd.train.train_model`.
    """
    elements = type_map("Ag")
    (frames,) = stack_frames(_shaken_methanols(4))
    write_deepmd(frames, elements, Path("data"))
    schedule = Schedule(steps=10, batch_size=1)
    settings = TrainSettings(
        n_models=2,
        descriptor=Descriptor(sel=(1, 1, 1, 2, 6, 2), rcut_A=4.0, neuron=(4, 8), axis_neuron=2),
        fitting=Fitting(neuron=(8, 8)),
        first=schedule,
        again=schedule,
        last=schedule,
        held_out=0.25,
        timeout_s=600,
    )
    trained = train_model(settings, "first", elements, 1, [Path("data")], Path("training"))
    rmse = trained.test["force_rmse_meV_A"]
    return f"a model of {trained.model.stat().st_size / 1e6:.1f} MB, {rmse:.0f} meV/A off"


def sees_a_card() -> str:
    """Find that the driver is at hand and, where TensorFlow is installed, that it uses the card.

    Raises
    ------
    MissingProgram
        If there is none.
    """
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingProgram(
            f"nvidia-smi does not find a graphics card: {error}",
            advice="start the container with the NVIDIA runtime and a card",
        ) from error
    found = done.stdout.strip().replace("\n", "; ")
    asked = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    tensorflow = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=False
    )
    if tensorflow.returncode == 0 and tensorflow.stdout.strip() == "0":
        raise MissingProgram(
            f"TensorFlow does not use the card ({found})",
            advice="is this the variant `cuda`, and the driver new enough for CUDA 12.9?",
        )
    return found


def _shaken_methanols(count: int) -> list[LabelledFrame]:
    shape = motif("methanol")
    random = np.random.default_rng(1)
    frames = []
    for _ in range(count):
        shift = random.normal(scale=0.05, size=shape.positions.shape)
        system = System("methanol", shape.symbols, shape.positions + shift, np.full(3, 20.0), False)
        energy = 0.5 * SPRING_EV_A2 * float((shift**2).sum())
        frames.append(LabelledFrame(system, energy, -SPRING_EV_A2 * shift))
    return frames
