"""Text files of any length, plain or gzipped, perhaps cut off: as bytes, or a line at a time."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from nucleops.errors import WrongInput

_PACKED_AT_ONCE = 1 << 18


class EndsEarly(WrongInput):
    """A file that ends inside a frame, as a run that is going on or was killed leaves it."""


class Unpacked(io.RawIOBase):
    """The bytes of a gzipped file; one that was cut off ends where its last whole bytes end.

    Python's own reader raises at the cut, with what it has read before it in its buffer.

    Attributes
    ----------
    cut_off : bool
        Whether the packed stream ended before its end mark; known once the end was read.
    """

    def __init__(self, packed: BinaryIO, path: Path) -> None:
        self._packed = packed
        self._path = path
        self._inflate = zlib.decompressobj(wbits=31)
        self._left = b""
        self.cut_off = False

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as the next bytes reach; 0 at the end."""
        size, data = len(buffer), b""
        while not data:
            if self._inflate.eof:  # appended members are legal
                more = self._inflate.unused_data or self._packed.read(_PACKED_AT_ONCE)
                if not more.lstrip(b"\0"):  # tapes and some file systems pad with zeros
                    return 0
                self._inflate = zlib.decompressobj(wbits=31)
                self._left = more
            taken = self._left or self._packed.read(_PACKED_AT_ONCE)
            if not taken:
                self.cut_off = True
                return 0
            try:
                data = self._inflate.decompress(taken, size)
            except zlib.error as error:
                raise WrongInput(f"{self._path}: cannot be unpacked: {error}") from error
            self._left = self._inflate.unconsumed_tail
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file beneath."""
        self._packed.close()
        super().close()


def open_bytes(path: Path) -> io.BufferedReader:
    """Open a file for reading bytes; one that begins as gzip does is unpacked on the way.

    Raises
    ------
    WrongInput
        The file cannot be read.
    """
    try:
        file = path.open("rb")
        if file.peek(2)[:2] == b"\x1f\x8b":
            return io.BufferedReader(Unpacked(file, path), 1 << 20)
    except OSError as error:
        raise WrongInput(f"{path}: cannot be read ({error.strerror})") from error
    return file


def is_cut_off(file: io.BufferedReader) -> bool:
    """Tell whether a file that was read to its end turned out to be a torn gzip stream."""
    return isinstance(file.raw, Unpacked) and file.raw.cut_off


class LineReader:
    """Lines of a text file, counted; never more than the one at hand in memory.

    Parameters
    ----------
    path : Path
        File to read; one that begins as gzip does is unpacked.

    Attributes
    ----------
    number : int
        Lines read so far, which is the number of the last one.

    Raises
    ------
    WrongInput
        The file cannot be read or is not text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        self._file = io.TextIOWrapper(open_bytes(path), encoding="utf-8")

    def __enter__(self) -> LineReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def next(self) -> str:
        """Return the next line with its line break, an empty string at the end."""
        try:
            line = self._file.readline()
        except UnicodeDecodeError as error:
            raise WrongInput(f"{self.path}: is not text") from error
        except OSError as error:
            raise WrongInput(f"{self.path}: cannot be read ({error})") from error
        self.number += bool(line)
        return line

    def take(self, count: int) -> list[str]:
        """Return the next lines, fewer where the file ends."""
        lines = []
        for _ in range(count):
            line = self.next()
            if not line:
                break
            lines.append(line)
        return lines
