"""Numbers packed into bits, as XTC has them, as compiled functions.

A number is written low byte first, each byte's bits high first; what is left of it in a last part
of a byte comes last. Three numbers of limited size are joined into one of mixed radix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleops.compiled import compiled

_U = np.uint64


@compiled
def read_word(data: Any, place: Any) -> Any:
    """Return the bits from a place on, left in a word; 57 of them are there."""
    b = place >> _U(3)
    word = (
        (_U(data[b]) << _U(56))
        | (_U(data[b + _U(1)]) << _U(48))
        | (_U(data[b + _U(2)]) << _U(40))
        | (_U(data[b + _U(3)]) << _U(32))
        | (_U(data[b + _U(4)]) << _U(24))
        | (_U(data[b + _U(5)]) << _U(16))
        | (_U(data[b + _U(6)]) << _U(8))
        | _U(data[b + _U(7)])
    )
    return word << (place & _U(7))


@compiled
def joined(word: Any, width: Any) -> Any:
    """Return the number in the first bits of a word: its low byte comes first, a part byte last."""
    turned = (
        (word >> _U(56))
        | ((word >> _U(40)) & _U(0xFF00))
        | ((word >> _U(24)) & _U(0xFF0000))
        | ((word >> _U(8)) & _U(0xFF000000))
        | ((word << _U(8)) & _U(0xFF00000000))
        | ((word << _U(24)) & _U(0xFF0000000000))
        | ((word << _U(40)) & _U(0xFF000000000000))
        | (word << _U(56))
    )
    whole = (width >> _U(3)) << _U(3)
    last = (turned >> whole) & _U(0xFF)
    return (turned & ((_U(1) << whole) - _U(1))) | ((last >> (_U(8) - (width & _U(7)))) << whole)


@compiled
def inverse_below(by: Any) -> Any:
    """Return a number just below 1/by, for :func:`divide`."""
    return (1.0 - 2.0**-52) / by


@compiled
def divide(number: Any, by: Any, inverse: float) -> tuple[Any, Any]:
    """Divide a whole number below 2^52 by a multiplication, which is one too small at most."""
    quotient = _U(np.int64(np.float64(np.int64(number)) * inverse))
    rest = number - quotient * by
    more = _U(rest >= by)
    return quotient + more, rest - more * by


@compiled
def divide_long(
    high: Any, middle: Any, low: Any, by: Any, inverse: float
) -> tuple[Any, Any, Any, Any]:
    """Divide a number of three digits of 24 bits; return those of the quotient, and the rest."""
    high, rest = divide(high, by, inverse)
    middle, rest = divide((rest << _U(24)) | middle, by, inverse)
    low, rest = divide((rest << _U(24)) | low, by, inverse)
    return high, middle, low, rest


@compiled
def unpack_three(
    data: Any, place: Any, width: Any, by: Any, by_last: Any, per_by: float, per_last: float
) -> tuple[Any, Any, Any]:
    """Unpack three numbers, the last two below `by` and `by_last`, from one of `width` bits."""
    number, z = divide(joined(read_word(data, place), width), by_last, per_last)
    x, y = divide(number, by, per_by)
    return np.int64(x), np.int64(y), np.int64(z)


@compiled
def unpack_three_long(
    data: Any, place: Any, width: Any, by: Any, by_last: Any, per_by: float, per_last: float
) -> tuple[Any, Any, Any]:
    """Do what :func:`unpack_three` does, for numbers of more than a word's bits."""
    first = min(width, _U(24))
    second = min(width - first, _U(24))
    low = joined(read_word(data, place), first)
    middle = joined(read_word(data, place + first), second)
    high = joined(read_word(data, place + first + second), width - first - second)
    high, middle, low, z = divide_long(high, middle, low, by_last, per_last)
    high, middle, low, y = divide_long(high, middle, low, by, per_by)
    return np.int64((middle << _U(24)) | low), np.int64(y), np.int64(z)
