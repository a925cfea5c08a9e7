"""LAMMPS text dumps, frame by frame: ``dump custom``, ``dump atom``, plain or gzipped.

The header of a frame is three items, or five with ``dump_modify units yes time yes``.
https://docs.lammps.org/dump.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleops.errors import WrongInput
from nucleops.systems.lines import EndsEarly, LineReader
from nucleops.systems.raw_frame import RawFrame, Selection
from nucleops.systems.system import FloatArray

FS_PER_TIME_UNIT = {"metal": 1000.0, "real": 1.0}
"""Femtoseconds in LAMMPS' unit of time, for the unit styles whose lengths are angstrom."""

FRAME_START = b"ITEM: TIMESTEP\n"
"""First line of every frame."""
HEADER_LINES = 9
"""Lines of a frame before those of its atoms, unless it says its units and time."""

_COORDINATES = (("xu", "yu", "zu"), ("x", "y", "z"), ("xsu", "ysu", "zsu"), ("xs", "ys", "zs"))


@dataclass(frozen=True)
class DumpFrame:
    """The text of one whole frame.

    Attributes
    ----------
    lines : list of str
        All of it, line breaks included.
    line : int
        Number of its first line in the file.
    items : dict of str to list of str
        What follows each ``ITEM:`` of the header, by the item's name; ``BOX BOUNDS`` begins with
        the words of its own line.
    columns : tuple of str
        Names of the columns of the atoms.
    """

    lines: list[str]
    line: int
    items: dict[str, list[str]]
    columns: tuple[str, ...]

    @property
    def step(self) -> int:
        """MD step."""
        return int(self.items["TIMESTEP"][0])

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return int(self.items["NUMBER OF ATOMS"][0])

    @property
    def rows(self) -> list[str]:
        """The atoms' lines."""
        return self.lines[len(self.lines) - self.n_atoms :]

    def numbers(self, *names: str) -> FloatArray:
        """Return columns as numbers, shape (n_atoms, len(names)), in the order of the file.

        Raises
        ------
        ValueError
            A column is missing, or holds what is not a number.
        """
        columns = [self.columns.index(name) for name in names]
        if not self.n_atoms:
            return np.empty((0, len(names)))
        return np.loadtxt(self.rows, usecols=columns, ndmin=2, comments=None)

    def bounds(self) -> FloatArray:
        """Return the lower and upper bound of each edge of the box, angstrom, shape (3, 2)."""
        return np.array([row.split()[:2] for row in self.items["BOX BOUNDS"][1:]], dtype=np.float64)


def dump_texts(path: Path) -> Iterator[DumpFrame]:
    """Yield the text of every whole frame of a dump.

    Raises
    ------
    EndsEarly
        The file ends inside a frame; it comes after the whole ones.
    WrongInput
        The file is not a dump; names the line.
    """
    with LineReader(path) as lines:
        while first := lines.next():
            start = lines.number
            text = [first]
            items: dict[str, list[str]] = {}
            while not text[-1].startswith("ITEM: ATOMS"):
                items |= _item(path, lines, text)
                text += lines.take(1) or _early(path, start)
            columns = tuple(text[-1].split()[2:])
            missing = [n for n in ("TIMESTEP", "NUMBER OF ATOMS", "BOX BOUNDS") if n not in items]
            if missing:
                raise WrongInput(f"{path}, line {start}: a frame without ITEM: {missing[0]}")
            count = int(items["NUMBER OF ATOMS"][0])
            rows = lines.take(count)
            if len(rows) < count or not (text + rows)[-1].endswith("\n"):
                _early(path, start)
            yield DumpFrame(text + rows, start, items, columns)


def _item(path: Path, lines: LineReader, text: list[str]) -> dict[str, list[str]]:
    """Read what belongs to the item on the last line of ``text``; add its lines there."""
    head, number = text[-1], lines.number
    if not head.endswith("\n"):
        _early(path, number)
    name = head.removeprefix("ITEM:").strip()
    box = name.startswith("BOX BOUNDS")
    body = lines.take(3 if box else 1)
    if len(body) < (3 if box else 1) or not body[-1].endswith("\n"):
        _early(path, number)
    text += body
    if not head.startswith("ITEM:"):
        raise WrongInput(f"{path}, line {number}: found {head.strip()!r}, allowed: ITEM: ...")
    if name in ("TIMESTEP", "NUMBER OF ATOMS") and not body[0].strip().isdigit():
        raise WrongInput(f"{path}, line {number + 1}: {name} is {body[0].strip()!r}, not a number")
    values = [line.strip() for line in body]
    return {"BOX BOUNDS": [name.removeprefix("BOX BOUNDS"), *values]} if box else {name: values}


def _early(path: Path, line: int) -> list[str]:
    raise EndsEarly(f"{path}: ends inside the frame that starts at line {line}")


def dump_frames(path: Path, selection: Selection) -> Iterator[RawFrame]:
    """Yield the frames of a dump that are asked for, atoms in the order of their ids.

    Coordinates are taken unwrapped (``xu``) where there is a choice, then wrapped (``x``), then
    scaled (``xsu``, ``xs``), which are of the box between its bounds.

    Raises
    ------
    WrongInput
        A column is missing or malformed, ids are not unique, or the box is triclinic; names line
        and frame.
    """
    units = ""
    for number, text in enumerate(dump_texts(path)):
        # LAMMPS writes them in a file's first frame only
        units = text.items.get("UNITS", [units])[0]
        if selection.wants(number):
            yield _raw(path, number, text, units)
        if selection.over(number + 1):
            return


def _raw(path: Path, number: int, frame: DumpFrame, units: str) -> RawFrame:
    where = f"{path}, line {frame.line}, frame {number}"
    flags = frame.items["BOX BOUNDS"][0].split()
    if {"xy", "abc"} & set(flags):
        raise WrongInput(f"{where}: found a triclinic box; only orthorhombic cells are read")
    chosen = next((c for c in _COORDINATES if set(c) <= set(frame.columns)), None)
    if chosen is None or "id" not in frame.columns:
        raise WrongInput(
            f"{where}: its columns are {' '.join(frame.columns)}; needed are id, and "
            + ", or ".join(" ".join(c) for c in _COORDINATES)
        )
    try:
        table = frame.numbers("id", *chosen)
        low, high = frame.bounds().T
    except ValueError as error:
        raise WrongInput(f"{where}: {error}") from error
    order = np.argsort(table[:, 0], kind="stable")
    if len(np.unique(table[:, 0])) < len(table):
        raise WrongInput(f"{where}: an id comes twice")
    positions = table[order, 1:]
    if chosen[0].startswith("xs"):
        positions = low + positions * (high - low)
    if not np.isfinite(positions).all():
        raise WrongInput(f"{where}: a coordinate is not finite")
    time_fs = None
    if "TIME" in frame.items and units in FS_PER_TIME_UNIT:
        time_fs = float(frame.items["TIME"][0]) * FS_PER_TIME_UNIT[units]
    return RawFrame(
        number,
        positions,
        cell=high - low,
        periodic=all(flag == "pp" for flag in flags) if flags else None,
        step=frame.step,
        time_fs=time_fs,
        clock="" if time_fs is None else f"dump-units-{units}",
        labels=_labels(frame, order.tolist()),
    )


def _labels(frame: DumpFrame, order: list[int]) -> list[str] | list[int] | None:
    if "element" in frame.columns:
        column = frame.columns.index("element")
        words = [row.split()[column] for row in frame.rows]
        return [words[i] for i in order]
    if "type" in frame.columns:
        column = frame.columns.index("type")
        types = [row.split()[column] for row in frame.rows]
        return [int(types[i]) for i in order] if all(t.isdigit() for t in types) else None
    return None
