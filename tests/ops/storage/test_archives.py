"""Archives are unpacked inside their folder or not at all."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from nucleops.storage.archives import unpack


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"") -> tuple:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size, member.mode = kind, link, len(data), 0o755
    return member, data


def unpacked(folder: Path, *entries: tuple) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for member, data in entries:
            tar.addfile(member, io.BytesIO(data))
    packed.seek(0)
    folder.mkdir(exist_ok=True)
    with tarfile.open(fileobj=packed) as tar:
        unpack(tar, folder)


def test_files_folders_and_links_within_come_out(tmp_path: Path) -> None:
    unpacked(
        tmp_path / "to",
        entry("a", tarfile.DIRTYPE),
        entry("a/b/run", data=b"text"),
        entry("a/link", tarfile.SYMTYPE, "b/run"),
        entry("hard", tarfile.LNKTYPE, "a/b/run"),
        entry("./plain", data=b"x"),
    )
    to = tmp_path / "to"
    assert (to / "a/b/run").read_bytes() == (to / "a/link").read_bytes() == b"text"
    assert (to / "hard").read_bytes() == b"text"
    assert (to / "plain").read_bytes() == b"x"
    assert (to / "a/link").is_symlink()
    assert (to / "a/b/run").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "entries",
    [
        [entry("/etc/x", data=b"1")],
        [entry("../x", data=b"1")],
        [entry("a/../../x", data=b"1")],
        [entry("out", tarfile.SYMTYPE, "/etc")],
        [entry("a/out", tarfile.SYMTYPE, "../../x")],
        [entry("hard", tarfile.LNKTYPE, "../x")],
        [entry("pipe", tarfile.FIFOTYPE)],
    ],
)
def test_what_leads_out_is_refused(tmp_path: Path, entries: list[tuple]) -> None:
    with pytest.raises(tarfile.TarError):
        unpacked(tmp_path / "to", *entries)
    assert [p.name for p in tmp_path.iterdir()] == ["to"]
    assert [p for p in (tmp_path / "to").rglob("*") if not p.is_dir()] == []
