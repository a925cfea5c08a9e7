"""A collection as a folder, every byte of which is accounted for."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nucleops.errors import DamagedObject, NucleoError, WrongInput
from nucleops.learning.collection.collection import Collection, address_of, provenance_of
from nucleops.learning.dataset import read_deepmd, write_deepmd
from nucleops.learning.frames import LabelledFrames
from nucleops.storage.increments import digest_of

VERSION_FILE = "collection.json"
"""Format, address and the digest of every file."""
FORMAT = 1
_SEAL = "digest"


def write_collection(collection: Collection, folder: Path) -> Path:
    """Write a collection into a new folder; it appears complete or not at all.

    Parameters
    ----------
    collection : Collection
        At least one frame.
    folder : Path
        A name that is free, or an empty folder.

    Returns
    -------
    Path
        `folder`.

    Raises
    ------
    WrongInput
        Something is there already, the folder above is not, or there is no frame.
    """
    refuse_occupied(folder)
    if not len(collection):
        raise WrongInput(f"{folder}: no frame to write")
    above = folder.resolve().parent
    with tempfile.TemporaryDirectory(dir=above, prefix=f".{folder.name}-") as scratch:
        inside = Path(scratch) / "collection"
        inside.mkdir()
        for name, system in zip(collection.names, collection.systems, strict=True):
            write_deepmd(system, collection.type_map, inside / name)
        (inside / VERSION_FILE).write_text(_version_text(collection, inside), encoding="utf-8")
        if folder.is_dir():
            folder.rmdir()
        inside.rename(folder.resolve())
    return folder


def refuse_occupied(folder: Path) -> None:
    """Raise ``WrongInput`` unless a folder can be made here, or is here and empty."""
    if not folder.resolve().parent.is_dir():
        raise WrongInput(f"{folder}: there is no folder {folder.resolve().parent}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongInput(f"{folder} is there already", advice="name a new folder")


def is_collection(folder: Path) -> bool:
    """Whether a folder is, or was meant to be, a collection."""
    return (folder / VERSION_FILE).is_file()


def read_collection(folder: Path) -> Collection:
    """Read a collection and check every file of it, every frame's identity and the address.

    Raises
    ------
    DamagedObject
        A file is missing or is not what was written.
    WrongInput
        The folder is not a collection, or is one of a newer format.
    """
    version = _read_version(folder)
    _check_files(folder, version["files"])
    type_map = tuple(version["type_map"])
    systems = []
    for name in version["systems"]:
        try:
            system = read_deepmd(folder / name)
        except NucleoError as error:  # whole by its digest, and still not data
            raise DamagedObject(f"{folder / name}: {error.message}") from error
        check_identities(folder / name, system)
        provenance_of(system)
        systems.append(system)
    collection = Collection(type_map, tuple(systems))
    if address_of([entry.id for entry in collection.frames]) != version["address"]:
        raise DamagedObject(f"{folder / VERSION_FILE}: address is not that of the frames")
    return collection


def check_identities(path: Path, system: LabelledFrames) -> None:
    """Raise ``DamagedObject`` if a frame is not the one that its provenance is of."""
    for number, entry in enumerate(system.provenance or ()):
        if entry.id and system.identity(number, entry.level) != entry.id:
            raise DamagedObject(
                f"{path}: frame {number} is not the one that its provenance is of ({entry.id})"
            )


def _read_version(folder: Path) -> dict[str, Any]:
    path = folder / VERSION_FILE
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise WrongInput(
            f"{folder} is not a collection: it has no {VERSION_FILE}",
            advice="'nucleoflow data merge' makes one of DeePMD npy systems",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedObject(f"{path}: cannot be read: {error}") from error
    try:
        content = json.loads(text)
        found = content["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise DamagedObject(f"{path}: not a description of a collection: {error!r}") from error
    if isinstance(found, int) and found > FORMAT:
        raise WrongInput(
            f"{path}: format is {found}; allowed: up to {FORMAT}",
            advice="it was written by a newer nucleoflow; use that one",
        )
    if found != FORMAT or text != _sealed({k: v for k, v in content.items() if k != _SEAL}):
        raise DamagedObject(f"{path}: {_SEAL} is not that of the file")
    return dict(content)


def _check_files(folder: Path, digests: Mapping[str, str]) -> None:
    """Check every file that was written; others, such as dflow's catalogues, do not count."""
    for name, digest in digests.items():
        path = folder / name
        try:
            found = digest_of(path)
        except OSError as error:
            raise DamagedObject(f"{path}: cannot be read: {error.strerror}") from error
        if found != digest:
            raise DamagedObject(
                f"{path} is not the file that was written: its SHA-256 begins with {found[:12]},"
                f" {VERSION_FILE} says {digest[:12]}",
                advice="take the data from another copy",
            )


def _version_text(collection: Collection, folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return _sealed(
        {
            "format": FORMAT,
            "address": collection.address,
            "n_frames": len(collection),
            "type_map": list(collection.type_map),
            "systems": collection.names,
            "files": {path.relative_to(folder).as_posix(): digest_of(path) for path in files},
        }
    )


def _sealed(content: Mapping[str, Any]) -> str:
    """Write the version file, with the digest of everything else in it."""
    seal = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return json.dumps({**content, _SEAL: seal}, indent=1) + "\n"
