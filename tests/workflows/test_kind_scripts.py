"""kind-up and kind-down, with programs that only write down how they were called."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "cluster"
PROGRAMS = ("docker", "kind", "kubectl", "helm")
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$(basename "$0") $*" in
    "kind get clusters") [ -f "$THERE" ] && echo nucleoflow; exit 0 ;;
    "kind create cluster"*) touch "$THERE" ;;
    *"get namespace"*) exit 1 ;;
esac
"""


class Machine:
    """A copy of the scripts in a project of its own, and the programs that they call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        (folder / "tests").mkdir()
        shutil.copytree(SCRIPTS, folder / "tests" / "cluster")
        (folder / "bin").mkdir()
        (folder / ".venv" / "bin").mkdir(parents=True)
        for program in (folder / ".venv/bin/python", *(folder / "bin" / n for n in PROGRAMS)):
            program.write_text(FAKE)
            program.chmod(0o755)
        for name in ("bash", "sh", "dirname", "basename", "mkdir", "grep", "touch"):
            found = shutil.which(name)
            assert found
            (folder / "bin" / name).symlink_to(found)

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script; returns what it printed."""
        self.calls.write_text("")
        environment = {
            "PATH": str(self.folder / "bin"),
            "HOME": str(self.folder),
            "CALLS": str(self.calls),
            "THERE": str(self.folder / "there"),
        }
        command = [str(self.folder / "tests" / "cluster" / script)]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def called(self) -> list[str]:
        """Return the calls of the last script."""
        return self.calls.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def first(calls: list[str], start: str) -> int:
    return next(n for n, call in enumerate(calls) if call.startswith(start))


def test_a_cluster_is_made_then_images_then_the_chart(machine: Machine) -> None:
    done = machine.run("kind-up")
    assert done.returncode == 0, done.stderr
    calls = machine.called()
    order = [
        "kind create cluster --config tests/cluster/kind.yaml",
        "python images/build --variant cpu --load kind",
        "kubectl --context kind-nucleoflow create namespace nucleoflow",
        "kubectl --context kind-nucleoflow label --overwrite namespace nucleoflow",
        "helm upgrade --install nucleoflow helm/nucleoflow --kube-context kind-nucleoflow",
    ]
    places = [first(calls, start) for start in order]
    assert places == sorted(places)
    assert "make test-cluster" in done.stdout
    assert os.fspath(machine.folder / ".kind" / "kubeconfig") in done.stdout


def test_a_cluster_that_is_there_is_kept(machine: Machine) -> None:
    machine.run("kind-up")
    assert machine.run("kind-up").returncode == 0
    assert not any(call.startswith("kind create") for call in machine.called())
    assert machine.run("kind-down").returncode == 0
    assert machine.called() == ["kind delete cluster --name nucleoflow"]


def test_what_is_missing_is_named(machine: Machine) -> None:
    (machine.folder / "bin" / "helm").unlink()
    done = machine.run("kind-up")
    assert done.returncode == 1
    assert "helm is missing" in done.stderr
    assert machine.called() == []
