"""A store in a folder, on this machine or on a volume that pods share."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from nucleops.errors import MissingObject, NucleoError, StorageUnreachable, WrongInput
from nucleops.storage.objects import checked_key

_PARTIAL = ".partial-"
_WRONG = (
    PermissionError,
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
)


class FolderStore:
    """Objects as files of a folder.

    Parameters
    ----------
    root : Path
        Made with the first object.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)

    def put_file(self, path: Path, key: str) -> None:
        """Store a file under a key."""
        with _failures(f"write '{key}' to {self.root}"), path.open("rb") as source:
            self._write(source, key)

    def get_file(self, key: str, path: Path) -> None:
        """Write an object to a file."""
        with self._reading(key) as source, written_whole(path) as target:
            shutil.copyfileobj(source, target)

    def put_bytes(self, data: bytes, key: str) -> None:
        """Store bytes under a key."""
        with (
            _failures(f"write '{key}' to {self.root}"),
            written_whole(self._path(key)) as target,
        ):
            target.write(data)

    def get_bytes(self, key: str) -> bytes:
        """Return an object."""
        with self._reading(key) as source:
            return source.read()

    def list(self, prefix: str) -> list[str]:
        """Return all keys that begin with ``prefix``."""
        # only the folder that holds whatever begins like this is walked
        folder = self.root / prefix.rpartition("/")[0]
        keys = []
        with _failures(f"list {self.root}"):
            for where, _, names in os.walk(folder, onerror=_unless_missing):
                paths = (Path(where, name) for name in names if not name.startswith(_PARTIAL))
                keys += [path.relative_to(self.root).as_posix() for path in paths]
        return sorted(key for key in keys if key.startswith(prefix))

    def copy(self, source_key: str, key: str) -> None:
        """Copy an object within the store."""
        with self._reading(source_key) as source:
            self._write(source, key)

    def delete(self, key: str) -> None:
        """Remove an object."""
        with _failures(f"delete '{key}' from {self.root}"):
            self._path(key).unlink(missing_ok=True)

    def exists(self, key: str) -> bool:
        """Whether there is an object under a key."""
        return self._path(key).is_file()

    def _write(self, source: IO[bytes], key: str) -> None:
        with written_whole(self._path(key)) as target:
            shutil.copyfileobj(source, target)

    @contextlib.contextmanager
    def _reading(self, key: str) -> Iterator[IO[bytes]]:
        path = self._path(key)
        if not path.is_file():
            raise MissingObject(f"no object '{key}' in {self.root}")
        with _failures(f"read '{key}' from {self.root}"), path.open("rb") as source:
            yield source


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its name only when all of it is on the disk.

    Parameters
    ----------
    path : Path
        Its folder is made.

    Yields
    ------
    file object
        If the block raises, what was at ``path`` before is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_PARTIAL, dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error


@contextlib.contextmanager
def _failures(what: str) -> Iterator[None]:
    """Turn the errors of a file system into failures."""
    try:
        yield
    except NucleoError:
        raise
    except _WRONG as error:
        raise WrongInput(f"could not {what}: {error}") from error
    except OSError as error:
        advice = "is the volume mounted and not full?"
        raise StorageUnreachable(f"could not {what}: {error}", advice=advice) from error
