"""Tables in PLUMED's format some rows at a time, however long the file is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from nucleops.bias.resolved import FloatArray
from nucleops.bias.restarts import Restarts
from nucleops.bias.rows import blocks_of_rows
from nucleops.errors import WrongInput
from nucleops.systems.lines import LineReader

Paths = Path | str | Sequence[Path | str]


@dataclass
class Columns:
    """Names of the columns and what ``#! SET`` lines say, as a file tells them while it is read.

    Attributes
    ----------
    names : list of str
        Columns in the order of the first header; empty before it.
    constants : dict of str to str
        What ``#! SET`` lines say.
    """

    names: list[str] = field(default_factory=list)
    constants: dict[str, str] = field(default_factory=dict)


class Block(NamedTuple):
    """Some consecutive rows of a table: `values` (n, columns), `fresh` where a header precedes."""

    values: FloatArray
    fresh: bool


def blocks_of(path: Path, columns: Columns) -> Iterator[Block]:
    """Yield the rows of one file in PLUMED's format, some at a time, in the order of `columns`.

    Parameters
    ----------
    path : Path
        File, gzipped or not.
    columns : Columns
        Filled by the first header; headers after it must have the same columns, in any order.

    Raises
    ------
    WrongInput
        The file is missing, has no ``#! FIELDS``, or its columns are not those of `columns`.
    TruncatedOutput
        A row other than a torn last one is malformed.
    """
    order: list[int] = []
    fresh = False

    def comment(number: int, line: str) -> int | None:
        nonlocal order, fresh
        words = line.split()
        if words[:2] == ["#!", "FIELDS"]:
            order, fresh = _order(path, number, words[2:], columns.names), True
            return len(order)
        if words[:2] == ["#!", "SET"] and len(words) >= 4:
            columns.constants[words[2]] = " ".join(words[3:])
        return None

    for rows in blocks_of_rows(path, comment):
        yield Block(rows if order == sorted(order) else rows[:, order], fresh)
        fresh = False
    if not order:
        raise WrongInput(f"{path}: found no `#! FIELDS` line; is it PLUMED output?")


def column_names(path: Path) -> list[str]:
    """Return the columns that the first header of a file in PLUMED's format names.

    Raises
    ------
    WrongInput
        The file cannot be read or has no ``#! FIELDS``.
    """
    with LineReader(path) as lines:
        while line := lines.next():
            words = line.split()
            if words[:2] == ["#!", "FIELDS"]:
                return words[2:]
    raise WrongInput(f"{path}: found no `#! FIELDS` line; is it PLUMED output?")


def restarts_in(paths: Paths) -> Restarts:
    """Read the time of every row of a run, to know which rows of it count.

    Parameters
    ----------
    paths : path or sequence of paths
        Its segments in order.

    Returns
    -------
    Restarts
        What :meth:`Restarts.kept` needs to go through the files a second time.
    """
    columns, restarts = Columns(), Restarts()
    for path in files_of(paths):
        for block in blocks_of(path, columns):
            if "time" in columns.names:
                restarts.see(block.values[:, columns.names.index("time")], fresh=block.fresh)
    return restarts


def files_of(paths: Paths) -> list[Path]:
    """Return the files that were given, as a list.

    Raises
    ------
    WrongInput
        There is none.
    """
    files = [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]
    if not files:
        raise WrongInput("no COLVAR or HILLS file was given")
    return files


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
