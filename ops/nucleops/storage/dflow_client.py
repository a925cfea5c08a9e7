"""How dflow speaks to a store without having credentials."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from dflow.utils import StorageClient

from nucleops.storage.objects import ObjectStore, open_store


class DflowStorageClient(StorageClient):
    """An :class:`~nucleops.storage.objects.ObjectStore` with dflow's interface.

    dflow writes its ``s3_config``, this object included, into the script of every step. What is
    written of it is the URL; the server and the credentials come from the environment of the
    process that uses it.

    Parameters
    ----------
    url : str
        ``s3://bucket`` or another URL of :func:`~nucleops.storage.objects.open_store`; without
        dflow's ``prefix``, which is part of dflow's keys.
    store : ObjectStore, optional
        Used instead of opening ``url``, in this process only.
    """

    def __init__(self, url: str, store: ObjectStore | None = None) -> None:
        self.url = url
        self._store = store

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.url = state["url"]
        self._store = None

    def to_dict(self) -> dict[str, Any]:
        """Return what dflow adds to each artifact that it writes down: nothing."""
        return {}

    @property
    def store(self) -> ObjectStore:
        """The store, opened at first use."""
        if self._store is None:
            self._store = open_store(self.url)
        return self._store

    def upload(self, key: str, path: str) -> None:
        """Store a file."""
        self.store.put_file(Path(path), key)

    def download(self, key: str, path: str) -> None:
        """Write an object to a file, whose folder is made."""
        self.store.get_file(key, Path(path))

    def list(self, prefix: str, recursive: bool = False) -> list[str]:
        """Return keys that begin with ``prefix``.

        Parameters
        ----------
        prefix : str
            Any beginning of keys.
        recursive : bool
            Whether keys with a further slash are listed too; otherwise they are shortened to
            end with it, and listed once.
        """
        keys = self.store.list(prefix)
        if recursive:
            return keys
        tops: dict[str, None] = {}
        for key in keys:
            head, slash, _ = key[len(prefix) :].partition("/")
            tops[prefix + head + slash] = None
        return [*tops]

    def copy(self, src: str, dst: str) -> None:
        """Copy an object within the store."""
        self.store.copy(src, dst)

    def get_md5(self, key: str) -> str:
        """Return the MD5 of an object, by reading it: not every store keeps one."""
        return hashlib.md5(self.store.get_bytes(key), usedforsecurity=False).hexdigest()
