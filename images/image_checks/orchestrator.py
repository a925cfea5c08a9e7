"""The orchestrator: no engine but packmol, and the command line."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from nucleops.engines.runner import run
from nucleops.errors import WrongInput
from nucleops.systems.packing import build_system
from nucleops.systems.spec import Box, Content, SystemSpec


def starts() -> str:
    """Find that the command line reads a study, and that no TensorFlow is carried along.

    Raises
    ------
    ProgramFailed
        If it does not.
    WrongInput
        If TensorFlow is installed: it would make this image eight times as large.
    """
    if importlib.util.find_spec("tensorflow") is not None:
        raise WrongInput("TensorFlow is installed, which nothing here uses")
    log = Path("validate.log")
    run([sys.executable, "-m", "nucleoflow.cli.app", "validate", "quickstart"], Path(), log).check()
    return log.read_text(encoding="utf-8").splitlines()[-1]


def builds_a_system() -> str:
    """Pack a dimer and four methanols into a droplet."""
    spec = SystemSpec(
        contents=(Content(motif="dimer", count=1), Content(motif="methanol", count=4)),
        box=Box(shape="droplet", radius_A=7.0),
    )
    system = build_system("droplet", spec, metal="Ag", seed=1)
    return f"packmol placed {system.n_atoms} atoms"
