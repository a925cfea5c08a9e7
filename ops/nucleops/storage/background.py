"""Saving in the background: what is saved must not hold up what it is saved from."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from nucleops.errors import NucleoError
from nucleops.storage.retrying import LONGEST_PAUSE_S, pause_s

T = TypeVar("T")
_LONGEST_PAUSE_AT_END_S = 1.0
_log = logging.getLogger(__name__)


class Background(Generic[T]):
    """A thread that saves what it is offered, and tries again where that fails.

    Failures are warnings: the run goes on for as long as the store is away, and what it loses if
    it is ended then is the time since the last success.

    Parameters
    ----------
    save : callable
        Saves an item; a :class:`nucleops.errors.NucleoError` means that it may be tried again.
    what : str
        What is saved, for warnings.
    """

    def __init__(self, save: Callable[[T], None], what: str) -> None:
        self._save = save
        self._what = what
        self._item: T | None = None
        self._busy = False
        self._ending = self._given_up = False
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def offer(self, item: T) -> None:
        """Have an item saved soon; one offered before and not yet begun is forgotten for it."""
        with self._news:
            self._item = item
            self._news.notify_all()
        if self._thread is None:
            # a daemon: a store that hangs must not keep a process that is to end
            self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
            self._thread.start()

    def finish(self, patience_s: float) -> bool:
        """Wait until everything offered is saved, then end.

        Parameters
        ----------
        patience_s : float
            Longest wait in seconds.

        Returns
        -------
        bool
            Whether it is; what is not is given up.
        """
        deadline = time.monotonic() + patience_s
        with self._news:
            self._ending = True
            self._news.notify_all()
            while self._item is not None or self._busy:
                left = deadline - time.monotonic()
                if left <= 0:
                    self._item, self._given_up = None, True
                    return False
                self._news.wait(left)
        return True

    def _work(self) -> None:
        failures = 0
        while True:
            with self._news:
                self._news.wait_for(lambda: self._item is not None or self._ending)
                if self._item is None:
                    return
                item, self._item, self._busy = self._item, None, True
            error = self._tried(item)
            if error is not None:
                failures += 1
                _log.warning("%s not saved, trying again (%d): %s", self._what, failures, error)
            elif failures:
                _log.warning("%s saved again after %d failures", self._what, failures)
                failures = 0
            with self._news:
                self._busy = False
                if error is not None and self._item is None and not self._given_up:
                    self._item = item
                self._news.notify_all()
                if error is not None:
                    self._pause(failures)

    def _pause(self, failures: int) -> None:
        """Leave the store alone for a while; the end of the run makes it a short while."""
        ending = self._ending
        longest = _LONGEST_PAUSE_AT_END_S if ending else LONGEST_PAUSE_S
        self._news.wait_for(lambda: self._ending and not ending, min(pause_s(failures), longest))

    def _tried(self, item: T) -> Exception | None:
        try:
            self._save(item)
        except (NucleoError, OSError) as error:
            return error
        return None
