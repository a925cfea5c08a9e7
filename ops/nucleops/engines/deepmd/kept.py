"""Checkpoints of a training as the training process leaves them, for another process to store.

DeePMD-kit writes a checkpoint as several files, removes old ones, and may be killed in between. A
checkpoint is ours to go on from once all of it, with the learning curve up to then, is in a folder
of its own, which appears under its name in one instant.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

KEPT_FOLDER = "kept"
CURVE = "lcurve.out"
SAVE_NOW = "save-now"
"""A file of this name asks the training for a checkpoint at its next chance."""
_NEWEST = 2


def kept_checkpoints(folder: Path) -> list[Path]:
    """Folders of the checkpoints that are whole, oldest first; named by their step.

    Parameters
    ----------
    folder : Path
        Where the training runs.
    """
    return sorted(path for path in (folder / KEPT_FOLDER).glob("[0-9]*") if path.is_dir())


class KeptCheckpoints:
    """Decides when a training saves a checkpoint, and sets it aside; in the training process.

    By the clock, since what an interruption may cost is time. That changes nothing in the training,
    for saving draws no random number.

    Parameters
    ----------
    folder : Path
        Where the training runs.
    interval_s : float
        Wall-clock seconds between checkpoints.
    last_step : int
        The training's last step, which is always saved.
    clock : callable
        Seconds.
    """

    def __init__(
        self,
        folder: Path,
        interval_s: float,
        last_step: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._interval_s = interval_s
        self._last_step = last_step
        self._clock = clock
        self._saved = clock()

    def due(self, step: int) -> bool:
        """Whether a checkpoint is to be written at this step."""
        asked = (self._folder / SAVE_NOW).exists()
        return asked or step >= self._last_step or self._clock() - self._saved >= self._interval_s

    def keep(self, step: int, files: Sequence[Path]) -> None:
        """Set a checkpoint aside that was just written.

        Parameters
        ----------
        step : int
            Training step.
        files : sequence of Path
            The backend's files.
        """
        parent = self._folder / KEPT_FOLDER
        partial, whole = parent / f".{step}", parent / f"{step:012d}"
        for leftover in (partial, whole):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        for path in files:
            _link(path, partial / path.name)
        shutil.copyfile(self._folder / CURVE, partial / CURVE)
        partial.rename(whole)
        (self._folder / SAVE_NOW).unlink(missing_ok=True)
        self._saved = self._clock()
        for old in kept_checkpoints(self._folder)[:-_NEWEST]:
            shutil.rmtree(old, ignore_errors=True)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, target)
