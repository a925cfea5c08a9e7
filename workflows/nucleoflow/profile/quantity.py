"""Arithmetic with amounts as Kubernetes writes them: ``500m``, ``2``, ``4Gi``."""

from __future__ import annotations

import math
import re
from fractions import Fraction

_UNITS = {
    "m": Fraction(1, 1000),
    "": Fraction(1),
    **{unit: Fraction(1000) ** (i + 1) for i, unit in enumerate("kMGT")},
    **{f"{unit}i": Fraction(1024) ** (i + 1) for i, unit in enumerate("KMGT")},
}


def amount(quantity: str) -> Fraction:
    """Return the number that a quantity stands for.

    Raises
    ------
    ValueError
        It is not a quantity.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([a-zA-Z]*)", quantity)
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"found {quantity!r}, allowed: a number with one of {list(_UNITS)}")
    return Fraction(match[1]) * _UNITS[match[2]]


def times(quantity: str, factor: int) -> str:
    """Return a quantity ``factor`` times as large, in the same unit."""
    if factor == 1:
        return quantity
    unit = re.sub(r"[0-9.]", "", quantity)
    number = amount(quantity) * factor / _UNITS[unit]
    return f"{float(number):.12g}{unit}"


def mebibytes(quantity: str) -> int:
    """Return an amount of memory in MiB, rounded up."""
    return math.ceil(amount(quantity) / 1024**2)


def whole_cores(quantity: str) -> int:
    """Return how many threads an amount of cores is for, at least one."""
    return max(1, math.floor(amount(quantity)))
