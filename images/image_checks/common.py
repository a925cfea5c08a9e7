"""What holds for every image."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from nucleops.errors import MissingProgram, WrongInput

LOCK = Path(sys.prefix) / "share" / "requirements.lock"
"""The lock file that the image was made from."""

CACHES = ("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR")
"""Variables that name folders which programs write to."""

OPERATORS = (
    "build", "explore", "label", "metad", "nucleate", "report", "selection", "train", "unbiased"
)  # fmt: skip
"""Modules of operators; a step's script imports them in whatever image it runs."""

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s\\;]+)", re.MULTILINE)


def runs_unprivileged() -> str:
    """Find that nothing runs as root and that every cache lies where writing is allowed.

    Raises
    ------
    WrongInput
        If it is not so.
    """
    if os.geteuid() == 0:
        raise WrongInput("the image runs as root", advice="start it with user 1000")
    for name in CACHES:
        folder = Path(os.environ.get(name, ""))
        if not folder.is_absolute():
            raise WrongInput(f"${name} is not set to a folder")
        existing = next(p for p in (folder, *folder.parents) if p.exists())
        if not os.access(existing, os.W_OK):
            raise WrongInput(f"${name}: {existing} cannot be written to by user {os.geteuid()}")
    return f"user {os.geteuid()}, {', '.join(CACHES)} can be written to"


def locked_versions(text: str) -> dict[str, str]:
    """Return package names (normalised) and versions of a lock file's text."""
    return {normalised(name): version for name, version in _PIN.findall(text)}


def normalised(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def differences(locked: Mapping[str, str], installed: Mapping[str, str]) -> list[str]:
    """Return in what an environment differs from its lock file, one line a package."""
    return [
        f"{name} {installed.get(name, 'not installed')} instead of {version}"
        for name, version in sorted(locked.items())
        if installed.get(name) != version
    ] + [f"{name} is not in the lock" for name in sorted(installed.keys() - locked.keys())]


def versions_are_locked() -> str:
    """Find that exactly the locked versions are installed, and the project beside them.

    Raises
    ------
    WrongInput
        Names every package that differs.
    """
    installed = {
        normalised(dist.metadata["Name"]): dist.version
        for dist in importlib.metadata.distributions()
    }
    project = installed.pop("nucleoflow", None)
    wrong = differences(locked_versions(LOCK.read_text(encoding="utf-8")), installed)
    if project is None:
        wrong.insert(0, "nucleoflow is not installed")
    if wrong:
        raise WrongInput(f"not what {LOCK.name} says: {'; '.join(wrong)}")
    return f"nucleoflow {project} and {len(installed)} packages, all as locked"


def operators_import() -> str:
    """Find that every operator can be imported, with what its scripts import besides.

    Raises
    ------
    MissingProgram
        If one cannot.
    """
    for name in (*(f"nucleops.{module}" for module in OPERATORS), "dpgen2.op", "MDAnalysis"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise MissingProgram(f"{name} cannot be imported: {error}") from error
    return f"{len(OPERATORS)} modules of operators, dpgen2, MDAnalysis"
