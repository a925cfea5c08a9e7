"""A pod's container: the script runs with a file system and an environment of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

import nucleoflow
import nucleops

STAND_INS = {"/work": "/srv"}
"""Mount points that cannot be covered here (the interpreter may live below): what is instead."""
SCRIPT = "/mnt/script"
PROGRESS = "/mnt/progress"

_SETUP = """
pod=$1; where=$2; seen=$3; shift 3
mount --make-rprivate /
mount --no-mtab --bind "$pod/home" /srv && mount --no-mtab --bind "$pod/argo" /mnt || exit 125
mount --no-mtab --bind "$pod/tmp" /media || exit 125
for path in $seen; do
    there=/media/${path#/tmp/}
    mkdir -p "$there" && mount --no-mtab --bind "$path" "$there" || exit 125
done
mount -o remount,bind,ro / 2>/dev/null || true
mount --no-mtab --move /media /tmp || exit 125
cd "$where" && exec "$@"
"""


@dataclass
class Pod:
    """A pod while it runs and after.

    Attributes
    ----------
    name, step : str
        Names of the pod and of the step (dflow's key, or the template).
    attempt : int
        From 0.
    folder : Path
        ``tmp``, ``home`` and ``argo`` are the private folders; ``log`` is what it printed.
    lost : bool
        Its node went away: nothing more is known of it.
    """

    name: str
    step: str
    attempt: int
    folder: Path
    lost: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("tmp", "home", "argo"):
            (self.folder / name).mkdir(parents=True)

    @property
    def log(self) -> str:
        """What it printed until now."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def progress(self) -> str:
        """What its progress file says."""
        path = self.folder / "argo" / "progress"
        return path.read_text() if path.exists() else ""

    def inside(self, path: str) -> Path:
        """Return where a path below /tmp of the pod is in our file system."""
        return self.folder / "tmp" / Path(path).relative_to("/tmp")

    def terminate(self) -> None:
        """Ask it to end, as a node that is drained does; Argo passes it on to the whole group."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGTERM)

    def kill_script(self) -> None:
        """Kill the process that runs the script, as the kernel does when memory runs out."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children():
            child.kill()

    def disconnect(self) -> None:
        """Have its node give no more news; the pod itself goes on."""
        self.lost = True

    def lose(self) -> None:
        """Take its node away."""
        assert self.process is not None
        self.lost = True
        main = psutil.Process(self.process.pid)
        for process in (main, *main.children(recursive=True)):
            process.kill()


def start(pod: Pod, script: dict[str, Any], secrets: dict[str, dict[str, str]]) -> None:
    """Start a pod's script as its container would.

    Parameters
    ----------
    pod : Pod
        Its inputs are in place.
    script : dict
        The template's ``script``.
    secrets : dict
        The namespace's secrets.
    """
    (pod.folder / "argo" / "script").write_text(script["source"])
    command = [*script["command"], SCRIPT]
    where = _stand_in(script.get("workingDir") or "/tmp")
    unshare = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    with (pod.folder / "log").open("wb") as log:
        pod.process = subprocess.Popen(
            [*unshare, "sh", "-c", _SETUP, "pod", str(pod.folder), where, _seen(), *command],
            env=environment(script, secrets),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _sources() -> set[str]:
    return {str(Path(package.__file__).parents[1]) for package in (nucleoflow, nucleops)}


def _seen() -> str:
    """What the image would hold, where this checkout or its interpreter lies below /tmp."""
    holding = {Path(p).resolve() for p in (*_sources(), sys.prefix, sys.base_prefix)}
    below = sorted(path for path in holding if path.is_relative_to("/tmp"))
    return " ".join(str(p) for p in below if not any(o != p and p.is_relative_to(o) for o in below))


def environment(script: dict[str, Any], secrets: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return what the image, Argo and the manifest put into a container's environment."""
    values = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "PYTHONPATH": ":".join(sorted(_sources())),
        "LANG": "C.UTF-8",
        "HOME": "/srv",
        "OMP_NUM_THREADS": "1",
        "ARGO_PROGRESS_FILE": PROGRESS,
    }
    for variable in script.get("env") or []:
        if "value" in variable:
            values[variable["name"]] = _stand_in(variable["value"])
        else:
            reference = variable["valueFrom"]["secretKeyRef"]
            values[variable["name"]] = secrets[reference["name"]][reference["key"]]
    # profiles count a node's cores; here are two for all pods
    values["OMP_NUM_THREADS"] = "1"
    return values


def _stand_in(path: str) -> str:
    return STAND_INS.get(path, path)
