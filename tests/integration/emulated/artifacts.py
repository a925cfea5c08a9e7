"""What Argo's executor does with artifacts before and after a pod's script."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from nucleops.errors import MissingObject
from nucleops.storage.archives import unpack
from nucleops.storage.objects import ObjectStore

Artifact = dict[str, Any]
"""``{"key": ...}`` in the store or ``{"data": ...}`` in the manifest."""


def load(artifact: Artifact, path: Path, store: ObjectStore) -> None:
    """Put an artifact where a pod expects it: a file, a folder, or an unpacked archive.

    Raises
    ------
    MissingObject
        There is nothing under its key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if "data" in artifact:
        path.write_text(artifact["data"])
        return
    key = artifact["key"].rstrip("/")
    if store.exists(key):
        store.get_file(key, path)
        if tarfile.is_tarfile(path):
            _unpack(path)
        return
    keys = store.list(f"{key}/")
    if not keys:
        raise MissingObject(f"no object '{key}' and none below it")
    for one in keys:
        store.get_file(one, path / one.removeprefix(f"{key}/"))


def _unpack(path: Path) -> None:
    """Replace an archive by its content; an archive of one entry by that entry."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        with tarfile.open(path) as archive:
            unpack(archive, Path(folder))
        path.unlink()
        entries = list(Path(folder).iterdir())
        if len(entries) == 1:
            entries[0].rename(path)
        else:
            shutil.move(folder, path)
            Path(folder).mkdir()


def save(path: Path, key: str, *, archived: bool, store: ObjectStore) -> None:
    """Upload an output as Argo does: packed, or file by file."""
    if archived:
        with tempfile.TemporaryDirectory() as folder:
            packed = Path(folder) / "packed.tgz"
            with tarfile.open(packed, "w:gz") as archive:
                archive.add(path, arcname=path.name)
            store.put_file(packed, key)
    elif path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            store.put_file(file, f"{key}/{file.relative_to(path).as_posix()}")
    else:
        store.put_file(path, key)
