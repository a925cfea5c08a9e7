"""Watching a run while it goes on, to end it where trust ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from nucleops.engines.lammps.inputs import DEVIATION_FILE, DYNAMICS_MARK, STOP_FILE
from nucleops.engines.lammps.judge import deviation_reason, energy_reason, temperature_reason
from nucleops.engines.lammps.settings import MdSettings, Trust

_PATIENCE_S = 60.0

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
    settings, trust : MdSettings, Trust
        Temperature and steps; limits.
    n_atoms : int
        Number of atoms.
    energy_floor_eV_atom : float or None
        Lowest labelled energy of the composition.
    progress : callable or None
        Called with (steps done, steps planned) when there is news.
    """

    def __init__(
        self,
        folder: Path,
        settings: MdSettings,
        trust: Trust,
        n_atoms: int,
        energy_floor_eV_atom: float | None,
        progress: Progress | None,
    ) -> None:
        self.reason: str | None = None
        self._stop_file = folder / STOP_FILE
        self._asked = 0.0
        self._deviations = _Tail(folder / DEVIATION_FILE)
        self._log = _Tail(folder / "log.lammps")
        self._settings = settings
        self._trust = trust
        self._n_atoms = n_atoms
        self._energy_limit = (
            None
            if energy_floor_eV_atom is None
            else energy_floor_eV_atom - trust.energy_margin_eV_atom
        )
        self._progress = progress
        self._begun = False

    def __call__(self) -> str | None:
        """Look once; return a reason only if LAMMPS has to be ended by a signal."""
        reason = self._read_deviations() or self._read_log()
        if self.reason is None and reason is not None:
            self.reason = reason
            self._asked = time.monotonic()
            self._stop_file.touch()
        overdue = self.reason is not None and time.monotonic() - self._asked > _PATIENCE_S
        return self.reason if overdue else None

    def _read_deviations(self) -> str | None:
        for words in self._deviations.new_rows():
            if words[0].startswith("#") or len(words) < 7:
                continue
            value = _number(words[4])
            if not value <= self._trust.force_deviation_eV_A:
                return deviation_reason(value, int(words[0]), self._trust)
        return None

    def _read_log(self) -> str | None:
        reason, step = None, None
        for words in self._log.new_rows():
            self._begun = self._begun or " ".join(words) == DYNAMICS_MARK
            if not self._begun or len(words) != 5 or not words[0].isdigit():
                continue
            step = int(words[0])
            reason = reason or self._judge_row(step, _number(words[1]), _number(words[2]))
        if step is not None and self._progress is not None:
            self._progress(step, self._settings.steps)
        return reason

    def _judge_row(self, step: int, temperature_K: float, potential_eV: float) -> str | None:
        target = self._settings.temperature_K
        if not temperature_K <= self._trust.temperature_factor * target:
            return temperature_reason(temperature_K, step, self._trust, target)
        energy = potential_eV / self._n_atoms
        if self._energy_limit is not None and not energy >= self._energy_limit:
            return energy_reason(energy, step, self._energy_limit)
        return None


class _Tail:
    """Whole lines appended to a file since the last look, split into words."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new_rows(self) -> list[list[str]]:
        if not self._path.is_file():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        self._offset += len(text)
        rows = (line.split() for line in text.decode("ascii", errors="replace").splitlines())
        return [row for row in rows if row]


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan
