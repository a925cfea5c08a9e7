"""How the outputs of a stage are laid out for people: ``results/<name>/``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

CATALOGUES = (".dflow",)
"""Folders in which dflow keeps lists of an artifact's files."""
_INTERNAL = "dflow_"
"""Begins the names of what dflow publishes for itself, such as big parameters."""


def is_product(name: str) -> bool:
    """Whether an output artifact is meant for people."""
    return not name.startswith((_INTERNAL, *CATALOGUES))


def unwrapped(path: Path) -> Path:
    """Return the content of an artifact: dflow wraps a path in a folder of its own.

    Where that folder holds one entry only, the entry is returned.
    """
    if path.is_dir():
        entries = [entry for entry in path.iterdir() if entry.name not in CATALOGUES]
        if len(entries) == 1:
            return entries[0].resolve()
    return path


def lay_out(source: Path, target: Path) -> None:
    """Bring the content of an artifact to a folder, as hard links, so that no space is used.

    Parameters
    ----------
    source : Path
        File or folder.
    target : Path
        The folder; what was in it before is gone.
    """
    if target.is_dir():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    if source.is_dir():
        shutil.copytree(
            source,
            target,
            copy_function=link,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns(*CATALOGUES),
        )
    else:
        link(str(source), str(target / source.name))


def link(source: str, target: str) -> None:
    """Make a hard link, or a copy where the file systems differ."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copy2(source, target)
