"""How long blocks of a series have to be for an error by blocks to be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.errors import block_average, block_histograms
from nucleops.analysis.grid import Grid


def block_size_scan(
    samples: ArrayLike, log_weights: ArrayLike, grid: Grid, blocks: Sequence[int], kT: float = 1.0
) -> list[tuple[int, int, float]]:
    """Mean free-energy error as a function of the block size.

    The error grows with the block size while blocks are correlated; where it stays level, it can
    be believed (Flyvbjerg and Petersen, J. Chem. Phys. 91, 461 (1989)).

    Returns
    -------
    list of (block, n_blocks, error)
        Samples in a block, number of blocks that carry weight, and the mean error over bins below
        6 kT above the minimum, in kT's unit. Sizes that leave fewer than two blocks are left out.
    """
    rows = []
    for block in blocks:
        histograms, weights = block_histograms(samples, log_weights, grid, block)
        if np.count_nonzero(weights) < 2:
            continue
        estimate = block_average(histograms, weights, kT)
        known = np.isfinite(estimate.free_energy)
        low = estimate.free_energy - estimate.free_energy[known].min() < 6.0 * kT
        errors = estimate.free_energy_error[known & low]
        rows.append((block, estimate.n_blocks, float(errors.mean())))
    return rows


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
        As :func:`block_size_scan` has it.
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


def plateau(
    scan: Sequence[tuple[int, int, float]], shortest: float = 0.0, tolerance: float = 0.1
) -> int | None:
    """Choose a block size: the first whose error is not exceeded by more than `tolerance` later.

    Parameters
    ----------
    scan : sequence of (block, n_blocks, error)
        What :func:`block_size_scan` returns, ascending in block size.
    shortest : float
        Blocks must be at least this long: twice the autocorrelation time, since a scan can look
        level among blocks that are all too short.
    tolerance : float
        Relative growth that still counts as level.

    Returns
    -------
    int or None
        The block size in samples; None where the error still grows at the largest size (the last
        one cannot show that it is level) or no size is long enough, so that any error given is a
        lower bound.
    """
    usable = [row for row in scan if row[1] >= 4 and row[0] >= shortest]
    for i, (block, _, error) in enumerate(usable[:-1]):
        if all(later <= error * (1.0 + tolerance) for _, _, later in usable[i + 1 :]):
            return block
    return None


def lee_block(scan: Sequence[tuple[int, int, float]], n_rows: int) -> int | None:
    """Choose a block size from a scan by a rule that needs no eye.

    The smallest block B with ``B^3 > 2 N (error(B)/error(1))^4`` (R. M. Lee, G. J. Conduit,
    N. Nemec, P. Lopez Rios and N. D. Drummond, Phys. Rev. E 83, 066706 (2011), eq. 23, after U.
    Wolff, Comput. Phys. Commun. 156, 143 (2004)): there the error that short blocks leave out has
    become as small as the statistical error of the error.

    Parameters
    ----------
    scan : sequence of (block, n_blocks, error)
        What :func:`block_size_scan` returns, from blocks of one row on.
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
