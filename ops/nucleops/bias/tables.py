"""Read and write PLUMED's series: COLVAR and HILLS, from anyone's run.

Reading takes plain and gzipped files, several segments, ``#! FIELDS`` again in the middle,
``#! SET`` lines, restarts that repeat times (the later row wins, and the rows it supersedes are
dropped) and a last line that a crash cut off (dropped with a warning).
"""

from __future__ import annotations

import gzip
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleops.bias.resolved import FloatArray
from nucleops.errors import TruncatedOutput, WrongInput

Paths = Path | str | Sequence[Path | str]


@dataclass(frozen=True)
class ColvarTable:
    """A table in PLUMED's text format.

    Attributes
    ----------
    columns : dict of str to ndarray
        Each of shape (n_rows,), by name, ``time`` (fs in this package) first.
    constants : dict of str to str
        What ``#! SET`` lines say.
    """

    columns: dict[str, FloatArray]
    constants: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.columns)

    @property
    def time_fs(self) -> FloatArray:
        """The time column, shape (n_rows,); in fs for files of this package."""
        return self["time"]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __contains__(self, name: str) -> bool:
        return self._found(name) is not None

    def __getitem__(self, name: str) -> FloatArray:
        """Return a column; ``a.lowest`` and ``a_lowest`` (PLUMED before and since 2.10) are one."""
        found = self._found(name)
        if found is None:
            raise WrongInput(f"no column {name!r}; allowed: {', '.join(self.columns)}")
        return self.columns[found]

    def _found(self, name: str) -> str | None:
        spellings = [name, name.replace(".", "_")]
        if "_" in name:
            spellings.append(".".join(name.rsplit("_", 1)))
        return next((spelling for spelling in spellings if spelling in self.columns), None)


def read_colvar(paths: Paths) -> ColvarTable:
    """Read a COLVAR file, or the segments of one run in order.

    Parameters
    ----------
    paths : path or sequence of paths
        Files; a name that ends with ``.gz`` is unpacked.

    Returns
    -------
    ColvarTable
        Rows of strictly increasing time.

    Raises
    ------
    WrongInput
        A file is missing, has no ``#! FIELDS``, or its columns are not those of the first.
    TruncatedOutput
        A row that is not the last is malformed, or a value is not a number.
    """
    files = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not files:
        raise WrongInput("no COLVAR or HILLS file was given")
    names: list[str] = []
    constants: dict[str, str] = {}
    rows: list[FloatArray] = []
    for path in map(Path, files):
        new = _read_one(path, names, constants)
        if rows and len(new) and len(rows[0]) and "time" in names:
            column = names.index("time")
            if new[0, column] <= rows[0][0, column]:
                raise WrongInput(
                    f"{path}: its time begins at {new[0, column]:g}, not after the first file's "
                    f"{rows[0][0, column]:g}; walkers are read one by one, not as one run"
                )
        rows.append(new)
    table = np.concatenate(rows) if rows else np.empty((0, len(names)))
    if "time" in names and len(table):
        table = table[later_wins(table[:, names.index("time")])]
    columns = {name: np.ascontiguousarray(table[:, k]) for k, name in enumerate(names)}
    return ColvarTable(columns, constants)


def later_wins(time: FloatArray) -> NDArray[np.bool_]:
    """Return which rows stay when a restarted run repeats times: those not superseded later.

    Parameters
    ----------
    time : ndarray
        Shape (n_rows,), in the order in which the rows were written.

    Returns
    -------
    ndarray of bool
        Shape (n_rows,); the times that stay increase strictly.
    """
    later = np.minimum.accumulate(np.append(time[1:], np.inf)[::-1])[::-1]
    return np.asarray(time < later, dtype=np.bool_)


def write_colvar(table: ColvarTable | Mapping[str, FloatArray], path: Path | str) -> Path:
    """Write a table as PLUMED text, twelve significant digits; returns the path."""
    columns = table.columns if isinstance(table, ColvarTable) else dict(table)
    constants = table.constants if isinstance(table, ColvarTable) else {}
    path = Path(path)
    text = header_text(columns, constants) + rows_text(columns)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def header_text(names: Iterable[str], constants: Mapping[str, str]) -> str:
    """Return the header of a table: its columns, and ``#! SET`` lines."""
    lines = [f"#! FIELDS {' '.join(names)}"]
    lines += [f"#! SET {name} {value}" for name, value in constants.items()]
    return "\n".join(lines) + "\n"


def rows_text(columns: Mapping[str, FloatArray]) -> str:
    """Return rows of a table, twelve significant digits, of columns of shape (n_rows,) each."""
    rows = np.column_stack([np.asarray(c, dtype=np.float64) for c in columns.values()])
    return "".join(" " + " ".join(f"{value:.12g}" for value in row) + "\n" for row in rows)


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the numbered complete lines of a text file, gzipped or not; a torn last one is dropped.

    Raises
    ------
    WrongInput
        The file does not exist or is not text.
    """
    try:
        raw = path.read_bytes()
        text = (_gunzip(path, raw) if path.suffix == ".gz" else raw).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongInput(f"{path}: cannot be read as a series: {error}") from error
    lines = text.split("\n")
    if lines[-1].strip():
        warnings.warn(
            f"{path}, line {len(lines)}: the last line is cut off and was dropped", stacklevel=2
        )
    yield from enumerate(lines[:-1], start=1)


def _gunzip(path: Path, raw: bytes) -> bytes:
    # gzip.decompress would refuse a file that a crash cut off; appended members are legal
    data = b""
    while raw:
        inflate = zlib.decompressobj(wbits=31)
        try:
            data += inflate.decompress(raw) + inflate.flush()
        except zlib.error as error:
            raise WrongInput(f"{path}: is named .gz but cannot be unpacked: {error}") from error
        if not inflate.eof:
            warnings.warn(f"{path}: the gzip stream is cut off", stacklevel=3)
        raw = inflate.unused_data
    return data


def _read_one(path: Path, names: list[str], constants: dict[str, str]) -> FloatArray:
    order: list[int] | None = None
    rows: list[list[float]] = []
    for number, line in lines_of(path):
        words = line.split()
        if not words:
            continue
        if words[0] == "#!":
            if words[1:2] == ["FIELDS"]:
                order = _order(path, number, words[2:], names)
            elif words[1:2] == ["SET"] and len(words) >= 4:
                constants[words[2]] = " ".join(words[3:])
        elif not words[0].startswith("#"):
            if order is None:
                raise WrongInput(f"{path}, line {number}: found a row before `#! FIELDS`")
            row = row_of(path, number, words, len(order))
            rows.append([row[k] for k in order])
    if order is None:
        raise WrongInput(f"{path}: found no `#! FIELDS` line; is it PLUMED output?")
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(order))


def _order(path: Path, number: int, found: list[str], names: list[str]) -> list[int]:
    if not names:
        names.extend(found)
    if sorted(found) != sorted(names):
        lost, new = sorted(set(names) - set(found)), sorted(set(found) - set(names))
        raise WrongInput(
            f"{path}, line {number}: its columns are not those before; missing: "
            f"{', '.join(lost) or 'none'}; new: {', '.join(new) or 'none'}"
        )
    return [found.index(name) for name in names]


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
