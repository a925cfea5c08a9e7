"""Sums over consecutive frames of a run of unknown length, in a bounded number of blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray, IntArray


@dataclass
class Blocks:
    """Blocks of equal length that are merged in pairs whenever there would be too many.

    The blocking of H. Flyvbjerg and H. G. Petersen, J. Chem. Phys. 91, 461 (1989), done while the
    frames come: memory does not grow with their number.

    Attributes
    ----------
    most : int
        Most blocks, an even number.
    size : int
        Frames in a block.
    counts : list of int
        Frames in each block so far; all but the last are full.
    sums : list of ndarray
        What was added to each block.
    """

    most: int = 64
    size: int = 1
    counts: list[int] = field(default_factory=list)
    sums: list[FloatArray] = field(default_factory=list)

    def pieces(self, n_frames: int) -> Iterator[slice]:
        """Cut the next frames where blocks end; after each piece :meth:`add` what it holds."""
        start = 0
        while start < n_frames:
            if not self.counts or self.counts[-1] == self.size:
                self._open()
            take = min(n_frames - start, self.size - self.counts[-1])
            self.counts[-1] += take
            yield slice(start, start + take)
            start += take

    def add(self, values: ArrayLike) -> None:
        """Add to the block of the piece that was yielded last."""
        self.sums[-1] = self.sums[-1] + np.asarray(values, dtype=np.float64)

    def _open(self) -> None:
        if len(self.counts) == self.most:
            self.counts = [a + b for a, b in zip(self.counts[::2], self.counts[1::2], strict=True)]
            self.sums = [a + b for a, b in zip(self.sums[::2], self.sums[1::2], strict=True)]
            self.size *= 2
        self.counts.append(0)
        self.sums.append(np.zeros(()))

    @property
    def n_frames(self) -> int:
        """Frames in all blocks."""
        return sum(self.counts)

    def means(self) -> FloatArray:
        """Mean over the frames of each block, shape (B, ...)."""
        return np.array([s / n for s, n in zip(self.sums, self.counts, strict=True)])

    def grouped(self, n_frames: int) -> tuple[FloatArray, IntArray]:
        """Join neighbouring blocks to groups of at least so many frames.

        Returns
        -------
        sums : ndarray
            Shape (G, ...); what is left over at the end joins the last group.
        counts : ndarray of int
            Frames in each group, shape (G,).
        """
        each = -(-n_frames // self.size)
        groups = max(1, len(self.counts) // each)
        place = np.minimum(np.arange(len(self.counts)) // each, groups - 1)
        sums = np.zeros((groups, *np.shape(self.sums[0])))
        np.add.at(sums, place, np.array(self.sums))
        return sums, np.bincount(place, weights=self.counts, minlength=groups).astype(np.int64)


@dataclass
class BlockLength:
    """Finds how long blocks must be for an error, from the mean of each frame as it comes.

    Attributes
    ----------
    fine : Blocks
        Sums of the frames' means and of their squares.
    """

    fine: Blocks = field(default_factory=lambda: Blocks(1024))

    def add(self, series: ArrayLike) -> None:
        """Take in the next frames' means, shape (F,)."""
        x = np.asarray(series, dtype=np.float64)
        for piece in self.fine.pieces(len(x)):
            self.fine.add([x[piece].sum(), (x[piece] ** 2).sum()])

    def scan(self) -> list[tuple[int, int, float]]:
        """Standard error of the mean against the block length, as `block_sizes.mean_scan` does.

        Returns
        -------
        list of (block, n_blocks, error)
            Frames in a block, number of blocks, error; from blocks of one frame on.
        """
        n = self.fine.n_frames
        if n < 2:
            return []
        total, squares = np.sum(self.fine.sums, axis=0)
        variance = max(0.0, squares / n - (total / n) ** 2) * n / (n - 1)
        rows = [(1, n, float(np.sqrt(variance / n)))]
        full = [
            s[0] / c
            for s, c in zip(self.fine.sums, self.fine.counts, strict=True)
            if c == self.fine.size
        ]
        join = 1 if self.fine.size > 1 else 2
        while len(full) // join >= 2:
            means = np.reshape(full[: len(full) // join * join], (-1, join)).mean(axis=1)
            error = float(means.std(ddof=1) / np.sqrt(len(means)))
            rows.append((join * self.fine.size, len(means), error))
            join *= 2
        return rows

    def chosen(self, n_blocks: int) -> tuple[int, bool]:
        """Choose the block length.

        Parameters
        ----------
        n_blocks : int
            Blocks to make where no block is long enough.

        Returns
        -------
        block : int
            Frames in a block, by the rule of R. M. Lee *et al.* (`block_sizes.lee_block`).
        long_enough : bool
            Whether the rule found one; otherwise errors are lower bounds.
        """
        from nucleops.analysis.block_sizes import lee_block

        scan = self.scan()
        block = lee_block(scan, self.fine.n_frames)
        if block is not None:
            return block, True
        still = bool(scan) and scan[0][2] == 0.0  # every frame is the same
        return max(1, self.fine.n_frames // n_blocks), still
