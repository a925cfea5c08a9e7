"""Decoding of the compressed coordinates of XTC, as a compiled loop.

The format is described by GROMACS' manual and was made for the library ``xdrfile``: coordinates are
integers of a stated precision. An atom stands either by itself, its three numbers packed into one
of mixed radix, or in a run of up to eight that follow it, as differences from the atom before, in
cubes whose edge grows and shrinks through the frame. Where a frame is read for some atoms only,
runs that hold none of them are passed over, and the rest of the frame after the last of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.compiled import compiled
from nucleops.systems.binary import PADDING
from nucleops.systems.frames import IntArray, Real
from nucleops.systems.xtc.bits import inverse_below, read_word, unpack_three, unpack_three_long

FIRST_EDGE, LAST_EDGE = 9, 72
"""First and last place among the edges of cubes that a file may name."""
EDGES = np.array(
    [
        *[0] * FIRST_EDGE, 8, 10, 12, 16, 20, 25, 32, 40, 50, 64, 80, 101, 128, 161, 203, 256, 322,
        406, 512, 645, 812, 1024, 1290, 1625, 2048, 2580, 3250, 4096, 5060, 6501, 8192, 10321,
        13003, 16384, 20642, 26007, 32768, 41285, 52015, 65536, 82570, 104031, 131072, 165140,
        208063, 262144, 330280, 416127, 524287, 660561, 832255, 1048576, 1321122, 1664510, 2097152,
        2642245, 3329021, 4194304, 5284491, 6658042, 8388607, 10568983, 13316085, 16777216,
    ],
    dtype=np.int64,
)  # fmt: skip
"""Edges of cubes: those of place n hold no more than 2^n points."""
_ONE_WORD = 52
"""Numbers of so many bits are exact in double precision, in which they are divided."""
_LARGEST_JOINED = 0xFFFFFF
"""Axes of more integers are written one by one, not joined into one number."""
_DONE, _WRONG, _TOO_WIDE = range(3)
_U = np.uint64


@dataclass(frozen=True)
class Rows:
    """Which atoms of a frame are asked for.

    Attributes
    ----------
    row : ndarray of int64
        Row of each atom in the result, -1 for those that are not asked for, shape (N,).
    upcoming : ndarray of int64
        First atom from each on that is asked for, N where there is none, shape (N + 1,).
    count : int
        How many they are.
    """

    row: IntArray
    upcoming: IntArray
    count: int


def rows_of(n_atoms: int, atoms: IntArray | None) -> Rows:
    """Prepare the reading of some atoms, by their indices without repetition; None: of all."""
    own = np.arange(n_atoms) if atoms is None else np.asarray(atoms, dtype=np.int64)
    return _rows_of(n_atoms, own.tobytes())


@lru_cache(maxsize=8)
def _rows_of(n_atoms: int, own: bytes) -> Rows:
    chosen = np.frombuffer(own, dtype=np.int64)
    row = np.full(n_atoms, -1, dtype=np.int64)
    row[chosen] = np.arange(len(chosen))
    nearest = np.append(np.where(row >= 0, np.arange(n_atoms), n_atoms), n_atoms)
    upcoming = np.minimum.accumulate(nearest[::-1])[::-1]
    return Rows(row, np.ascontiguousarray(upcoming), len(chosen))


@compiled
def _write(out: Any, row: int, x: int, y: int, z: int, per_unit: Any) -> None:
    """Write a point in angstrom, if it is asked for; nm are in single precision, as in the file."""
    if row >= 0:
        to = _U(row)
        out[to, 0] = 10.0 * np.float64(np.float32(x) * per_unit)
        out[to, 1] = 10.0 * np.float64(np.float32(y) * per_unit)
        out[to, 2] = 10.0 * np.float64(np.float32(z) * per_unit)


def _decoder(three: Callable[..., tuple[Any, Any, Any]], widest: int) -> Callable[..., int]:
    """Compile the loop for numbers of at most so many bits, unpacked by `three`.

    Wide numbers are so rare and so much slower that they have a loop of their own.
    """

    def decode(
        data: Any,
        lowest: Any,
        sizes: Any,
        widths: Any,
        edge: int,
        per_unit: Any,
        row: Any,
        upcoming: Any,
        out: Any,
    ) -> int:
        n_atoms, end = len(row), _U(8 * (len(data) - PADDING))
        first, second, third = _U(widths[0]), _U(widths[1]), _U(widths[2])
        width, apart = first + second + third, second > _U(0)
        if width > _U(widest) or edge > widest:
            return _TOO_WIDE
        by_middle, by_last = _U(sizes[1]), _U(sizes[2])
        per_middle, per_last = inverse_below(sizes[1]), inverse_below(sizes[2])
        cube, per_cube, half = _U(EDGES[edge]), inverse_below(EDGES[edge]), EDGES[edge] // 2
        place, atom, run = _U(0), 0, 0
        while upcoming[_U(atom)] < n_atoms:
            alone = place
            place += width
            if place > end:
                return _WRONG
            word = read_word(data, place)
            change = 0
            if word >> _U(63):  # the run's length is told, and the next cube; else they stay
                told = int((word >> _U(58)) & _U(31))
                run, change = told // 3, told % 3 - 1
                place += _U(6)
            else:
                place += _U(1)
            last = atom + run
            if last >= n_atoms or place + _U(run * edge) > end:
                return _WRONG
            if upcoming[_U(atom)] <= last:
                if apart:
                    x = np.int64(read_word(data, alone) >> (_U(64) - first))
                    y = np.int64(read_word(data, alone + first) >> (_U(64) - second))
                    z = np.int64(read_word(data, alone + first + second) >> (_U(64) - third))
                else:
                    x, y, z = three(data, alone, width, by_middle, by_last, per_middle, per_last)
                x, y, z = x + lowest[0], y + lowest[1], z + lowest[2]
                # the first two of a run are swapped: it begins with the second
                _write(out, row[_U(atom + 1 if run else atom)], x, y, z, per_unit)
                for k in range(run):
                    at = atom + k + 1 if k else atom
                    if upcoming[_U(at)] > last:
                        break
                    dx, dy, dz = three(
                        data, place + _U(k * edge), _U(edge), cube, cube, per_cube, per_cube
                    )
                    x, y, z = x + dx - half, y + dy - half, z + dz - half
                    _write(out, row[_U(at)], x, y, z, per_unit)
            place += _U(run * edge)
            atom = last + 1
            if change:
                edge += change
                if edge < FIRST_EDGE or edge > LAST_EDGE:
                    return _WRONG
                if edge > widest:
                    return _TOO_WIDE
                cube, per_cube, half = _U(EDGES[edge]), inverse_below(EDGES[edge]), EDGES[edge] // 2
        return _DONE

    return compiled(decode)


@compiled
def _bits(number: Any) -> Any:
    """Bits of a whole number."""
    bits = 0
    while (number >> bits) > 0:
        bits += 1
    return bits


@compiled
def _width(sizes: Any) -> Any:
    """Bits of the largest number that three numbers below `sizes`, of 24 bits, make together."""
    two = sizes[0] * sizes[1]
    low = (two & _LARGEST_JOINED) * sizes[2]
    high = (two >> 24) * sizes[2] + (low >> 24)
    return 24 + _bits(high) if high > 0 else _bits(low)


def _frames(decode: Callable[..., int]) -> Callable[..., None]:
    """Compile the loop over frames for one of the decoders."""

    def frames(
        data: Any,
        spans: Any,
        limits: Any,
        precisions: Any,
        row: Any,
        upcoming: Any,
        out: Any,
        status: Any,
    ) -> None:
        lowest, sizes = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
        widths = np.zeros(3, dtype=np.int64)
        for f in range(len(spans)):
            edge = limits[f, 6]
            status[f] = _WRONG
            for k in range(3):
                lowest[k] = limits[f, k]
                sizes[k] = limits[f, 3 + k] - lowest[k] + 1
            if sizes.min() <= 0 or edge < FIRST_EDGE or edge > LAST_EDGE or not precisions[f] > 0:
                continue
            widths[:] = 0
            if sizes.max() <= _LARGEST_JOINED:
                widths[0] = _width(sizes)
            else:
                for k in range(3):
                    widths[k] = _bits(sizes[k])
            own = data[spans[f, 0] : spans[f, 1] + PADDING]
            per_unit = np.float32(1.0) / precisions[f]
            status[f] = decode(own, lowest, sizes, widths, edge, per_unit, row, upcoming, out[f])

    return compiled(frames)


_decode_narrow = _frames(_decoder(unpack_three, _ONE_WORD))
_decode_wide = _frames(_decoder(unpack_three_long, 3 * 32))


def decode(
    data: NDArray[np.uint8],
    spans: IntArray,
    limits: IntArray,
    precisions: NDArray[np.float32],
    rows: Rows,
    out: NDArray[Real],
) -> int | None:
    """Decode the compressed coordinates of frames, of all atoms or of some.

    Parameters
    ----------
    data : ndarray of uint8
        Bytes that hold them, and ``PADDING`` more.
    spans : ndarray of int64
        Where those of each frame begin and end, shape (F, 2).
    limits : ndarray of int64
        Least and largest integer of each axis, and the place of the first cube's edge among those
        of the format, shape (F, 7).
    precisions : ndarray of float32
        Integers in a nm, shape (F,).
    rows : Rows
        Which atoms are asked for.
    out : ndarray
        Filled with angstrom, shape (F, rows.count, 3).

    Returns
    -------
    int or None
        Place of the first frame whose bytes are not those of such a frame, as far as they were
        read; None if there is none.
    """
    status = np.empty(len(spans), dtype=np.int64)
    _decode_narrow(data, spans, limits, precisions, rows.row, rows.upcoming, out, status)
    for f in np.flatnonzero(status == _TOO_WIDE):
        own = slice(f, f + 1)
        given = (data, spans[own], limits[own], precisions[own], rows.row, rows.upcoming)
        _decode_wide(*given, out[own], status[own])
    wrong = np.flatnonzero(status != _DONE)
    return int(wrong[0]) if len(wrong) else None
