"""Read labelled data of any origin: collections, DeePMD npy, its mixed-type form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nucleops.engines.deepmd.data import find_systems
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.learning.collection.collection import Collection
from nucleops.learning.collection.files import (
    check_identities,
    is_collection,
    read_collection,
)
from nucleops.learning.collection.merging import completed, unite
from nucleops.learning.dataset import read_deepmd
from nucleops.learning.frames import LabelledFrames
from nucleops.learning.provenance import UNKNOWN

FOREIGN = "foreign"
"""Round of frames that came without provenance."""
REAL_TYPES = "real_atom_types.npy"
"""In the sets of DeePMD's mixed type: the elements of each frame."""


@dataclass(frozen=True)
class Stated:
    """What is said of frames whose provenance does not say it.

    Attributes
    ----------
    round_name, level, program : str
        As in :class:`~nucleops.learning.provenance.Provenance`.
    """

    round_name: str = FOREIGN
    level: str = UNKNOWN
    program: str = UNKNOWN


def read_any(folder: Path, stated: Stated | None = None) -> Collection:
    """Read a collection, or every DeePMD npy system in or below a folder.

    A collection is checked; other data can only be read. Virials and atomic energies are
    left out.

    Parameters
    ----------
    folder : Path
        What to read.
    stated : Stated, optional
        Fills what the provenance of frames leaves open; the trajectory of frames without any is
        the folder they were in.

    Raises
    ------
    WrongInput
        There are no labelled data.
    DamagedObject, TruncatedOutput
        They are damaged.
    """
    stated = stated or Stated()
    if is_collection(folder):
        collection = read_collection(folder)
        parts = [(folder.name, system) for system in collection.systems]
        type_map = list(collection.type_map)
    else:
        found = find_systems([folder])
        if not found:
            raise WrongInput(
                f"{folder} holds no labelled data",
                advice="allowed: a collection, or DeePMD npy systems (folders with type.raw and"
                " set.*) in or below it",
            )
        parts = [(_place(path, folder), part) for path in found for part in read_system(path)]
        type_map = united_type_map([elements_of(path) for path in found])
    completed_parts = [complete(part, parent, stated) for parent, part in parts]
    return unite(completed_parts, type_map, mixed_levels=True)


def merge(collections: Sequence[Collection], *, mixed_levels: bool = False) -> Collection:
    """Merge collections, see :func:`~nucleops.learning.collection.merging.unite`.

    The type map is the first collection's, then what the others add.
    """
    parts = [system for collection in collections for system in collection.systems]
    type_map = united_type_map([collection.type_map for collection in collections])
    return unite(parts, type_map, mixed_levels=mixed_levels)


def complete(part: LabelledFrames, parent: str, stated: Stated) -> LabelledFrames:
    """Fill in what is not known of frames, see :func:`completed`."""
    return completed(
        part,
        round_name=stated.round_name,
        parent=parent,
        level=stated.level,
        program=stated.program,
    )


def read_system(path: Path) -> list[LabelledFrames]:
    """Read a DeePMD npy system, of mixed type or not: one result for each set of atoms.

    Raises
    ------
    DamagedObject
        A frame is not the one that its provenance is of.
    TruncatedOutput, WrongInput
        As :func:`~nucleops.learning.dataset.read_deepmd`.
    """
    whole = read_deepmd(path)
    parts = _by_atoms(path, whole) if any(path.glob(f"set.*/{REAL_TYPES}")) else [whole]
    for part in parts:
        check_identities(path, part)
    return parts


def _by_atoms(path: Path, whole: LabelledFrames) -> list[LabelledFrames]:
    names = elements_of(path)
    try:
        sets = [np.load(part / REAL_TYPES) for part in sorted(path.glob("set.*"))]
        types = np.concatenate(sets).reshape(len(whole), -1).astype(np.int64)
        rows, group_of = np.unique(types, axis=0, return_inverse=True)
        symbols = [tuple(names[t] for t in row) for row in rows]
    except (OSError, ValueError, EOFError, IndexError) as error:
        raise TruncatedOutput(f"{path}: {REAL_TYPES} cannot be read: {error}") from error
    return [
        replace(whole.take(np.flatnonzero(group_of.reshape(-1) == group)), symbols=atoms)
        for group, atoms in enumerate(symbols)
    ]


def _place(path: Path, folder: Path) -> str:
    """Name a system by its path from the folder that was given, which is part of it."""
    return path.resolve().relative_to(folder.resolve().parent).as_posix()


def elements_of(path: Path) -> list[str]:
    """Return the element order of a DeePMD npy system."""
    return (path / "type_map.raw").read_text(encoding="utf-8").split()


def united_type_map(orders: Sequence[Sequence[str]]) -> list[str]:
    """Return the elements of all orders: the first order, then what later ones add."""
    return list(dict.fromkeys(element for order in orders for element in order))
