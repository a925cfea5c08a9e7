"""What a program has appended to its files since the last look."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleops.systems.lammps_dump import FRAME_START, HEADER_LINES
from nucleops.systems.system import FloatArray


class RowTail:
    """Whole lines appended to a file since the last look, split into words."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new_rows(self) -> list[list[str]]:
        """Return them; none while there is no file."""
        if not self._path.is_file():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        self._offset += len(text)
        rows = (line.split() for line in text.decode("ascii", errors="replace").splitlines())
        return [row for row in rows if row]


@dataclass(frozen=True)
class Frame:
    """A frame: MD step, coordinates (N, 3) and edges (3,) in angstrom."""

    step: int
    positions: FloatArray
    cell: FloatArray


class FrameTail:
    """The newest whole frame of a text dump ``id type x y z``, sorted by id, as ours are.

    Frames between two looks are passed over: they are judged when the run has ended.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def newest(self) -> Frame | None:
        """Return the newest frame that is whole; None if there is none since the last look."""
        if not self._path.is_file():
            return None
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        end = len(text)
        while (start := text.rfind(FRAME_START, 0, end)) >= 0:
            lines = text[start:end].split(b"\n", HEADER_LINES)
            n_atoms = int(lines[3]) if len(lines) > HEADER_LINES else -1
            rows = lines[-1]
            if n_atoms >= 0 and rows.count(b"\n") == n_atoms:
                self._offset += end
                return _frame(lines, n_atoms)
            end = start
        return None


def _frame(lines: list[bytes], n_atoms: int) -> Frame:
    bounds = np.array([line.split()[:2] for line in lines[5:8]], dtype=np.float64)
    table = np.array(lines[-1].split(), dtype=np.float64).reshape(n_atoms, -1)
    return Frame(int(lines[1]), table[:, 2:5], np.ptp(bounds, axis=1))
