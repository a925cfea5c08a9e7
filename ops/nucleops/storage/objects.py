"""Stores of objects: bytes under keys, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable
from urllib.parse import unquote, urlsplit

from nucleops.errors import WrongInput


@runtime_checkable
class ObjectStore(Protocol):
    """What every store can do.

    An object appears under its key completely or not at all, also if the writer dies. Every
    method raises :class:`~nucleops.errors.StorageUnreachable` where another try may help, and
    :class:`~nucleops.errors.WrongInput` where a person has to act (denied, no such bucket);
    reading a key that is not there raises :class:`~nucleops.errors.MissingObject`, and reading
    an object that is not what was written raises :class:`~nucleops.errors.DamagedObject`.
    """

    def put_file(self, path: Path, key: str) -> None:
        """Store a file under a key; what was there is replaced."""
        ...

    def get_file(self, key: str, path: Path) -> None:
        """Write an object to a file, whose folder is made; on failure there is no file."""
        ...

    def put_bytes(self, data: bytes, key: str) -> None:
        """Store bytes under a key; what was there is replaced."""
        ...

    def get_bytes(self, key: str) -> bytes:
        """Return an object."""
        ...

    def list(self, prefix: str) -> list[str]:
        """Return all keys that begin with ``prefix``, at any depth, sorted."""
        ...

    def copy(self, source_key: str, key: str) -> None:
        """Copy an object within the store."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; that it is not there is no failure."""
        ...

    def exists(self, key: str) -> bool:
        """Whether there is an object under a key."""
        ...


def open_store(url: str) -> ObjectStore:
    """Open the store that a URL names.

    Parameters
    ----------
    url : str
        ``s3://bucket/prefix``, whose server and credentials come from the environment (see
        :meth:`nucleops.storage.s3.S3Settings.from_environment`), ``file:///path``, or a path.

    Returns
    -------
    ObjectStore
        Nothing is read or written yet. Keys are below the prefix or folder.

    Raises
    ------
    WrongInput
        The URL or a setting in the environment is not valid.
    """
    from nucleops.storage.folder import FolderStore
    from nucleops.storage.s3 import S3Settings, S3Store

    scheme = url.partition("://")[0] if "://" in url else ""
    if scheme == "s3":
        parts = urlsplit(url)
        if not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
            raise WrongInput("store: not a URL of the form s3://bucket/prefix, without credentials")
        return S3Store(S3Settings.from_environment(parts.netloc, parts.path.strip("/")))
    if scheme == "file":
        return FolderStore(Path(unquote(urlsplit(url).path)))
    if scheme or not url:
        raise WrongInput(f"store '{url}': allowed are s3://bucket/prefix, file:///path and a path")
    return FolderStore(Path(url))


def checked_key(key: str) -> str:
    """Return a key that every store can hold.

    Raises
    ------
    WrongInput
        It is empty, begins or ends with a slash, or has an empty, ``.`` or ``..`` part.
    """
    if any(part in ("", ".", "..") for part in key.split("/")):
        raise WrongInput(f"key '{key}': allowed are names joined by single slashes")
    return key
