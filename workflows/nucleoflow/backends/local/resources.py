"""What this machine has: cores that may be used, and GPUs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess

from nucleoflow.backends.local.slots import Limits
from nucleops.cores import usable_cores
from nucleops.errors import WrongInput


def machine_limits(cores: int | None = None, gpus: int | None = None) -> Limits:
    """Find what a run may use.

    Parameters
    ----------
    cores, gpus : int or None
        Upper limits set by the user; None means all there are.

    Returns
    -------
    Limits
        Cores, and GPU names.

    Raises
    ------
    WrongInput
        A limit is not positive, or more GPUs are asked for than there are.
    """
    if cores is not None and cores < 1:
        raise WrongInput(f"--cores: found {cores}, allowed: 1 or more")
    devices = visible_gpus()
    if gpus is not None and not 0 <= gpus <= len(devices):
        raise WrongInput(f"--gpus: found {gpus}, allowed: 0 to {len(devices)} on this machine")
    return Limits(
        cores=cores if cores is not None else usable_cores(),
        gpus=devices if gpus is None else devices[:gpus],
    )


def visible_gpus() -> tuple[str, ...]:
    """Return the NVIDIA GPUs of this machine, or those that ``CUDA_VISIBLE_DEVICES`` leaves."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(name.strip() for name in visible.split(",") if name.strip() not in ("", "-1"))
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(
            [program, "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return tuple(line.strip() for line in answer.stdout.splitlines() if line.strip().isdigit())
    return ()
