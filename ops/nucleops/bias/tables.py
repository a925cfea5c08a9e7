"""Read and write PLUMED's series: COLVAR and HILLS, from anyone's run.

Reading takes plain and gzipped files, several segments, ``#! FIELDS`` again in the middle,
``#! SET`` lines, restarts that repeat times (the later row wins, and the rows it supersedes are
dropped) and a last line that a crash cut off (dropped with a warning).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nucleops.bias.blocks import Columns, Paths, blocks_of, files_of
from nucleops.bias.resolved import FloatArray
from nucleops.bias.restarts import Restarts
from nucleops.errors import WrongInput


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
        return self.spelling(name) is not None

    def __getitem__(self, name: str) -> FloatArray:
        """Return a column; ``a.lowest`` and ``a_lowest`` (PLUMED before and since 2.10) are one."""
        found = self.spelling(name)
        if found is None:
            raise WrongInput(f"no column {name!r}; allowed: {', '.join(self.columns)}")
        return self.columns[found]

    def spelling(self, name: str) -> str | None:
        """Return how the table spells a name, None where it has no such column."""
        spellings = [name, name.replace(".", "_")]
        if "_" in name:
            spellings.append(".".join(name.rsplit("_", 1)))
        return next((spelling for spelling in spellings if spelling in self.columns), None)


def read_colvar(paths: Paths, only: Sequence[str] | None = None) -> ColvarTable:
    """Read a COLVAR file, or the segments of one run in order.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, gzipped or not.
    only : sequence of str or None
        Columns to keep besides the time; all of them where None.

    Returns
    -------
    ColvarTable
        Rows of increasing time: strictly, but where walkers write one file.

    Raises
    ------
    WrongInput
        A file is missing, has no ``#! FIELDS``, or its columns are not those of the first, or has
        none of a name in `only`.
    TruncatedOutput
        A row that is not the last is malformed, or a value is not a number.
    """
    files = files_of(paths)
    columns, restarts = Columns(), Restarts()
    chosen: list[int] = []
    parts: list[FloatArray] = []
    for path in files:
        begins = len(parts)
        for block in blocks_of(path, columns):
            if "time" in columns.names:
                restarts.see(block.values[:, columns.names.index("time")], fresh=block.fresh)
            if not chosen:
                chosen = _chosen(path, columns, only)
            parts.append(block.values[:, chosen])
        if begins and len(parts) > begins:
            _not_a_walker(path, columns.names, chosen, parts[0], parts[begins])
    chosen = chosen or _chosen(files[0], columns, only)
    table = np.concatenate(parts) if parts else np.empty((0, len(chosen)))
    names = [columns.names[k] for k in chosen]
    if "time" in names:
        kept = restarts.kept(table[:, names.index("time")], 0)
        table = table if kept.all() else table[kept]
    made = {name: np.ascontiguousarray(table[:, k]) for k, name in enumerate(names)}
    return ColvarTable(made, columns.constants)


def _chosen(path: Path, columns: Columns, only: Sequence[str] | None) -> list[int]:
    if only is None:
        return list(range(len(columns.names)))
    table = ColvarTable(dict.fromkeys(columns.names, np.empty(0)), {})
    lacking = [name for name in only if name not in table]
    if lacking:
        raise WrongInput(
            f"{path}: has no column {', '.join(lacking)}; found: {', '.join(columns.names)}"
        )
    found = [table.spelling(name) for name in only]
    return [k for k, name in enumerate(columns.names) if name == "time" or name in found]


def _not_a_walker(
    path: Path, names: list[str], chosen: list[int], first: FloatArray, own: FloatArray
) -> None:
    kept = [names[k] for k in chosen]
    if "time" not in kept:
        return
    column = kept.index("time")
    if own[0, column] <= first[0, column]:
        raise WrongInput(
            f"{path}: its time begins at {own[0, column]:g}, not after the first file's "
            f"{first[0, column]:g}; walkers are read one by one, not as one run"
        )


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
