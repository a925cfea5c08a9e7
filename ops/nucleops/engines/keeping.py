"""Where and how often a run is kept, whichever program makes it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from nucleops.engines.limits import grace_s
from nucleops.errors import WrongInput
from nucleops.storage.kept import INTERVAL_VARIABLE, STORE_VARIABLE
from nucleops.storage.objects import ObjectStore, open_store

DEFAULT_INTERVAL_S = 300.0


@dataclass(frozen=True)
class Keeping:
    """Where and how often a run is kept.

    Attributes
    ----------
    store : ObjectStore
        The store.
    key : str
        The run in it: stage, name and number.
    interval_s : float
        Wall-clock seconds between stored checkpoints.
    grace_s : float
        Seconds between being told to end and being ended.
    """

    store: ObjectStore
    key: str
    interval_s: float = DEFAULT_INTERVAL_S
    grace_s: float = 15.0


def keeping_at(url: str, key: str, interval_s: float | None) -> Keeping:
    """Return how a run is kept in a store.

    Parameters
    ----------
    url : str
        The store, as :func:`nucleops.storage.objects.open_store` takes it.
    key : str
        The run.
    interval_s : float or None
        Seconds between checkpoints; None for what the environment says.

    Raises
    ------
    WrongInput
        The URL or a variable of the environment has a value that is not allowed.
    """
    return Keeping(open_store(url), key, interval_s or _interval_from_environment(), grace_s())


def keeping_from_environment(key: str, interval_s: float | None = None) -> Keeping | None:
    """Return how the environment says that a run is kept; None where it names no store.

    Parameters
    ----------
    key : str
        The run.
    interval_s : float or None
        Seconds between checkpoints; None for what the environment says.

    Raises
    ------
    WrongInput
        A variable has a value that is not allowed.
    """
    url = os.environ.get(STORE_VARIABLE)
    return keeping_at(url, key, interval_s) if url else None


def _interval_from_environment() -> float:
    text = os.environ.get(INTERVAL_VARIABLE) or str(DEFAULT_INTERVAL_S)
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise WrongInput(f"{INTERVAL_VARIABLE}: found {text!r}, allowed: seconds, more than 0")
