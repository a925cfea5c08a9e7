"""One moment of a run, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nucleoflow.backends.local.layout import RunFolder

FINAL = ("succeeded", "failed")


@dataclass
class Task:
    """One leaf step.

    Attributes
    ----------
    key : str
        Name of its folder.
    name : str
        Name of the step in its template.
    path : tuple of str
        Names of the steps that hold it, outermost (the stage) first.
    state : str
        ``pending``, ``queued``, ``running``, ``retrying``, ``interrupted``, ``succeeded`` or
        ``failed``.
    attempts : int
        How often its script was started, in all sessions of the run.
    started, ended : float or None
        Of the last attempt; seconds since the epoch.
    progress : tuple of int or None
        Done and total, if the step says.
    tolerated : bool
        It failed, and the workflow went on without it.
    """

    key: str
    name: str
    path: tuple[str, ...] = ()
    state: str = "pending"
    attempts: int = 0
    cores: int = 0
    started: float | None = None
    ended: float | None = None
    progress: tuple[int, int] | None = None
    kind: str = ""
    message: str = ""
    log: str = ""
    tolerated: bool = False

    @property
    def stage(self) -> str:
        """The stage it belongs to."""
        return self.path[0] if self.path else self.name

    @property
    def place(self) -> str:
        """The stage that holds it; empty for a step that is a stage itself.

        The names of the templates in between say nothing that a step's key does not.
        """
        return self.path[0] if self.path else ""

    def label(self, run_id: str) -> str:
        """Return the key without the run id that dflow puts before keys of its own making."""
        return self.key.removeprefix(f"{run_id}-")

    @property
    def elapsed_s(self) -> float | None:
        """Duration of the last attempt in seconds, once it has ended."""
        if self.started is None or self.ended is None:
            return None
        return self.ended - self.started


@dataclass(frozen=True)
class Group:
    """A step that holds others: what dflow says of it."""

    key: str
    name: str
    path: tuple[str, ...]
    phase: str


@dataclass
class RunStatus:
    """A run at one moment.

    Attributes
    ----------
    state : str
        ``running``, ``succeeded``, ``failed``, ``interrupted``, or ``lost`` if the controller
        ended without a word.
    """

    run: RunFolder
    meta: dict[str, Any]
    state: str
    exit_code: int | None
    problem: dict[str, Any]
    tasks: list[Task] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    started: float | None = None
    ended: float | None = None

    @property
    def failures(self) -> list[Task]:
        """Failed tasks that were not tolerated, the first to fail first."""
        failed = [task for task in self.tasks if task.state == "failed" and not task.tolerated]
        return sorted(failed, key=lambda task: task.ended or 0.0)
