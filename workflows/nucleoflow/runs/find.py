"""Find the step that a user means."""

from __future__ import annotations

from collections.abc import Callable

from nucleoflow.runs.moment import RunStatus, Task
from nucleops.errors import WrongInput

_MOST_NAMES = 20


def find_task(status: RunStatus, reference: str, has_log: Callable[[Task], bool]) -> Task:
    """Find a step that has a log.

    Parameters
    ----------
    status : RunStatus
        The run.
    reference : str
        Key of the step, the beginning or a part of it, or the step's name.
    has_log : callable
        Whether a step has a log: only such steps are meant.

    Raises
    ------
    WrongInput
        No step, or more than one, is meant, or it has not started yet.
    """
    tasks = status.tasks
    found = [task for task in tasks if task.key == reference]
    found = found or [t for t in tasks if t.key.startswith(reference) or t.name == reference]
    found = found or [task for task in tasks if reference in task.key]
    with_log = [task for task in found if has_log(task)]
    if len(found) == 1 and not with_log:
        raise WrongInput(f"step {found[0].key} has not started yet and has no log")
    if len(with_log) == 1:
        return with_log[0]
    names = ", ".join(sorted(task.key for task in (found or tasks))[:_MOST_NAMES])
    what = f"{len(found)} steps match" if found else "there is no step"
    raise WrongInput(f"{what} '{reference}' in run {status.run.id}", advice=f"steps: {names}")
