"""What differs between two versions of a study, and what a run that goes on may keep.

A study that was corrected need not be computed anew as a whole. Each difference is of one of
three sorts:

- of *means*: cores, time limits, allowed losses, titles. It changes no result.
- of *length*: numbers of steps, rounds, replicas, walkers; how results are analysed. What depends
  on it is done again; the rest is kept.
- of *physics*: everything else. Results before and after do not belong together, so a run cannot
  go on; that is a new run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nucleoflow.dag.plan import PRODUCTIONS
from nucleoflow.study.model import Study

Sort = Literal["means", "length", "physics"]

_MEANS_SECTIONS = ("title", "resources", "report")
_MEANS = (
    *("timeout_s", "allowed_loss", "allowed_task_loss", "checkpoint_steps"),
    "reuse_wavefunction",
)
_LENGTHS = (
    "steps", "minimise_steps", "skip_steps", "fewest_frames", "max_rounds", "max_labels",
    "converged_accurate", "copies", "growth", "walkers", "replicas", "frames_per_task",
)  # fmt: skip
_COUNTS = ("walkers", "replicas")
"""Lengths that leave the runs that are there as they are."""
_RUNS = "(run|analyse)"


@dataclass(frozen=True)
class Difference:
    """One value that differs.

    Attributes
    ----------
    path : tuple of str
        Keys that lead to it in the study.
    before, after : object
        Plain values; None where there is none.
    """

    path: tuple[str, ...]
    before: Any
    after: Any

    @property
    def sort(self) -> Sort:
        """Of means, length or physics."""
        if self.path[0] in _MEANS_SECTIONS or self.path[-1] in _MEANS:
            return "means"
        if self.path[-1] in _LENGTHS or "analysis" in self.path or self._whole_production:
            return "length"
        if self.path[0] == "charges":  # nothing else is computed from them
            return "length"
        return "physics"

    @property
    def _whole_production(self) -> bool:
        """Whether a production was added or removed, which does not touch the others."""
        depth = 1 if self.path[0] == "nucleate" else 2
        absent = self.before is None or self.after is None
        return self.path[0] in PRODUCTIONS and len(self.path) == depth and absent

    def __str__(self) -> str:
        """Write it as ``learn.train.steps: 1000 -> 2000``."""
        return f"{'.'.join(self.path)}: {_short(self.before)} -> {_short(self.after)}"


def differences(before: Study, after: Study) -> list[Difference]:
    """Return all values that differ between two studies, in the order of the study."""
    return list(_compare(before.model_dump(mode="json"), after.model_dump(mode="json"), ()))


def done_again(changed: Sequence[Difference]) -> re.Pattern[str]:
    """Return what matches the keys of all steps that depend on some differences.

    Parameters
    ----------
    changed : sequence of Difference
        None of them of physics.
    """
    patterns: list[str] = []
    for difference in (d for d in changed if d.sort == "length"):
        section, *rest = difference.path
        if section != "nucleate":
            patterns.append("(?:prep|run|analyse)-charges")
        if section == "learn":
            # new potentials, so everything that is run with them
            patterns += ["iter-", "final--", "init--", "learn--(?!aimd-)", f"{_RUNS}-"]
            if rest and rest[0] == "initial_data":
                patterns.append("learn--")
        elif section in PRODUCTIONS:
            name = section if section == "nucleate" else f"{section}-{rest[0]}"
            only_analysis = "analysis" in rest or (rest and rest[-1] in _COUNTS)
            patterns.append(f"{'analyse' if only_analysis else _RUNS}-{re.escape(name)}(-|$)")
    patterns.append("report")
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _compare(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _compare(before.get(key), after.get(key), (*path, str(key)))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _compare(old, new, (*path, str(i)))
    elif before != after:
        yield Difference(path, before, after)


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
