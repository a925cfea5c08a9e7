"""DeePMD npy systems, as they are read for a training."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleops.errors import TruncatedOutput

_PER_FRAME = ("box", "coord", "energy", "force")
DROPLET_VACUUM_A = 16.0
"""Added to the extent of atoms that do not repeat, where a data set says no cell, in angstrom."""


def find_systems(paths: Iterable[Path]) -> list[Path]:
    """Find every DeePMD npy system in or below the given folders, in a fixed order.

    Parameters
    ----------
    paths : iterable of Path
        Systems, or folders of systems as dpgen2's ``iter_data`` are; links are followed. A round
        whose labels were all dropped leaves a folder without any.

    Returns
    -------
    list of Path
        Folders that hold a ``type.raw``; sorted within each of ``paths``.
    """
    found: list[Path] = []
    for path in paths:
        # os.walk, since Path.rglob does not enter linked folders and dflow's inputs are links.
        walk = os.walk(path, followlinks=True)
        found += sorted(Path(folder) for folder, _, files in walk if "type.raw" in files)
    return found


def load_frames(system: Path) -> dict[str, NDArray[np.float64]]:
    """Read a DeePMD npy system.

    Parameters
    ----------
    system : Path
        Folder with ``type.raw`` and ``set.*``. One that does not repeat (``nopbc``) may lack its
        boxes; its cells are then as large as the atoms need, with vacuum around them.

    Returns
    -------
    dict of ndarray
        ``coord`` (F, 3N) in A, ``box`` (F, 9) in A, ``energy`` (F,) in eV, ``force`` (F, 3N) in
        eV/A, over all sets.

    Raises
    ------
    TruncatedOutput
        If a file is missing, of the wrong length, or holds numbers that are not finite.
    """
    sets = sorted(system.glob("set.*"))
    if not sets:
        raise TruncatedOutput(f"{system} has a type.raw but no set.000")
    frames: dict[str, NDArray[np.float64]] = {}
    boxless = (system / "nopbc").is_file() and not any((s / "box.npy").is_file() for s in sets)
    for name in _PER_FRAME[boxless:]:
        try:
            parts = [np.asarray(np.load(s / f"{name}.npy"), dtype=np.float64) for s in sets]
            frames[name] = np.concatenate([part.reshape(len(part), -1) for part in parts])
        except (OSError, ValueError, EOFError) as error:
            raise TruncatedOutput(f"{name}.npy of {system} cannot be read: {error}") from error
    frames["energy"] = frames["energy"].reshape(-1)
    if boxless:
        extent = np.ptp(frames["coord"].reshape(len(frames["coord"]), -1, 3), axis=1)
        edges = extent + DROPLET_VACUUM_A
        frames["box"] = (edges[:, :, None] * np.eye(3)).reshape(len(edges), 9)
    lengths = {name: len(array) for name, array in frames.items()}
    if len(set(lengths.values())) != 1:
        raise TruncatedOutput(f"the arrays of {system} differ in length: {lengths}")
    for name, array in frames.items():
        if not np.isfinite(array).all():
            raise TruncatedOutput(f"{name}.npy of {system} holds numbers that are not finite")
    return frames


def atom_elements(system: Path) -> list[str]:
    """Element of every atom of a DeePMD npy system, shape (N,)."""
    types = [int(word) for word in (system / "type.raw").read_text(encoding="utf-8").split()]
    names = (system / "type_map.raw").read_text(encoding="utf-8").split()
    return [names[t] for t in types]
