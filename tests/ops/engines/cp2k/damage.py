"""Ways in which an output can be damaged: by a full disk, a run that was killed, a bad copy."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

Damage = Callable[[bytes, Sequence[bytes], np.random.Generator], bytes]

_NUMBER = re.compile(rb"(?<![\w.])-?\d+\.\d+(?:E[+-]\d+)?|(?<![\w.])\d+(?![\w.])")
_TELLING = re.compile(
    rb"(?m)^.*(?:ENERGY\||Total energy:|ATOMIC FORCES| i = |Step number|Temperature \[K\]"
    rb"|converged|PROGRAM|^ +\d+ +\d+ +[A-Z]).*$|^ *[A-Z][a-z]? +-?\d+\..*$"
)
"""Lines that labels are read from; half of the damage goes there."""


def cut(text: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """End the file at any byte."""
    return text[: _at(text, rng)]


def beheaded(text: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Begin the file at any byte."""
    return text[_at(text, rng) :]


def not_a_number(text: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Write NaN, an infinity or Fortran's stars in place of a number."""
    start, end = _span(text, rng)
    here = rng.choice([*_NUMBER.finditer(text, start, end)] or [*_NUMBER.finditer(text)])
    width = here.end() - here.start()
    word = [b"NaN", b"Infinity", b"-Infinity", b"*" * width, b"NaN".rjust(width)][rng.integers(5)]
    return text[: here.start()] + word + text[here.end() :]


def stars_in_digits(text: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Write a star, NaN or nothing in place of one to three digits of a number."""
    start, end = _span(text, rng)
    here = rng.choice([*re.finditer(rb"\d", text[start:end])] or [*re.finditer(rb"\d", text)])
    at, width = start + here.start(), int(rng.integers(1, 4))
    return text[:at] + [b"*" * width, b"NaN", b""][rng.integers(3)] + text[at + width :]


def dropped(text: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Drop lines."""
    lines, start, end = _block(text, rng)
    return b"".join(lines[:start] + lines[end:])


def repeated(text: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Repeat lines, there or anywhere else."""
    lines, start, end = _block(text, rng)
    at = [end, int(rng.integers(len(lines) + 1))][rng.integers(2)]
    return b"".join(lines[:at] + lines[start:end] + lines[at:])


def exchanged(text: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Exchange two neighbouring blocks of lines."""
    lines, start, end = _block(text, rng)
    far = min(len(lines), 2 * end - start)
    return b"".join(lines[:start] + lines[end:far] + lines[start:end] + lines[far:])


def lost_bytes(text: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Drop bytes, or write zeros as a disk does that was not synchronised."""
    at, length = _at(text, rng), int(10 ** rng.uniform(0, 3.5))
    gap = text[at : at + length]
    return text[:at] + [b"", b"\0" * len(gap)][rng.integers(2)] + text[at + length :]


def unconverged(text: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Say of one SCF that it did not converge, in CP2K's words."""
    said = [*re.finditer(rb"  \*\*\* SCF run converged in .*\n", text)]
    if not said:
        return cut(text, _, rng)
    here = said[rng.integers(len(said))]
    words = b"  *** WARNING in qs_scf.F:598 :: SCF run NOT converged ***\n"
    return text[: here.start()] + words + text[here.end() :]


def aborted(text: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """End at any line with CP2K's abort message, or with its message about the time limit."""
    lines = text.splitlines(keepends=True)
    head = lines[: int(rng.integers(len(lines)))]
    words = [
        b" *   ___                                                     *\n"
        b" *  /   \\  [ABORT]                                           *\n",
        b" *** Requested walltime: exceeded requested execution time ***\n",
    ][rng.integers(2)]
    return b"".join([*head, words, *lines[-8:]][: len(head) + int(rng.integers(1, 10))])


def two_runs(text: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Put a run behind another, whole or cut, as CP2K's appending does."""
    other = [text, *others][rng.integers(1 + len(others))]
    parts = [cut(other, (), rng) if rng.integers(2) else other, text]
    return b"".join(parts if rng.integers(2) else parts[::-1])


def mixed(text: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Go on in the middle of another run's file."""
    other = others[rng.integers(len(others))]
    return text[: _at(text, rng)] + other[_at(other, rng) :]


DAMAGES: tuple[Damage, ...] = (
    *(cut, beheaded, not_a_number, stars_in_digits, dropped, repeated, exchanged),
    *(lost_bytes, unconverged, aborted, two_runs, mixed),
)


def _at(text: bytes, rng: np.random.Generator) -> int:
    start, end = _span(text, rng)
    return int(rng.integers(start, max(end, start + 1)))


def _span(text: bytes, rng: np.random.Generator) -> tuple[int, int]:
    """Return a telling line's bytes, or half of the time the whole text's."""
    telling = [*_TELLING.finditer(text)]
    if not telling or rng.integers(2):
        return 0, len(text)
    return telling[rng.integers(len(telling))].span()


def _block(text: bytes, rng: np.random.Generator) -> tuple[list[bytes], int, int]:
    """Return all lines, and where a block of one line to half of them begins and ends."""
    lines = text.splitlines(keepends=True)
    start = text[: _at(text, rng)].count(b"\n")
    length = int(10 ** rng.uniform(0, np.log10(max(2, len(lines) / 2))))
    return lines, start, min(len(lines), start + length)
