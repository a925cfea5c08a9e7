"""Unpacking tar archives that somebody else may have written.

``tarfile``'s own filters came with Python 3.11.4; Debian 12 has an older one.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path


def unpack(tar: tarfile.TarFile, folder: Path) -> None:
    """Unpack files, folders and links that stay inside the folder.

    Parameters
    ----------
    tar : TarFile
        Open for reading.
    folder : Path
        Where to.

    Raises
    ------
    tarfile.TarError
        An entry would be outside, leads outside, or is neither file, folder nor link.
    """
    root = folder.resolve()
    for member in tar:
        target = _inside(root, root, member.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(root):
            raise tarfile.TarError(f"'{member.name}' is behind a link that leads out")
        if member.isdir():
            target.mkdir(exist_ok=True)
        elif member.issym():
            _inside(root, target.parent, member.linkname)
            target.unlink(missing_ok=True)
            target.symlink_to(member.linkname)
        elif member.islnk():
            shutil.copyfile(_inside(root, root, member.linkname), target)
        elif member.isfile():
            _write(tar, member, target)
        else:
            raise tarfile.TarError(f"'{member.name}' is neither file, folder nor link")


def _inside(root: Path, start: Path, name: str) -> Path:
    path = Path(os.path.normpath(start / name))
    if Path(name).is_absolute() or not path.is_relative_to(root):
        raise tarfile.TarError(f"'{name}' leads out of the archive's folder")
    return path


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = tar.extractfile(member)
    assert source is not None  # it is a file
    target.unlink(missing_ok=True)  # never through a link of that name
    with source, target.open("wb") as out:
        shutil.copyfileobj(source, out)
    target.chmod(member.mode & 0o755 | 0o600)
