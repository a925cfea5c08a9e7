"""What the rounds of concurrent learning cost, from when their tasks ran."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nucleoflow.runs.moment import Task

KINDS = {"train": "training", "lmp": "exploring", "fp": "labelling"}
"""How keys of a round's tasks begin after ``run-``, to what they do."""
_KEY = re.compile(rf"iter-0*(\d+)--run-({'|'.join(KINDS)})-\d+$")


def round_costs(tasks: Iterable[Task], now: float) -> dict[int, dict[str, float]]:
    """Add up core time of each round.

    Parameters
    ----------
    tasks : iterable of Task
        Tasks of a run.
    now : float
        Seconds since the epoch, up to which running tasks count.

    Returns
    -------
    dict
        Round to what (:data:`KINDS`) to seconds times cores of the last attempts. Where cores are
        not known, as in a cluster, a task counts as one.
    """
    costs: dict[int, dict[str, float]] = {}
    for task in tasks:
        found = _KEY.search(task.key)
        if found is None or task.started is None:
            continue
        own = costs.setdefault(int(found[1]), {})
        seconds = (task.ended or now) - task.started
        own[KINDS[found[2]]] = own.get(KINDS[found[2]], 0.0) + max(1, task.cores) * seconds
    return costs
