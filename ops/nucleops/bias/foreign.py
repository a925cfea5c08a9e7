"""Files of anyone's run, whichever of PLUMED and Colvars wrote them, read as the same tables.

Values, energies and times stay in the units of the file: PLUMED's are kJ/mol, nm and ps unless its
input says otherwise; Colvars' are those of its engine, and its times are steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from nucleops.bias.blocks import Paths, files_of, restarts_in
from nucleops.bias.hills import HillsTable, iter_hills
from nucleops.bias.resolved import FloatArray
from nucleops.bias.restarts import Restarts
from nucleops.bias.rows import blocks_of_rows
from nucleops.bias.tables import ColvarTable, read_colvar
from nucleops.errors import WrongInput
from nucleops.systems.lines import LineReader

Writer = Literal["plumed", "colvars"]


def writer_of(path: Path) -> Writer:
    """Tell who wrote a series: PLUMED says ``#! FIELDS`` in its first line, Colvars does not.

    Raises
    ------
    WrongInput
        The file cannot be read.
    """
    with LineReader(path) as lines:
        while line := lines.next():
            if line.strip():
                return "plumed" if line.startswith("#!") else "colvars"
    return "plumed"


def read_series(paths: Paths, only: Sequence[str] | None = None) -> ColvarTable:
    """Read a series of variables: PLUMED's COLVAR or Colvars' ``.colvars.traj``.

    Parameters
    ----------
    paths : path or sequence of paths
        The file, or the segments of one run in order.
    only : sequence of str or None
        Columns to keep besides the time; all of them where None.

    Returns
    -------
    ColvarTable
        Its first column is ``time``; of Colvars, the step.
    """
    files = files_of(paths)
    if writer_of(files[0]) == "plumed":
        return read_colvar(files, only)
    names: list[str] = []
    parts, restarts = [], Restarts()
    for path in files:

        def comment(number: int, line: str, path: Path = path) -> int | None:
            words = line.lstrip("#").split()
            if words[:1] != ["step"]:
                return None
            if names and words[1:] != names:
                raise WrongInput(
                    f"{path}, line {number}: found columns {' '.join(words[1:])}, allowed those "
                    f"before: {' '.join(names)}"
                )
            names[:] = words[1:]
            return len(words)

        for rows in blocks_of_rows(path, comment):
            restarts.see(rows[:, 0])
            parts.append(rows)
    table = np.concatenate(parts) if parts else np.empty((0, len(names) + 1))
    table = table[restarts.kept(table[:, 0], 0)]
    lacking = [name for name in only or () if name not in names]
    if lacking:
        raise WrongInput(
            f"{files[0]}: has no column {', '.join(lacking)}; found: {', '.join(names)}"
        )
    columns = {"time": table[:, 0]}
    columns |= {n: table[:, k + 1] for k, n in enumerate(names) if only is None or n in only}
    return ColvarTable(columns)


@dataclass(frozen=True)
class HillsFiles:
    """The hills of one run, in one file or in segments, which can be gone through again and again.

    Attributes
    ----------
    paths : tuple of Path
        HILLS of PLUMED, or ``.hills.traj`` of Colvars.
    cvs : tuple of str
        Names of the variables, which Colvars' file does not tell; ignored of PLUMED's.
    bias_factor : float or None
        gamma, which Colvars' file does not tell; None or 1: the run was not tempered.
    periods : tuple of (str, float)
        Periods of variables, in addition to what the file tells.
    """

    paths: tuple[Path, ...]
    cvs: tuple[str, ...] = ()
    bias_factor: float | None = None
    periods: tuple[tuple[str, float], ...] = ()

    def pieces(self) -> Iterator[HillsTable]:
        """Yield the hills in the order of the file, some at a time.

        Raises
        ------
        WrongInput
            The file is missing or of another kind; or it is Colvars' and no names were given.
        TruncatedOutput
            A row that is not the last is malformed.
        """
        plumed = writer_of(self.paths[0]) == "plumed"
        for table in iter_hills(self.paths, self._restarts) if plumed else self._of_colvars():
            yield self._periodic(table)

    @cached_property
    def _restarts(self) -> Restarts:
        if writer_of(self.paths[0]) == "plumed":
            return restarts_in(self.paths)
        restarts, count = Restarts(), _variables_of_colvars(self.paths[0])
        for path in self.paths:
            for rows in blocks_of_rows(path, lambda *_: None, 2 * count + 2):
                restarts.see(rows[:, 0])
        return restarts

    def _periodic(self, table: HillsTable) -> HillsTable:
        for name, period in self.periods:
            if name in table.cvs:
                table.constants[f"min_{name}"] = str(-period / 2)
                table.constants[f"max_{name}"] = str(period / 2)
        return table

    def _of_colvars(self) -> Iterator[HillsTable]:
        count = _variables_of_colvars(self.paths[0])
        if len(self.cvs) != count:
            raise WrongInput(
                f"{self.paths[0]}: holds hills of {count} variables, whose names it does not tell; "
                f"found {len(self.cvs)} names in --cv: {' '.join(self.cvs) or 'none'}"
            )
        first = 0
        for path in self.paths:
            for rows in blocks_of_rows(path, lambda *_: None, 2 * count + 2):
                yield self._table(rows[self._restarts.kept(rows[:, 0], first)], count)
                first += len(rows)

    def _table(self, rows: FloatArray, count: int) -> HillsTable:
        gamma = self.bias_factor if self.bias_factor and self.bias_factor > 1 else 1.0
        stretch = gamma / (gamma - 1) if gamma > 1 else 1.0
        return HillsTable(
            cvs=self.cvs,
            time_fs=rows[:, 0],
            centres=rows[:, 1 : count + 1],
            sigmas=rows[:, count + 1 : 2 * count + 1],
            height=rows[:, -1] * stretch,
            bias_factor=gamma,
            kernel="gaussian",
        )


def _variables_of_colvars(path: Path) -> int:
    """Number of variables of Colvars' hills: step, centres, widths and weight are in a row."""
    with LineReader(path) as lines:
        while line := lines.next():
            words = line.split()
            if words and not words[0].startswith("#"):
                if len(words) % 2 or len(words) < 4:
                    raise WrongInput(
                        f"{path}, line {lines.number}: found {len(words)} columns, allowed a "
                        "step, centres, as many widths, and a weight; or PLUMED's HILLS"
                    )
                return len(words) // 2 - 1
    raise WrongInput(f"{path}: holds no hills")
