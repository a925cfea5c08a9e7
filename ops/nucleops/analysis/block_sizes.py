"""How long blocks of a series have to be for an error by blocks to be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def mean_scan(series: ArrayLike, blocks: Sequence[int]) -> list[tuple[int, int, float]]:
    """Standard error of the mean of a series as a function of the block size.

    Parameters
    ----------
    series : array_like
        Shape (F,), in order of time.
    blocks : sequence of int
        Rows in a block; sizes that leave fewer than two blocks are left out.

    Returns
    -------
    list of (block, n_blocks, error)
        Rows in a block, number of blocks, and the error in the series' unit.
    """
    x = np.asarray(series, dtype=np.float64)
    rows = []
    for block in blocks:
        count = len(x) // block
        if count < 2:
            continue
        means = x[: count * block].reshape(count, block).mean(axis=1)
        rows.append((int(block), count, float(means.std(ddof=1) / np.sqrt(count))))
    return rows


def autocorrelation_time(values: ArrayLike) -> float:
    """Integrated autocorrelation time of a series, shape (F,), in rows; at least 1/2.

    ``tau = 1/2 + sum_t rho(t)``, summed up to the first t that exceeds 5 tau (Sokal, *Monte Carlo
    Methods in Statistical Mechanics*, 1989); half the length where the series is shorter than that.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x - x.mean()
    n = len(x)
    if n < 4 or not np.any(x):
        return 0.5
    transform = np.fft.rfft(x, 2 * n)
    rho = np.fft.irfft(transform * np.conj(transform))[:n]
    taus = np.cumsum(rho / rho[0]) - 0.5
    closed = np.flatnonzero(np.arange(n) > 5.0 * taus)
    # The sum falls again once it reaches the series' own length, so its highest value counts.
    return float(max(0.5, taus[: closed[0] + 1].max())) if len(closed) else n / 2.0


def lee_block(scan: Sequence[tuple[int, int, float]], n_rows: int) -> int | None:
    """Choose a block size from a scan by a rule that needs no eye.

    The smallest block B with ``B^3 > 2 N (error(B)/error(1))^4`` (R. M. Lee, G. J. Conduit,
    N. Nemec, P. Lopez Rios and N. D. Drummond, Phys. Rev. E 83, 066706 (2011), eq. 23, after U.
    Wolff, Comput. Phys. Commun. 156, 143 (2004)): there the error that short blocks leave out has
    become as small as the statistical error of the error.

    Parameters
    ----------
    scan : sequence of (block, n_blocks, error)
        What :func:`mean_scan` returns, from blocks of one row on.
    n_rows : int
        Rows of the series, N.

    Returns
    -------
    int or None
        The block size in rows; None where no block fulfils it or fewer than eight blocks would be
        left, so that any error given is a lower bound.
    """
    if not scan or not scan[0][2] > 0:
        return None
    first = scan[0][2]
    for block, count, error in scan:
        if count >= 8 and float(block) ** 3 > 2.0 * n_rows * (error / first) ** 4:
            return block
    return None


def plateau(series: ArrayLike) -> tuple[list[tuple[int, int, float]], int | None]:
    """Scan the error of a mean over block sizes, and choose one.

    Parameters
    ----------
    series : array_like
        Shape (n,), in order of time.

    Returns
    -------
    scan : list of (block, n_blocks, error)
        As of :func:`mean_scan`.
    block : int or None
        By :func:`lee_block`, and at least twice the autocorrelation time (Sokal); None where no
        block is long enough.
    """
    x = np.asarray(series, dtype=np.float64)
    scan = mean_scan(x, sorted({int(b) for b in np.geomspace(1, max(1, len(x) // 4), 24)}))
    shortest = 2.0 * autocorrelation_time(x)
    usable = scan[:1] + [row for row in scan[1:] if row[0] >= shortest]
    return scan, lee_block(usable, len(x))
