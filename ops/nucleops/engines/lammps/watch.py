"""Watching a run while it goes on, to end it where trust ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from nucleops.engines.lammps.criteria import Criteria, Failure
from nucleops.engines.lammps.geometry import Geometry
from nucleops.engines.lammps.inputs import DEVIATION_FILE, DUMP_FILE, DYNAMICS_MARK, STOP_FILE
from nucleops.engines.lammps.settings import MdSettings
from nucleops.engines.lammps.tails import FrameTail, RowTail
from nucleops.errors import NoProgress

_PATIENCE_S = 60.0
_STALLED_ROWS = 20
_STALLED_BEFORE_ROWS = 5

Progress = Callable[[int, int], None]


class TrustWatch:
    """Reads what LAMMPS has written since the last look and asks it to stop where trust ends.

    Called about twice a second by the runner. It first creates the file that ``fix halt`` looks
    for, so that LAMMPS and its bias end in an orderly way with complete files; only a program that
    does not react within a minute is ended by a signal, by returning the reason.

    Parameters
    ----------
    folder : Path
        Where LAMMPS runs.
    settings : MdSettings
        Steps, and how long a run may stand still.
    criteria : Criteria
        Of numbers.
    geometry : Geometry
        Of atoms; only the newest frame of each look is judged.
    progress : callable or None
        Called with (steps done, steps planned) when there is news.
    """

    def __init__(
        self,
        folder: Path,
        settings: MdSettings,
        criteria: Criteria,
        geometry: Geometry,
        progress: Progress | None,
    ) -> None:
        self.reason: str | None = None
        self._folder = folder
        self._asked = 0.0
        self._deviations = RowTail(folder / DEVIATION_FILE)
        self._log = RowTail(folder / "log.lammps")
        self._frames = FrameTail(folder / DUMP_FILE)
        self._settings = settings
        self._criteria = criteria
        self._geometry = geometry
        self._progress = progress
        self._begun = False
        self._last_news: float | None = None
        self._any_row = False
        self._slowest_row_s: float | None = None

    def __call__(self) -> str | None:
        """Look once; return a reason only if LAMMPS has to be ended by a signal.

        Raises
        ------
        NoProgress
            It has written nothing for much longer than it used to.
        """
        failure = self._read_deviations() or self._read_log() or self._read_frame()
        if self.reason is None and failure is not None:
            self.reason = failure.reason
            self._asked = time.monotonic()
            (self._folder / STOP_FILE).touch()
        overdue = self.reason is not None and time.monotonic() - self._asked > _PATIENCE_S
        if self.reason is None:
            self._check_progress()
        return self.reason if overdue else None

    def _read_deviations(self) -> Failure | None:
        for words in self._deviations.new_rows():
            if words[0].startswith("#") or len(words) < 7:
                continue
            failure = self._criteria.deviation(int(words[0]), _number(words[4]))
            if failure is not None:
                return failure
        return None

    def _read_log(self) -> Failure | None:
        failure, step = None, None
        for words in self._log.new_rows():
            self._begun = self._begun or " ".join(words) == DYNAMICS_MARK
            if not self._begun or len(words) != 5 or not words[0].isdigit():
                continue
            step = int(words[0])
            failure = failure or self._criteria.row(step, _number(words[1]), _number(words[2]))
        if step is not None:
            self._note_row()
            if self._progress is not None:
                self._progress(step, self._settings.steps)
        return failure

    def _read_frame(self) -> Failure | None:
        frame = self._frames.newest()
        if frame is None:
            return None
        return self._geometry.failure(frame.step, frame.positions, frame.cell)

    def _note_row(self) -> None:
        now = time.monotonic()
        if self._any_row and self._last_news is not None:
            self._slowest_row_s = max(self._slowest_row_s or 0.0, now - self._last_news)
        self._any_row, self._last_news = True, now

    def _check_progress(self) -> None:
        now = time.monotonic()
        if self._last_news is None:
            self._last_news = now
        limit_s = self._settings.stall_s
        if self._slowest_row_s is None:
            # models are loaded and the start is minimised before the first row
            limit_s *= _STALLED_BEFORE_ROWS
        else:
            limit_s = max(limit_s, _STALLED_ROWS * self._slowest_row_s)
        if now - self._last_news > limit_s:
            raise NoProgress(
                f"LAMMPS has written no row for {now - self._last_news:.1f} s "
                f"(limit {limit_s:.1f} s)",
                log=self._folder / "log.lammps",
                advice="it is gone on with from its last checkpoint; if it hangs there again, look "
                "for a full disk or a GPU that does not answer, or raise stall_s",
            )


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan
