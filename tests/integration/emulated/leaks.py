"""Look for texts in everything that a run left in a store or a folder, inside archives as well."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from nucleops.storage.objects import ObjectStore


def stored(store: ObjectStore, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Yield the objects below a prefix: key and content."""
    for key in store.list(prefix):
        yield key, store.get_bytes(key)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files below a folder: path and content."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield str(path), path.read_bytes()


def holding(texts: list[str], contents: Iterator[tuple[str, bytes]]) -> dict[str, list[str]]:
    """Return which of the contents hold which of the texts."""
    found: dict[str, list[str]] = {}
    for name, data in contents:
        layers = list(unpacked(data))
        hits = [text for text in texts if any(text.encode() in layer for layer in layers)]
        hits += [text for text in texts if text in name]
        if hits:
            found[name] = hits
    return found


def unpacked(data: bytes) -> Iterator[bytes]:
    """Yield some bytes, and what is in them if they are an archive."""
    yield data
    if data[:2] == b"\x1f\x8b":
        try:
            yield from unpacked(gzip.decompress(data))
        except (OSError, EOFError, zlib.error):
            return
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield from unpacked(archive.read(name))
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield from unpacked(file.read())
