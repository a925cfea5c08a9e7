"""Compiled reading of rows of decimal numbers.

A decimal w 10^q becomes the double nearest to it, as ``float`` makes it: exactly where w < 2^53 and
|q| <= 22 (W. D. Clinger, PLDI 1990), else by the 128-bit product of w with a truncated power of
five, of which it can be told when it does not suffice (D. Lemire, Softw. Pract. Exper. 51, 1700
(2021), algorithm 1). What neither can do is left to the caller.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.compiled import compiled

LOWEST, HIGHEST = -60, 60
"""Exponents of ten for which the product is tried."""
_EXACT = np.array([10.0**k for k in range(23)])
_U = np.uint64


def _fives() -> NDArray[np.uint64]:
    """Leading 128 bits of 5^q, shape (n, 2), high half first; rounded up for negative q."""
    table = np.empty((HIGHEST - LOWEST + 1, 2), dtype=np.uint64)
    for q in range(LOWEST, HIGHEST + 1):
        if q >= 0:
            value = 5**q
            value = value << 128 >> value.bit_length()
        else:
            power = 5**-q
            value = (1 << (127 + power.bit_length())) // power + 1
            value >>= value.bit_length() - 128
        table[q - LOWEST] = value >> 64, value & (2**64 - 1)
    return table


_FIVES = _fives()


@compiled
def _product(a: Any, b: Any) -> Any:
    """High and low half of the 128-bit product of two 64-bit numbers."""
    mask, half = _U(0xFFFFFFFF), _U(32)
    a0, a1, b0, b1 = a & mask, a >> half, b & mask, b >> half
    low = a0 * b0
    middle = a1 * b0 + (low >> half)
    other = a0 * b1 + (middle & mask)
    return a1 * b1 + (middle >> half) + (other >> half), (other << half) | (low & mask)


@compiled
def _nearest(w: Any, q: int) -> Any:
    """Bits of the double nearest to w 10^q, w > 0; and whether they are certain."""
    zero, one = _U(0), _U(1)
    shift = 0
    while w >> _U(63) == zero:
        w = w << one
        shift += 1
    high, low = _product(w, _FIVES[q - LOWEST, 0])
    if high & _U(0x1FF) == _U(0x1FF):
        more, _ = _product(w, _FIVES[q - LOWEST, 1])
        low = low + more
        if low < more:
            high = high + one
        if low == _U(0xFFFFFFFFFFFFFFFF) and (q < -27 or q > 55):
            return zero, False
    top = high >> _U(63)
    drop = top + _U(9)
    mantissa = high >> drop
    exponent = ((217706 * q) >> 16) + 1086 + np.int64(top) - shift
    if exponent <= 0 or exponent >= 2047:
        return zero, False
    # exactly half way between two doubles: to the even one
    half_way = low <= one and -4 <= q <= 23 and mantissa & _U(3) == one
    if half_way and mantissa << drop == high:
        mantissa = mantissa & ~one
    mantissa = (mantissa + (mantissa & one)) >> one
    if mantissa >= _U(1) << _U(53):
        mantissa = _U(1) << _U(52)
        exponent += 1
    return (mantissa & ~(_U(1) << _U(52))) | (_U(exponent) << _U(52)), True


@compiled
def read_rows(text: Any, start: int, stop: int, out: Any) -> Any:
    """Read rows of numbers from whole lines, up to the first line that is anything else.

    Parameters
    ----------
    text : ndarray of uint8
        Text; a line ends at every line feed.
    start, stop : int
        Where the lines begin and end.
    out : ndarray
        Shape (most rows, columns); filled from its beginning.

    Returns
    -------
    rows, position : int
        Rows read, and where the first line begins that is not a row of so many plain decimals;
        `stop` where there is none.
    """
    bits = out.view(np.uint64)
    width, row, at = out.shape[1], 0, start
    while at < stop and row < out.shape[0]:
        begin, column = at, 0
        while True:
            c = text[at]
            while c == 32 or c == 9 or c == 13:
                at += 1
                c = text[at]
            if c == 10:
                break
            if column == width:
                return row, begin
            negative = c == 45
            if negative or c == 43:
                at += 1
                c = text[at]
            w, digits, q, any_digit = _U(0), 0, 0, False
            while 48 <= c <= 57:
                w = w * _U(10) + _U(c - 48)
                digits += int(w > 0 or digits > 0)
                any_digit = True
                at += 1
                c = text[at]
            if c == 46:
                at += 1
                c = text[at]
                while 48 <= c <= 57:
                    w = w * _U(10) + _U(c - 48)
                    digits += int(w > 0 or digits > 0)
                    any_digit = True
                    q -= 1
                    at += 1
                    c = text[at]
            if not any_digit or digits > 19:
                return row, begin
            if c == 101 or c == 69:
                at += 1
                c = text[at]
                down = c == 45
                if down or c == 43:
                    at += 1
                    c = text[at]
                power = 0
                if c < 48 or c > 57:
                    return row, begin
                while 48 <= c <= 57:
                    power = min(power * 10 + (c - 48), 9999)
                    at += 1
                    c = text[at]
                q += -power if down else power
            if not (c == 32 or c == 9 or c == 13 or c == 10):
                return row, begin
            if w == 0:
                out[row, column] = 0.0
            elif w <= _U(1) << _U(53) and -22 <= q <= 22:
                value = np.float64(w)
                out[row, column] = value / _EXACT[-q] if q < 0 else value * _EXACT[q]
            elif LOWEST <= q <= HIGHEST:
                found, certain = _nearest(w, q)
                if not certain:
                    return row, begin
                bits[row, column] = found
            else:
                return row, begin
            if negative:
                out[row, column] = -out[row, column]
            column += 1
        at += 1
        if column == 0:
            continue
        if column != width:
            return row, begin
        row += 1
    return row, at
