"""Labelled data as DeePMD npy, written through dpdata."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from nucleops.engines.deepmd.data import atom_elements, load_frames
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.learning.frames import LabelledFrames, concatenate, split, stack_frames
from nucleops.learning.provenance import FRAMES_FILE, read_provenance, write_provenance

__all__ = [
    "LabelledFrames",
    "concatenate",
    "energy_range",
    "read_deepmd",
    "split",
    "stack_frames",
    "system_names",
    "systems_below",
    "write_deepmd",
]


def write_deepmd(frames: LabelledFrames, type_map: Sequence[str], path: Path) -> None:
    """Write a DeePMD npy system in double precision; droplets get the ``nopbc`` mark.

    Parameters
    ----------
    frames : LabelledFrames
        At least one frame. The order of atoms is kept. Known provenance goes to ``frames.json``.
    type_map : sequence of str
        Element order of every data set.
    path : Path
        Folder to write; what was there of an earlier system is replaced.

    Raises
    ------
    WrongInput
        If an element is not in the type map, or there is no frame.
    """
    unknown = sorted(set(frames.symbols) - set(type_map))
    if unknown or not len(frames):
        found = f"element {', '.join(unknown)}" if unknown else "no frame"
        raise WrongInput(f"{path}: {found} to write; allowed: {', '.join(type_map)}")
    from dpdata import LabeledSystem

    types = np.array([type_map.index(symbol) for symbol in frames.symbols])
    data = {
        "atom_names": list(type_map),
        "atom_numbs": [int((types == i).sum()) for i in range(len(type_map))],
        "atom_types": types,
        "orig": np.zeros(3),
        "cells": frames.cells[:, :, None] * np.eye(3),
        "coords": frames.positions,
        "energies": frames.energies,
        "forces": frames.forces,
        "nopbc": not frames.periodic,
    }
    LabeledSystem(data=data).to("deepmd/npy", str(path), prec=np.float64)
    (path / FRAMES_FILE).unlink(missing_ok=True)
    if frames.provenance is not None:
        write_provenance(path, frames.provenance)


def read_deepmd(path: Path) -> LabelledFrames:
    """Read one DeePMD npy system.

    dpdata forgets the cell of a system that is not periodic; here it comes back as written.

    Raises
    ------
    TruncatedOutput
        If a file is missing, of the wrong length, or holds numbers that are not finite.
    WrongInput
        If a cell is not orthorhombic along x, y, z.
    """
    arrays, symbols = load_frames(path), tuple(atom_elements(path))
    n_frames, shape = len(arrays["energy"]), (-1, len(symbols), 3)
    boxes = arrays["box"].reshape(n_frames, 3, 3)
    edges = np.einsum("fii->fi", boxes)
    if np.abs(boxes - edges[:, :, None] * np.eye(3)).max(initial=0) > 1e-6:
        raise WrongInput(f"{path}: box.npy has cells that are not orthorhombic along x, y, z")
    periodic = not (path / "nopbc").is_file()
    positions, forces = arrays["coord"].reshape(shape), arrays["force"].reshape(shape)
    known = read_provenance(path)
    if known is not None and len(known) != n_frames:
        raise TruncatedOutput(
            f"{path / FRAMES_FILE} is of {len(known)} frames, the data of {n_frames}"
        )
    provenance = None if known is None else tuple(known)
    return LabelledFrames(
        symbols, positions, edges.copy(), arrays["energy"], forces, periodic, provenance
    )


def systems_below(paths: Iterable[Path]) -> list[Path]:
    """Find every DeePMD npy system in or below some folders; folders may hold none."""
    found = []
    for path in paths:
        # os.walk, since Path.rglob does not enter linked folders and dflow's inputs are links.
        walk = os.walk(path, followlinks=True)
        found += sorted(Path(folder) for folder, _, files in walk if "type.raw" in files)
    return found


def system_names(systems: Sequence[LabelledFrames], type_map: Sequence[str]) -> list[str]:
    """Return a folder name for each system: its formula, numbered where orders of atoms differ."""
    formulas = (s.formula(type_map) + ("" if s.periodic else "-nopbc") for s in systems)
    return numbered(formulas)


def numbered(names: Iterable[str]) -> list[str]:
    """Return names of which those that came before get a number: ``a``, ``a-2``, ``a-3``."""
    unique: dict[str, None] = {}
    for base in names:
        name, number = base, 1
        while name in unique:
            number += 1
            name = f"{base}-{number}"
        unique[name] = None
    return list(unique)


def energy_range(paths: Iterable[Path], type_map: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return the lowest and highest labelled energy of each composition.

    Parameters
    ----------
    paths : iterable of Path
        DeePMD npy systems at any depth below.
    type_map : sequence of str
        Element order of the formulas.

    Returns
    -------
    dict
        Formula to (lowest, highest) energy in eV/atom.
    """
    ranges: dict[str, tuple[float, float]] = {}
    for path in systems_below(paths):
        frames = read_deepmd(path)
        per_atom = frames.energies / len(frames.symbols)
        low, high = ranges.get(frames.formula(type_map), (np.inf, -np.inf))
        ranges[frames.formula(type_map)] = (
            min(low, float(per_atom.min())),
            max(high, float(per_atom.max())),
        )
    return ranges
