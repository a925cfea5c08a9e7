"""What a run is called in a store of checkpoints, and when they are removed."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from nucleops.errors import NucleoError
from nucleops.storage.checkpoints import forget_below
from nucleops.storage.objects import open_store

STORE_VARIABLE = "NUCLEOFLOW_CHECKPOINTS"
"""URL of the store; without it a run keeps no checkpoints beyond its own folder."""
INTERVAL_VARIABLE = "NUCLEOFLOW_CHECKPOINT_INTERVAL_S"
"""Wall-clock seconds between stored checkpoints."""
_log = logging.getLogger(__name__)


def checkpoint_key(label: str, number: int | None) -> str:
    """Return what a run is called in a store of checkpoints."""
    return label if number is None else f"{label}/{number:03d}"


def forget_finished(label: str, folders: Sequence[Path]) -> None:
    """Remove the checkpoints of runs whose results have arrived.

    Parameters
    ----------
    label : str
        Stage and name of the runs, see :class:`nucleops.engines.lammps.task.MdTask`.
    folders : sequence of Path
        Their result folders, called ``replica-000``, or without a number where there is one run.
    """
    for folder in folders:
        number = folder.name.rpartition("-")[2]
        forget(checkpoint_key(label, int(number) if number.isdigit() else None))


def forget(key: str) -> None:
    """Remove what is kept below a key in the store that the environment names, if it names one.

    A store that does not answer is no failure: what it keeps for longer does no harm.
    """
    url = os.environ.get(STORE_VARIABLE)
    if not url:
        return
    try:
        forget_below(open_store(url), key)
    except NucleoError as error:
        _log.warning("the checkpoints of %s are not removed: %s", key, error)
