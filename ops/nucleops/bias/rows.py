"""Rows of numbers from text of any length, some at a time: COLVAR, HILLS and Colvars' files.

Memory does not grow with the file. Whole blocks of rows are read by compiled loops; every line
that is anything else (a comment, a word, a line that is too short) is looked at one by one, so that
it is understood or complained about by its number.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from nucleops.bias.resolved import FloatArray
from nucleops.cores import usable_threads
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.systems.lines import is_cut_off, open_bytes

AT_ONCE = 8 << 20
"""Bytes of text in a block."""
_WORTH_COMPILING = 100_000
"""Bytes that Python reads in less time than numba takes to be imported."""
_PIECE = 1 << 19
_LONGEST_LINE = 1 << 20

Comment = Callable[[int, str], int | None]
"""Told the number and text of a comment; answers how many columns the rows after it have."""


def blocks_of_rows(path: Path, comment: Comment, width: int | None = None) -> Iterator[FloatArray]:
    """Yield the rows of a file, some at a time, shape (n, columns).

    A block holds no rows from both sides of a comment.

    Parameters
    ----------
    path : Path
        File, gzipped or not.
    comment : callable
        Told of each line that begins with ``#``, before the rows after it are yielded.
    width : int or None
        Columns of the rows before any comment; None where such rows are an error.

    Raises
    ------
    WrongInput
        The file cannot be read, is not text, or has rows before the comment that names columns.
    TruncatedOutput
        A row other than a torn last one has another number of columns, or a word in it.
    """
    threads = usable_threads()
    with open_bytes(path) as file, ThreadPoolExecutor(threads) as pool:
        number, rest = 0, b""
        while block := file.read(AT_ONCE):
            lines, end, rest = (rest + block).rpartition(b"\n")
            if len(rest) > _LONGEST_LINE:
                raise WrongInput(f"{path}: is not a table of numbers: it has no lines")
            reader = _Block(path, lines + end, number, comment)
            yield from reader.rows(width, pool)
            number, width = reader.number, reader.width
        if rest.strip():
            warnings.warn(
                f"{path}, line {number + 1}: the last line is cut off and was dropped", stacklevel=2
            )
        if is_cut_off(file):
            warnings.warn(f"{path}: the gzip stream is cut off", stacklevel=2)


def row_of(path: Path, number: int, words: Sequence[str], width: int) -> list[float]:
    """Return the numbers of a row.

    Raises
    ------
    TruncatedOutput
        The row has another number of columns, or a word is not a number.
    """
    if len(words) != width:
        raise TruncatedOutput(
            f"{path}, line {number}: found {len(words)} columns, allowed {width}", log=path
        )
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise TruncatedOutput(f"{path}, line {number}: {error}", log=path) from error


class _Block:
    """Whole lines of a file.

    Attributes
    ----------
    number : int
        Lines before the place that reading has come to.
    width : int or None
        Columns of a row there.
    """

    def __init__(self, path: Path, text: bytes, number: int, comment: Comment) -> None:
        self.path, self.text, self.number, self.comment = path, text, number, comment
        self.width: int | None = None
        self._counted = 0
        self._bytes = np.frombuffer(text, dtype=np.uint8)
        self._compiled = len(text) > _WORTH_COMPILING

    def rows(self, width: int | None, pool: ThreadPoolExecutor) -> Iterator[FloatArray]:
        """Yield what stands between comments; pieces are read side by side before their turn."""
        self.width = width
        pieces = list(self._pieces())
        ahead = [pool.submit(self._scan, *piece, self._room(*piece, width)) for piece in pieces]
        for (start, stop), scanned in zip(pieces, ahead, strict=True):
            found, at = scanned.result()
            parts: list[FloatArray] = []
            if self.width != width:  # by a comment in a piece before
                found, at = self._scan(start, stop, self._room(start, stop, self.width))
            room = self._room(at, stop, self.width)
            while True:
                parts.append(found)
                if at == stop:
                    break
                end = self.text.index(b"\n", at)
                row, before = self._line(at, end), self.width
                if row is None:
                    yield from _joined(parts)
                    parts = []
                    self._tell(at, end)
                    if self.width != before:
                        room = self._room(end + 1, stop, self.width)
                elif row:
                    parts.append(np.array([row]))
                found, at = self._scan(end + 1, stop, room)
                found = found.copy()  # the room is used again
            yield from _joined(parts)
        self._number_at(len(self.text))

    def _pieces(self) -> Iterator[tuple[int, int]]:
        start = 0
        while start < len(self.text):
            stop = self.text.find(b"\n", min(start + _PIECE, len(self.text) - 1)) + 1
            yield start, stop
            start = stop

    def _room(self, start: int, stop: int, width: int | None) -> FloatArray:
        lines = self.text.count(b"\n", start, stop) if self._compiled and width else 0
        return np.empty((lines, width or 1))

    def _scan(self, start: int, stop: int, room: FloatArray) -> tuple[FloatArray, int]:
        """Rows up to the first line that is anything else, and where that begins."""
        if not len(room) or start >= stop:
            return room[:0], start
        from nucleops.bias.rows_kernel import read_rows

        count, position = read_rows(self._bytes, start, stop, room)
        return room[:count], position

    def _line(self, start: int, end: int) -> list[float] | None:
        """Numbers of a line, none of an empty one; None for a comment."""
        words = self.text[start:end].split()
        if not words:
            return []
        if words[0].startswith(b"#"):
            return None
        number = self._number_at(start) + 1
        if self.width is None:
            raise WrongInput(
                f"{self.path}, line {number}: found a row before the line that names the columns"
            )
        return row_of(self.path, number, [_text(self.path, word) for word in words], self.width)

    def _tell(self, start: int, end: int) -> None:
        told = self.comment(self._number_at(start) + 1, _text(self.path, self.text[start:end]))
        if told is not None:
            self.width = told

    def _number_at(self, position: int) -> int:
        self.number += self.text.count(b"\n", self._counted, position)
        self._counted = position
        return self.number


def _joined(parts: list[FloatArray]) -> Iterator[FloatArray]:
    parts = [part for part in parts if len(part)]
    if parts:
        yield parts[0] if len(parts) == 1 else np.concatenate(parts)


def _text(path: Path, line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise WrongInput(f"{path}: is not text") from error
