"""Which rows of a series count where restarted runs wrote some times again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nucleops.bias.resolved import FloatArray


@dataclass
class Restarts:
    """Where in a series the time jumped back, found block by block.

    A row is superseded by what was written after a later jump to its time or one before it. Equal
    times in a row are of walkers that write one file (PLUMED's ``WALKERS_MPI``) where the first two
    times of the series are repeated; elsewhere the later row wins.

    Attributes
    ----------
    walkers : int
        How often each time occurs.
    """

    walkers: int = 1
    _rows: int = 0
    _last: float = -np.inf
    _starts: list[int] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)

    def see(self, time: FloatArray, *, fresh: bool = False) -> None:
        """Look at the next rows.

        Parameters
        ----------
        time : ndarray
            Shape (n,), in the order in which the rows were written.
        fresh : bool
            Whether a header stands before them: a program had just been started.
        """
        if not len(time):
            return
        if not self._rows:
            self.walkers = _repeated(time)
        step = np.diff(time, prepend=self._last)
        back = step < 0 if self.walkers > 1 else step <= 0
        back[0] = back[0] or (fresh and step[0] <= 0)
        at = np.flatnonzero(back)
        self._starts += [self._rows + int(k) for k in at]
        self._times += [float(t) for t in time[at]]
        self._rows += len(time)
        self._last = float(time[-1])

    def kept(self, time: FloatArray, first: int) -> NDArray[np.bool_]:
        """Tell which rows count, once all have been seen.

        Parameters
        ----------
        time : ndarray
            Shape (n,).
        first : int
            How many rows of the series came before these.

        Returns
        -------
        ndarray of bool
            Shape (n,).
        """
        starts = np.array(self._starts, dtype=np.int64)
        if not len(starts) or starts[-1] <= first:
            return np.ones(len(time), dtype=np.bool_)
        earliest = np.minimum.accumulate(np.array(self._times)[::-1])[::-1]
        later = np.append(earliest, np.inf)[
            np.searchsorted(starts, first + np.arange(len(time)), side="right")
        ]
        return np.asarray(time < later, dtype=np.bool_)


def later_wins(time: FloatArray) -> NDArray[np.bool_]:
    """Tell which rows of a whole series count, shape (n_rows,); see :class:`Restarts`."""
    restarts = Restarts()
    restarts.see(time)
    return restarts.kept(time, 0)


def _repeated(time: FloatArray) -> int:
    """How often the first time occurs, where the second occurs as often; else 1."""
    own = int(np.argmax(time != time[0])) or len(time)
    second = time[own : 2 * own]
    return own if 1 < own < len(time) and bool(np.all(second == second[0])) else 1
