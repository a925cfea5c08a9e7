"""This machine: Python packages, engines, cores, memory, disk."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nucleoflow.doctor.outcome import Check, Examination, Finding, failed, passed, warned
from nucleops.engines.deepmd.backend import BACKENDS
from nucleops.errors import MissingProgram

_NEEDED = ("pydflow", "dpgen2", "dpdata", "kubernetes", "boto3", "hera", "numpy", "scipy", "ase")
_MEMORY_GB = 4.0
_DISK_GB = 10.0
_SET_UP = "run `make setup`, or install nucleoflow's dependencies afresh"
_HERE_ONLY = "needed for `nucleoflow run` on this machine only; pods have their images"


def packages(subject: Examination) -> Iterable[Finding]:
    """Whether the Python packages are there, in versions that work together."""
    missing = [name for name in _NEEDED if _version(name) is None]
    if missing:
        yield failed(f"not installed: {', '.join(missing)}", _SET_UP)
        return
    kubernetes = _version("kubernetes") or ""
    if _number(kubernetes) >= (36,):
        yield failed(
            f"kubernetes {kubernetes} breaks dflow at run time",
            "pip install 'kubernetes>=29,<36'",
        )
        return
    named = ", ".join(f"{name} {_version(name)}" for name in ("pydflow", "dpgen2", "kubernetes"))
    yield passed(f"Python {sys.version.split()[0]}, {named}")


def cp2k(subject: Examination) -> Iterable[Finding]:
    """Whether CP2K is on PATH."""
    from nucleops.engines.cp2k.single_point import PROGRAM

    path = shutil.which(PROGRAM)
    if path is None:
        yield warned(
            f"{PROGRAM} is not on PATH", f"install CP2K (apt-get install cp2k); {_HERE_ONLY}"
        )
        return
    found = re.search(r"CP2K version (\S+)", _output([path, "--version"]))
    yield passed(f"{found[1] if found else 'unknown version'}, {path}")


def lammps(subject: Examination) -> Iterable[Finding]:
    """Whether there is a LAMMPS with DeePMD potentials, and what can bias it."""
    from nucleops.engines.lammps.program import find_lammps, has_colvars, has_plumed

    try:
        program = find_lammps()
    except MissingProgram as missing:
        yield warned(missing.message, f"{missing.advice}; {_HERE_ONLY}")
        return
    engines = [
        name for name, there in (("PLUMED", has_plumed()), ("Colvars", has_colvars())) if there
    ]
    detail = f"{program.version} with DeePMD, {' and '.join(engines) or 'no bias engine'}"
    if engines:
        yield passed(detail)
    else:
        advice = f"use a LAMMPS built with the package PLUMED or COLVARS; {_HERE_ONLY}"
        yield warned(detail, advice)


def deepmd(subject: Examination) -> Iterable[Finding]:
    """Whether DeePMD-kit, its command and a backend to train with are there."""
    beside = Path(sys.executable).parent / "dp"
    command = str(beside) if beside.exists() else shutil.which("dp")
    installed = _version("deepmd-kit")
    if command is None or installed is None:
        yield warned(
            "DeePMD-kit (`dp`) is not installed", f"install the extra `engines`; {_HERE_ONLY}"
        )
        return
    there = [backend.name for backend in BACKENDS.values() if backend.is_there()]
    if not there:
        advice = "; ".join(f"{backend.name}: {backend.install}" for backend in BACKENDS.values())
        yield warned(f"DeePMD-kit {installed} has no backend", f"{advice}; {_HERE_ONLY}")
        return
    yield passed(f"DeePMD-kit {installed} with {' and '.join(there)}")


def packmol(subject: Examination) -> Iterable[Finding]:
    """Whether packmol is there."""
    from nucleops.systems.packmol import packmol_program

    try:
        yield passed(packmol_program())
    except MissingProgram as missing:
        yield warned(missing.message, f"{missing.advice}; {_HERE_ONLY}")


def machine(subject: Examination) -> Iterable[Finding]:
    """Cores, GPUs, memory and disk."""
    import psutil

    from nucleoflow.backends.local.resources import visible_gpus
    from nucleops.cores import usable_cores

    gpus = visible_gpus()
    memory = psutil.virtual_memory()
    yield passed(f"{usable_cores()} cores, {len(gpus) or 'no'} GPU{'s' * (len(gpus) > 1)}")
    detail = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB of memory free"
    if memory.available / 1e9 < _MEMORY_GB:
        yield warned(detail, f"a step here needs up to {_MEMORY_GB:.0f} GB: end other programs")
    else:
        yield passed(detail)
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    detail = f"{free:.1f} GB of disk free here"
    if not os.access(Path.cwd(), os.W_OK):
        yield warned("this folder cannot be written to", "start from a folder of your own")
    elif free < _DISK_GB:
        yield warned(detail, f"runs need {_DISK_GB:.0f} GB: free some, or set NUCLEOFLOW_RUNS")
    else:
        yield passed(detail)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False,
            stdin=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


CHECKS = (
    Check("Python packages", packages),
    Check("CP2K", cp2k, ("Python packages",)),
    Check("LAMMPS", lammps, ("Python packages",)),
    Check("DeePMD-kit", deepmd),
    Check("packmol", packmol, ("Python packages",)),
    Check("this machine", machine, ("Python packages",)),
)
