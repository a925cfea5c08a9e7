"""Increments of outputs that only grow, each naming the one before it.

An increment is a tar: ``index.json``, which holds key, size and digest of the increment before it,
and what came to each output since. From the newest one the whole of the outputs is found again, as
the history is from a commit; each is checked against the digest by which its successor knows it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import IO

from nucleops.errors import DamagedObject
from nucleops.storage.objects import ObjectStore
from nucleops.storage.retrying import fetched

INDEX = "index.json"


@dataclass(frozen=True)
class StoredFile:
    """An object, and what it must be: size in bytes, SHA-256."""

    key: str
    size: int
    sha256: str

    def fetch(self, store: ObjectStore, path: Path, patience: int) -> None:
        """Write the object to a file and check it.

        Raises
        ------
        DamagedObject, MissingObject
            It is not what was stored, however often it is read.
        StorageUnreachable
            The store does not answer.
        """

        def attempt() -> None:
            store.get_file(self.key, path)
            if path.stat().st_size != self.size or digest_of(path) != self.sha256:
                raise DamagedObject(
                    f"{self.key} is not what was stored: found {path.stat().st_size} bytes, "
                    f"stored were {self.size}"
                )

        fetched(attempt, patience)


@dataclass(frozen=True)
class Piece:
    """Part of a file: what came to an output.

    Attributes
    ----------
    name : str
        The output.
    path : Path
        File that holds it.
    start, size : int
        Where in the file, bytes.
    """

    name: str
    path: Path
    start: int
    size: int


def write_tar(target: Path, pieces: Sequence[Piece], before: StoredFile | None = None) -> None:
    """Write pieces, each under its name, and the index to a tar file."""
    index = json.dumps({"before": None if before is None else asdict(before)}).encode()
    with tarfile.open(target, "w") as tar:
        _add(tar, INDEX, len(index), io.BytesIO(index))
        for piece in pieces:
            with piece.path.open("rb") as source:
                source.seek(piece.start)
                _add(tar, piece.name, piece.size, source)


def _add(tar: tarfile.TarFile, name: str, size: int, source: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    tar.addfile(member, source)


def restore_outputs(
    store: ObjectStore,
    newest: StoredFile | None,
    positions: Mapping[str, int],
    folder: Path,
    patience: int,
) -> None:
    """Write the outputs again, from their ends to their beginnings.

    Parameters
    ----------
    store : ObjectStore
        Holds the increments.
    newest : StoredFile or None
        The last one.
    positions : mapping
        Length in bytes of each output.
    folder : Path
        Where they are written.
    patience : int
        Tries of each reading.

    Raises
    ------
    DamagedObject, MissingObject
        An increment is not what was stored, or they do not add up to the outputs.
    StorageUnreachable
        The store does not answer.
    """
    ends = dict(positions)
    for name, size in positions.items():
        with (folder / name).open("wb") as file:
            file.truncate(size)
    archive = folder / ".increment"
    try:
        while newest is not None:
            newest.fetch(store, archive, patience)
            newest = _put_back(archive, ends, folder)
    finally:
        archive.unlink(missing_ok=True)
    if any(ends.values()):
        raise DamagedObject(f"the increments do not add up to the outputs; missing: {ends}")


def _put_back(archive: Path, ends: dict[str, int], folder: Path) -> StoredFile | None:
    """Write the pieces of an increment to their places; return the increment before it."""
    before = None
    with tarfile.open(archive) as tar:
        for member in tar:
            source = tar.extractfile(member)
            assert source is not None
            if member.name == INDEX:
                before = json.load(source)["before"]
                continue
            if member.name not in ends or ends[member.name] < member.size:
                raise DamagedObject(f"an increment has more of {member.name} than there was")
            ends[member.name] -= member.size
            with (folder / member.name).open("r+b") as target:
                target.seek(ends[member.name])
                copyfileobj(source, target)
    return None if before is None else StoredFile(**before)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
