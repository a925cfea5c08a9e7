"""One moment of a run, as plain data; the same wherever it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nucleoflow.runs.folder import RunFolder

FINAL = ("succeeded", "failed")
_UTILITIES = ("-init-artifact", "-check-success-ratio", "-check-num-success")


def is_utility_name(name: str) -> bool:
    """Whether dflow added a step of this name by itself."""
    return name.endswith(_UTILITIES)


@dataclass
class Task:
    """One leaf step.

    Attributes
    ----------
    key : str
        Its key, which names it in every attempt and resumed run.
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
    kind, message : str
        Class of the failure in words, as in :mod:`nucleops.errors`, and what happened; or what a
        step that has not begun waits for.
    log : str
        Path of its log, where that is a file of this machine.
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
    """A step that holds others: what dflow or Argo says of it."""

    key: str
    name: str
    path: tuple[str, ...]
    phase: str


@dataclass(frozen=True)
class Round:
    """What a round of concurrent learning found.

    Attributes
    ----------
    number : int
        From 0.
    accurate, candidate, failed : float or None
        Shares of the explored frames by model deviation; None while exploration goes on.
    selected : int or None
        Frames chosen for labelling.
    labelled, dropped : int or None
        What became of them; None while labelling goes on.
    low : float or None
        Low trust level in eV/A.
    explorations : dict
        Exploration to its shares of accurate, candidate and failed frames.
    advice : str
        What to change where nothing was left to label though the potential was not accurate enough.
    """

    number: int
    accurate: float | None = None
    candidate: float | None = None
    failed: float | None = None
    selected: int | None = None
    labelled: int | None = None
    dropped: int | None = None
    low: float | None = None
    explorations: dict[str, list[float]] = field(default_factory=dict)
    advice: str = ""


@dataclass(frozen=True)
class DataSet:
    """The labelled frames of a run.

    Attributes
    ----------
    address : str
        Digest of its frames; equal addresses mean equal data.
    n_frames : int
        Number of frames.
    """

    address: str
    n_frames: int


@dataclass
class RunStatus:
    """A run at one moment.

    Attributes
    ----------
    run : RunFolder
        Its folder on this machine, which need not exist for a run submitted elsewhere.
    meta : dict
        What was asked for, as in ``run.json``.
    state : str
        ``pending`` (not begun yet), ``running``, ``succeeded``, ``failed``, ``interrupted``, or
        ``lost``: the controller ended without a word, or the workflow is gone from the cluster.
    problem : dict
        ``kind`` and ``message`` of a failure that is not one of a step.
    waits_for : str
        What queued steps wait for.
    note : str
        What the run as a whole waits for, if anything.
    address : str
        Web page that shows the run; empty for a local one.
    """

    run: RunFolder
    meta: dict[str, Any]
    state: str
    exit_code: int | None
    problem: dict[str, Any]
    tasks: list[Task] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    data: DataSet | None = None
    started: float | None = None
    ended: float | None = None
    waits_for: str = "cores"
    note: str = ""
    address: str = ""

    @property
    def failures(self) -> list[Task]:
        """Failed tasks that were not tolerated, the first to fail first."""
        failed = [task for task in self.tasks if task.state == "failed" and not task.tolerated]
        return sorted(failed, key=lambda task: task.ended or 0.0)
