"""Where in each of its outputs a run is at a step: what a checkpoint cuts them back to."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from nucleops.bias.colvars_metad import hills_file
from nucleops.engines.lammps import inputs
from nucleops.engines.lammps.program import BiasEngine
from nucleops.engines.lammps.readers import THERMO_COLUMNS, step_of_row
from nucleops.engines.lammps.settings import MdSettings
from nucleops.storage.increments import Piece
from nucleops.systems.lammps_dump import FRAME_START, HEADER_LINES

LOG_FILE = "log.lammps"
_LONGEST_HEADER = 200


@dataclass(frozen=True)
class Output:
    """A file that a run appends to, step by step.

    Attributes
    ----------
    name : str
        Its name in the run's folder.
    kind : {'rows', 'frames', 'log'}
        Rows that begin with a number which grows with the step; a text dump; LAMMPS' log.
    every : int
        MD steps between rows or frames.
    per_step : float
        By how much the number that a row begins with grows in a step.
    at_start : bool
        Whether there is a row of the run's first step.
    """

    name: str
    kind: Literal["rows", "frames", "log"]
    every: int
    per_step: float = 1.0
    at_start: bool = True

    def last_before(self, step: int) -> int | None:
        """Return the step of the last row up to and including a step; None if there is none."""
        last = step // self.every * self.every
        return last if last > 0 or self.at_start else None


def outputs_of(
    settings: MdSettings, n_models: int, engine: BiasEngine | None, pace_steps: int | None
) -> list[Output]:
    """Return what a run writes.

    Parameters
    ----------
    settings : MdSettings
        Stride and time step.
    n_models : int
        With more than one there is a model deviation.
    engine : {'plumed', 'colvars'} or None
        Who applies the bias.
    pace_steps : int or None
        MD steps between hills; None where there are none.
    """
    stride = settings.stride
    outputs = [Output(inputs.DUMP_FILE, "frames", stride), Output(LOG_FILE, "log", stride)]
    if n_models > 1:
        outputs.append(Output(inputs.DEVIATION_FILE, "rows", stride))
    if engine is not None:
        plumed = engine == "plumed"
        series = "COLVAR" if plumed else inputs.COLVARS_SERIES
        hills = "HILLS" if plumed else hills_file(inputs.COLVARS_PREFIX)
        per_step = settings.time_step_fs if plumed else 1.0
        outputs.append(Output(series, "rows", stride, per_step))
        if pace_steps is not None:
            outputs.append(Output(hills, "rows", pace_steps, per_step, at_start=False))
    return outputs


class Positions:
    """Where the outputs of one leg are, from checkpoint to checkpoint.

    Parameters
    ----------
    folder : Path
        Where the leg runs.
    outputs : sequence of Output
        What it writes.
    start_step : int or None
        The step it goes on from, which it writes once more; None for a run from the beginning.
    """

    def __init__(self, folder: Path, outputs: Sequence[Output], start_step: int | None) -> None:
        self._folder = folder
        self._outputs = tuple(outputs)
        self._start_step = start_step
        self._offsets: dict[str, int] = {}

    def pieces(self, step: int) -> list[Piece] | None:
        """Return what came to each output up to and including a step; None if not all is there.

        LAMMPS writes a checkpoint before the row of the same step, and programs keep rows in
        buffers: only a checkpoint that every output has reached may be gone on from.
        """
        pieces = []
        for output in self._outputs:
            path = self._folder / output.name
            reached = self._reached(output)
            if path.is_file():
                with path.open("rb") as file, _mapped(file) as data:
                    start = self._start(output, data)
                    end, last = _end(output, data, start, step)
                reached = reached if last is None else last
                pieces.append(Piece(output.name, path, start, end - start))
            expected = output.last_before(step)
            if expected is not None and reached < expected:
                return None
        return pieces

    def advance(self, pieces: Iterable[Piece], step: int) -> None:
        """Begin the next pieces where these end."""
        for piece in pieces:
            self._offsets[piece.name] = piece.start + piece.size
        self._start_step = step

    def _reached(self, output: Output) -> int:
        """Step that the output had reached where the next piece begins."""
        if self._start_step is None:
            return -1
        last = output.last_before(self._start_step)
        return -1 if last is None else last

    def _start(self, output: Output, data: mmap.mmap) -> int:
        if output.name in self._offsets or self._start_step is None:
            return self._offsets.get(output.name, 0)
        end, last = _end(output, data, 0, self._start_step)
        # where the earlier legs have all rows so far, this one's header is left out too
        return end if last is not None or output.kind != "rows" else _first_row(output, data)


def _mapped(file: IO[bytes]) -> mmap.mmap:
    if os.fstat(file.fileno()).st_size == 0:
        return mmap.mmap(-1, 1)  # an empty file cannot be mapped; no row begins with a zero byte
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _end(output: Output, data: mmap.mmap, start: int, step: int) -> tuple[int, int | None]:
    """Return where the rows up to a step end, and the step of the last of them."""
    if output.kind == "frames":
        return _end_of_frames(data, start, step)
    end, last = start, None
    line = start
    if output.kind == "log" and start == 0:
        line = data.find(inputs.DYNAMICS_MARK.encode())
        if line < 0:
            return 0, None
    while (after := data.find(b"\n", line) + 1) > 0:
        words = data[line:after].split()
        line = after
        row = _row_step(output, words)
        if row is None:
            continue
        if row > step:
            break
        end, last = after, row
    return end, last


def _first_row(output: Output, data: mmap.mmap) -> int:
    """Return where the first row begins, or would."""
    line = 0
    while (after := data.find(b"\n", line) + 1) > 0:
        if _row_step(output, data[line:after].split()) is not None:
            return line
        line = after
    return line


def _row_step(output: Output, words: list[bytes]) -> int | None:
    if not words or words[0].startswith(b"#"):
        return None
    if output.kind == "log" and (len(words) != len(THERMO_COLUMNS) or not words[0].isdigit()):
        return None
    try:
        return step_of_row(words[0], output.per_step)
    except ValueError:
        return None  # a warning among the rows


def _end_of_frames(data: mmap.mmap, start: int, step: int) -> tuple[int, int | None]:
    end, last = start, None
    frame = start
    while data[frame : frame + len(FRAME_START)] == FRAME_START:
        after_step = data.find(b"\n", frame + len(FRAME_START)) + 1
        if after_step == 0:
            break
        number = int(data[frame + len(FRAME_START) : after_step])
        if number > step:
            break
        following = data.find(FRAME_START, after_step)
        whole = following if following >= 0 else _end_of_last(data, frame)
        if whole is None:
            break
        end = frame = whole
        last = number
    return end, last


def _end_of_last(data: mmap.mmap, frame: int) -> int | None:
    """Return where a frame ends that none follows yet; None if it is still being written."""
    lines = data[frame : frame + _LONGEST_HEADER].split(b"\n", 4)
    if len(lines) < 5 or not lines[3].isdigit():
        return None
    end = frame
    for _ in range(HEADER_LINES + int(lines[3])):
        end = data.find(b"\n", end) + 1
        if end == 0:
            return None
    return end
