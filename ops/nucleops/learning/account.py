"""What became of the frames of a labelling task or of an AIMD run."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nucleops.errors import FatalFailure

ACCOUNT_FILE = "labels.json"
"""Beside the data: what was kept, what was dropped and why."""


class LabelsLost(FatalFailure):
    """More frames of a task were dropped than the study allows."""

    kind = "labels lost"


@dataclass
class Account:
    """What became of the frames of a task or trajectory.

    Attributes
    ----------
    task : str
        Its name.
    n_frames : int
        Frames that were due.
    n_labelled : int
        Frames that were kept.
    dropped : Counter
        Kind of failure to number of frames.
    details : list of dict
        One for each frame.
    extra : dict
        Anything else worth keeping: level of theory, seconds.
    """

    task: str
    n_frames: int
    n_labelled: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    details: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        content = {
            "task": self.task,
            "n_frames": self.n_frames,
            "n_labelled": self.n_labelled,
            "dropped": dict(self.dropped),
            **self.extra,
            "frames": self.details,
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def check(self, allowed_loss: float, log: Path) -> None:
        """Raise ``LabelsLost`` if a larger share than ``allowed_loss`` was lost."""
        lost = self.n_frames - self.n_labelled
        if lost > allowed_loss * self.n_frames:
            reasons = ", ".join(f"{kind} {n}" for kind, n in self.dropped.most_common())
            raise LabelsLost(
                f"{self.task}: {lost} of {self.n_frames} frames lost"
                f" (allowed: {allowed_loss:.0%}): {reasons or 'the run ended early'}",
                log=log.resolve(),
                advice="look at the frames in the log; allow a larger loss only if they are"
                " configurations that nobody needs",
            )
