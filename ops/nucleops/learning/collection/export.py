"""Write a collection in other programs' formats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nucleops.errors import WrongInput
from nucleops.learning.collection.collection import Collection, provenance_of
from nucleops.learning.collection.files import refuse_occupied, write_collection
from nucleops.learning.collection.foreign import REAL_TYPES
from nucleops.learning.frames import LabelledFrames
from nucleops.learning.provenance import Provenance, write_provenance
from nucleops.systems.extxyz import quote

FORMATS = ("deepmd", "deepmd-mixed", "extxyz")
FEW_FRAMES = 20
"""Mixed type pays where the systems have fewer frames than this on average."""
MANY_SYSTEMS = 10
"""... and where there are at least this many."""


def mixed_type_pays(collection: Collection) -> bool:
    """Whether DeePMD's mixed type would serve training better.

    A system of plain DeePMD npy has one composition, and a training step takes its batch from one
    system: many systems of few frames mean small batches and thousands of small files. Mixed type
    puts all compositions of a number of atoms into one system. Descriptors with one network for
    each pair of elements (``se_e2_a``) cannot train on it, so collections are kept plain.
    """
    n = len(collection.systems)
    return n >= MANY_SYSTEMS and len(collection) < FEW_FRAMES * n


def export(collection: Collection, folder: Path, fmt: str) -> list[Path]:
    """Write a collection into a new folder.

    Parameters
    ----------
    collection : Collection
        What to write.
    folder : Path
        A name that is free.
    fmt : str
        ``deepmd``: a collection again, plain DeePMD npy. ``deepmd-mixed``: DeePMD npy of mixed
        type, a system for each number of atoms. ``extxyz``: a file for each system.

    Returns
    -------
    list of Path
        Systems or files.

    Raises
    ------
    WrongInput
        The format is unknown, there is no frame, or something is in the way.
    """
    if fmt not in FORMATS:
        raise WrongInput(f"format: found {fmt!r}", advice=f"allowed: {', '.join(FORMATS)}")
    if fmt == "deepmd":
        write_collection(collection, folder)
        return [folder / name for name in collection.names]
    refuse_occupied(folder)
    if not len(collection):
        raise WrongInput(f"{folder}: no frame to write")
    folder.mkdir(exist_ok=True)
    return (_mixed if fmt == "deepmd-mixed" else _extxyz)(collection, folder)


def _mixed(collection: Collection, folder: Path) -> list[Path]:
    groups: dict[tuple[int, bool], list[LabelledFrames]] = defaultdict(list)
    for system in collection.systems:
        groups[len(system.symbols), system.periodic].append(system)
    written = []
    for (n_atoms, periodic), systems in sorted(groups.items()):
        path = folder / (f"{n_atoms}" if periodic else f"{n_atoms}-nopbc")
        _write_mixed(systems, collection.type_map, path)
        if not periodic:
            (path / "nopbc").touch()
        written.append(path)
    return written


def _write_mixed(systems: Sequence[LabelledFrames], type_map: Sequence[str], path: Path) -> None:
    """Write systems of equally many atoms as one (DeePMD-kit's documentation, "mixed type")."""
    sets = path / "set.000"
    sets.mkdir(parents=True)
    n_atoms = len(systems[0].symbols)
    (path / "type.raw").write_text("0\n" * n_atoms, encoding="ascii")
    (path / "type_map.raw").write_text("\n".join(type_map) + "\n", encoding="ascii")
    types = [
        np.tile([type_map.index(symbol) for symbol in s.symbols], (len(s), 1)) for s in systems
    ]
    boxes = [s.cells[:, :, None] * np.eye(3) for s in systems]
    arrays = {
        "coord": np.concatenate([s.positions.reshape(len(s), -1) for s in systems]),
        "force": np.concatenate([s.forces.reshape(len(s), -1) for s in systems]),
        "energy": np.concatenate([s.energies for s in systems]),
        "box": np.concatenate(boxes).reshape(-1, 9),
    }
    for name, array in arrays.items():
        np.save(sets / f"{name}.npy", array)
    np.save(sets / REAL_TYPES, np.concatenate(types).astype(np.int32))
    write_provenance(path, [entry for s in systems for entry in provenance_of(s)])


def _extxyz(collection: Collection, folder: Path) -> list[Path]:
    written = []
    for name, system in zip(collection.names, collection.systems, strict=True):
        path = folder / f"{name}.extxyz"
        with path.open("w", encoding="utf-8") as out:
            for number, entry in enumerate(provenance_of(system)):
                out.write(_frame_text(system, number, entry))
        written.append(path)
    return written


def _frame_text(system: LabelledFrames, number: int, entry: Provenance) -> str:
    """Write a frame with seventeen digits, from which every number comes back as it was."""
    lattice = np.diag(system.cells[number]).ravel().tolist()
    info = {
        "Lattice": " ".join(f"{edge:.17g}" for edge in lattice),
        "Properties": "species:S:1:pos:R:3:forces:R:3",
        "energy": f"{system.energies[number]:.17g}",
        "pbc": "T T T" if system.periodic else "F F F",
        "frame_id": entry.id,
        "round": entry.round,
        "parent": entry.parent,
        **({} if entry.step is None else {"step": str(entry.step)}),
        "level": entry.level,
        "program": entry.program,
    }
    comment = " ".join(f"{key}={quote(value)}" for key, value in info.items())
    rows = np.concatenate([system.positions[number], system.forces[number]], axis=1).tolist()
    lines = [
        f"{symbol:<2} " + " ".join(f"{value:24.17g}" for value in row)
        for symbol, row in zip(system.symbols, rows, strict=True)
    ]
    return "\n".join([str(len(lines)), comment, *lines]) + "\n"
