"""Trying a store again, with pauses that grow."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from nucleops.errors import DamagedObject, StorageUnreachable

T = TypeVar("T")

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0


def fetched(read: Callable[[], T], tries: int) -> T:
    """Return what ``read`` returns, tried again where it may have failed on the way only.

    Parameters
    ----------
    read : callable
        Reads from a store. An object that arrives damaged may lie there undamaged.
    tries : int
        How often; what the last one raises is passed on.
    """
    for tried in range(tries):
        try:
            return read()
        except (DamagedObject, StorageUnreachable):
            if tried + 1 >= tries:
                raise
        time.sleep(pause_s(tried))
    raise AssertionError("tries are at least one")


def pause_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row, in seconds.

    It grows from 0.2 to 30 s and is random, so that runs which failed together do not come back
    together.
    """
    longest = min(FIRST_PAUSE_S * 2.0 ** min(failures, 20), LONGEST_PAUSE_S)
    return random.uniform(longest / 2, longest)
