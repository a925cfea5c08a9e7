"""Sum up the tasks of a run by stage: how many are done, which round it is, how long it takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nucleoflow.runs.moment import RunStatus, Task, is_utility_name

_ROUND = re.compile(r"(?:iter|round)-?0*(\d+)")
_OPEN = ("pending", "queued", "running", "retrying")


@dataclass(frozen=True)
class StageSummary:
    """One stage at one moment.

    Attributes
    ----------
    name : str
        The stage.
    state : str
        As of a run.
    done, total : int
        Tasks that have ended, and those known so far: later rounds are not known yet.
    round : int or None
        The latest round that has begun, where the stage goes in rounds.
    elapsed_s : float or None
        Since its first task began.
    eta_s : float or None
        Time left for the tasks known so far; None if one of them cannot be judged.
    """

    name: str
    state: str
    done: int
    total: int
    round: int | None
    elapsed_s: float | None
    eta_s: float | None


@dataclass(frozen=True)
class FanOut:
    """The runs of one production: walkers of a metadynamics, replicas of a nucleation.

    Attributes
    ----------
    name : str
        Stage and production, as ``metad-opening`` or ``nucleate``.
    done, running, waiting, failed, total : int
        Runs; those that were interrupted wait.
    share : float
        Of all work, as far as the runs say, 0 to 1.
    """

    name: str
    done: int
    running: int
    waiting: int
    failed: int
    total: int
    share: float


def fan_outs(status: RunStatus) -> list[FanOut]:
    """Sum up the productions of a run that consist of runs side by side."""
    members: dict[str, list[Task]] = {}
    for task in status.tasks:
        if task.path and task.name.startswith(f"run-{task.stage}"):
            members.setdefault(task.name.removeprefix("run-"), []).append(task)
    return [_fan_out(name, tasks) for name, tasks in members.items()]


def _fan_out(name: str, tasks: list[Task]) -> FanOut:
    done = sum(task.state == "succeeded" for task in tasks)
    failed = sum(task.state == "failed" for task in tasks)
    running = sum(task.state == "running" for task in tasks)
    shares = [
        1.0 if task.state in ("succeeded", "failed") else _share(task.progress) for task in tasks
    ]
    waiting = len(tasks) - done - failed - running
    share = sum(shares) / len(shares)
    return FanOut(name, done, running, waiting, failed, len(tasks), share)


def _share(progress: tuple[int, int] | None) -> float:
    return min(1.0, progress[0] / progress[1]) if progress and progress[1] > 0 else 0.0


def is_utility(task: Task) -> bool:
    """Whether dflow added the step by itself."""
    return is_utility_name(task.name)


def summarise(status: RunStatus, now: float, cores: int) -> list[StageSummary]:
    """Sum up a run by stage, in the order in which the stages began.

    Parameters
    ----------
    status : RunStatus
        The run.
    now : float
        Seconds since the epoch.
    cores : int
        Cores that the run may use.
    """
    stages: dict[str, list[Task]] = {}
    for group in status.groups:
        if not group.path:
            stages.setdefault(group.name, [])
    for task in status.tasks:
        stages.setdefault(task.stage, []).append(task)
    phases = {group.name: group.phase for group in status.groups if not group.path}
    summaries = [
        _stage(name, tasks, phases.get(name), status.state, now, cores)
        for name, tasks in stages.items()
    ]
    first = {
        name: min((task.started or now for task in tasks), default=now)
        for name, tasks in stages.items()
    }
    return sorted(summaries, key=lambda stage: first[stage.name])


def _stage(
    name: str, tasks: list[Task], phase: str | None, run_state: str, now: float, cores: int
) -> StageSummary:
    counted = [task for task in tasks if not is_utility(task)]
    open_tasks = [task for task in counted if task.state in _OPEN]
    begun = [task.started for task in tasks if task.started]
    ended = [task.ended for task in tasks if task.ended]
    state = _stage_state(phase, tasks, run_state)
    until = now if state == "running" else max(ended, default=now)
    rounds = [int(found[1]) for task in tasks for found in _ROUND.finditer(task.key)]
    return StageSummary(
        name=name,
        state=state,
        done=sum(task.state in ("succeeded", "failed") for task in counted),
        total=len(counted),
        round=max(rounds, default=None),
        elapsed_s=until - min(begun) if begun else None,
        eta_s=time_left(counted, now, cores) if open_tasks and state == "running" else None,
    )


def _stage_state(phase: str | None, tasks: Iterable[Task], run_state: str) -> str:
    states = {"succeeded" if task.tolerated else task.state for task in tasks}
    if phase == "Succeeded" or (phase is None and states == {"succeeded"}):
        return "succeeded"
    if run_state == "running" and (phase != "Failed" or states & set(_OPEN)):
        return "running"
    if phase == "Failed" or "failed" in states:
        return "failed"
    return "interrupted"


def time_left(tasks: Sequence[Task], now: float, cores: int) -> float | None:
    """Estimate when the last of some tasks ends, from their progress and from finished ones.

    Parameters
    ----------
    tasks : sequence of Task
        All tasks of a stage.
    now : float
        Seconds since the epoch.
    cores : int
        Cores there are.

    Returns
    -------
    float or None
        Seconds; None if there is a task of which neither is known.
    """
    known: dict[str, list[float]] = {}
    for task in tasks:
        if task.state == "succeeded" and task.elapsed_s is not None:
            known.setdefault(task.name, []).append(task.elapsed_s)
    work, longest = 0.0, 0.0
    for task in tasks:
        if task.state not in _OPEN:
            continue
        left = _task_left(task, now, known.get(task.name, []))
        if left is None:
            return None
        work += left * max(1, min(task.cores, cores))
        longest = max(longest, left)
    return max(longest, work / max(1, cores))


def _task_left(task: Task, now: float, durations: list[float]) -> float | None:
    if task.state == "running" and task.started is not None:
        elapsed = now - task.started
        if task.progress and 0 < task.progress[0] <= task.progress[1]:
            done, total = task.progress
            return elapsed * (total - done) / done
        if durations:
            return max(0.0, sum(durations) / len(durations) - elapsed)
        return None
    return sum(durations) / len(durations) if durations else None
