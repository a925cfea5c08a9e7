"""A run that is killed while replicas nucleate goes on with their dynamics when it is resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from nucleops.storage.folder import FolderStore

pytestmark = pytest.mark.integration

STUDY = Path(__file__).parents[1] / "data" / "studies" / "mini.yaml"
COMMAND = [sys.executable, "-m", "nucleoflow.cli.app"]
LIMIT_S = 400.0
STEPS = 600


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The smallest study, its replica long enough to be killed."""
    yaml = YAML(typ="safe")
    content = yaml.load(STUDY)
    content["nucleate"] |= {
        "replicas": 1,
        "md": {"steps": STEPS, "stride": 10, "checkpoint_steps": 50, "thermostat": "csvr"},
    }
    # a potential trained for a second holds nothing together, and when a run is ended is chance
    content["trust"] = {
        "force_deviation_eV_A": 1e6,
        "temperature_factor": 1e6,
        "energy_margin_eV_atom": 1e6,
        "energy_rise_eV_atom": 1e6,
        "bond_stretch": 1e6,
        "closest_contact_A": 1e-3,
    }
    path = tmp_path / "mini.yaml"
    with path.open("w") as file:
        yaml.dump(content, file)
    return path


@pytest.fixture
def runs(committee: Any, tmp_path: Path) -> Path:
    """A folder with an earlier run, of which there are only the models."""
    earlier = tmp_path / "runs" / "earlier"
    (earlier / "results" / "models").mkdir(parents=True)
    (earlier / "run.json").write_text(json.dumps({"id": "earlier", "created": 0}))
    for number, model in enumerate(committee.models):
        shutil.copy(model, earlier / "results" / "models" / f"model-{number}.pb")
    return tmp_path / "runs"


def nucleoflow(*words: str, runs: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words, "--plain", "--runs", str(runs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NUCLEOFLOW_CHECKPOINT_INTERVAL_S": "0.5"},
    )


def replica(run: Path) -> Path:
    (found,) = (run / "dflow").glob("*/run-nucleate-0/workdir/replica-000/md.json")
    return found.parent


def test_resume_goes_on_with_the_dynamics(study: Path, runs: Path) -> None:
    words = ("run", str(study), "--stage", "nucleate", "--from", "earlier")
    main = nucleoflow(*words, runs=runs)
    deadline = time.monotonic() + LIMIT_S
    while not list(runs.glob("mini-*/checkpoints/nucleate/000/*/manifest-*")):
        assert main.poll() is None, main.stdout.read() if main.stdout else ""
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(main.pid, signal.SIGKILL)
    main.wait()
    (run,) = runs.glob("mini-*")
    resumed = nucleoflow("resume", run.name, runs=runs)
    output, _ = resumed.communicate(timeout=LIMIT_S)
    assert resumed.returncode == 0, output
    done = json.loads((replica(run) / "md.json").read_text())
    assert done["resumed_steps"], output
    assert done["steps_run"] == STEPS
    assert FolderStore(run / "checkpoints").list("") == []

    undisturbed = nucleoflow(*words, runs=runs)
    output, _ = undisturbed.communicate(timeout=LIMIT_S)
    assert undisturbed.returncode == 0, output
    (other,) = set(runs.glob("mini-*")) - {run}
    for name in ("trajectory.dump", "model_devi.out", "thermo.csv"):
        assert (replica(run) / name).read_text() == (replica(other) / name).read_text(), name
