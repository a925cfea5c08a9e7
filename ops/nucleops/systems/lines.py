"""Text files that are read a line at a time: plain or gzipped, of any length, perhaps cut off."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from types import TracebackType

from nucleops.errors import WrongInput


class EndsEarly(WrongInput):
    """A file that ends inside a frame, as a run that is going on or was killed leaves it."""


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
        try:
            with path.open("rb") as file:
                packed = file.read(2) == b"\x1f\x8b"
            opener = gzip.open if packed else open
            self._file = opener(path, "rt", encoding="utf-8")
        except OSError as error:
            raise WrongInput(f"{path}: cannot be read ({error.strerror})") from error

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
        except (EOFError, zlib.error):
            return ""  # the packed stream is cut off
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
