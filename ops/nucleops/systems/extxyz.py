"""Extended XYZ text: one frame to lines and back. Knows the format, not what the atoms mean.

The format is ASE's (https://wiki.fysik.dtu.dk/ase/ase/io/formatoptions.html#extxyz): a count, a
comment of ``key=value`` pairs with ``Lattice`` and ``Properties``, one row for each atom.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleops.errors import WrongInput
from nucleops.systems.system import FloatArray

# key=value, where a value is "quoted" (backslash escapes), {braced} or a bare word; a bare key
# means true.
_PAIR = re.compile(r'([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|\{([^}]*)\}|(\S*)))?')
_DECIMALS = 10


@dataclass(frozen=True)
class Frame:
    """One frame as text columns.

    Attributes
    ----------
    info : dict of str to str
        The comment line's pairs.
    columns : dict of str to list of str
        Column name to one word per atom (several words joined by a space for a vector).
    positions : ndarray
        Coordinates in angstrom, shape (n_atoms, 3).
    line : int
        Line number of the frame's count in the file, from 1.
    """

    info: dict[str, str]
    columns: dict[str, list[str]]
    positions: FloatArray
    line: int


def quote(value: str) -> str:
    """Quote a comment-line value where it needs it; line breaks become spaces."""
    value = " ".join(value.splitlines())
    if value and re.fullmatch(r'[^\s="\\{}]+', value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def frame_text(
    info: Mapping[str, str],
    positions: FloatArray,
    columns: Mapping[str, tuple[str, Sequence[object]]],
) -> str:
    """Write one frame.

    Parameters
    ----------
    info : mapping of str to str
        Comment-line pairs, in order; ``Properties`` is added.
    positions : ndarray
        Coordinates in angstrom, shape (n_atoms, 3); written with ten decimals.
    columns : mapping of str to (str, sequence)
        Column name to its type letter (``S``, ``I``, ``R``) and one value per atom. The first is
        written before the coordinates (``species``), the rest after.
    """
    first, *rest = columns
    properties = f"{first}:{columns[first][0]}:1:pos:R:3"
    properties += "".join(f":{name}:{columns[name][0]}:1" for name in rest)
    pairs = {**info, "Properties": properties}
    comment = " ".join(f"{key}={quote(value)}" for key, value in pairs.items())
    tails = zip(*(columns[name][1] for name in rest), strict=True) if rest else None
    lines = [str(len(positions)), comment]
    for label, (x, y, z) in zip(columns[first][1], positions.tolist(), strict=True):
        row = f"{label!s:<2} {x:16.{_DECIMALS}f} {y:16.{_DECIMALS}f} {z:16.{_DECIMALS}f}"
        if tails is not None:
            row += "".join(f" {value}" for value in next(tails))
        lines.append(row)
    return "\n".join(lines) + "\n"


def read_frames(path: Path) -> Iterator[Frame]:
    """Read every frame of an extended XYZ file.

    Parameters
    ----------
    path : Path
        File to read.

    Yields
    ------
    Frame

    Raises
    ------
    WrongInput
        Malformed or cut short; names the file and the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise WrongInput(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise WrongInput(f"{path}: is not text") from error
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        frame = _frame(path, lines, at)
        at += 2 + len(frame.positions)
        yield frame


def _frame(path: Path, lines: list[str], at: int) -> Frame:
    word = lines[at].strip()
    if not word.isdigit() or int(word) == 0:
        raise WrongInput(f"{path}, line {at + 1}: expected a number of atoms, found {word!r}")
    n_atoms = int(word)
    if len(lines) < at + 2 + n_atoms:
        have = max(len(lines) - at - 2, 0)
        raise WrongInput(
            f"{path}, line {len(lines)}: ends early, {have} of {n_atoms} atom rows"
            f" in the frame that starts at line {at + 1}"
        )
    info = parse_comment(lines[at + 1])
    layout = _layout(path, at + 2, info.get("Properties", "species:S:1:pos:R:3"))
    width = sum(count for _, count in layout)
    columns: dict[str, list[str]] = {name: [] for name, _ in layout if name != "pos"}
    positions = np.empty((n_atoms, 3))
    for row in range(n_atoms):
        number = at + 3 + row
        words = lines[at + 2 + row].split()
        if len(words) < width:
            raise WrongInput(
                f"{path}, line {number}: {len(words)} columns, Properties says {width}"
            )
        start = 0
        for name, count in layout:
            part = words[start : start + count]
            start += count
            if name == "pos":
                positions[row] = _numbers(path, number, part)
            else:
                columns[name].append(" ".join(part))
    return Frame(info, columns, positions, at + 1)


def _numbers(path: Path, line: int, words: list[str]) -> list[float]:
    try:
        values = [float(word) for word in words]
    except ValueError as error:
        raise WrongInput(f"{path}, line {line}: coordinates are not numbers: {words}") from error
    if not np.isfinite(values).all():
        raise WrongInput(f"{path}, line {line}: coordinates are not finite: {words}")
    return values


def _layout(path: Path, line: int, properties: str) -> list[tuple[str, int]]:
    parts = properties.split(":")
    triples = list(zip(parts[::3], parts[1::3], parts[2::3], strict=False))
    if len(parts) % 3 or not all(count.isdigit() for _, _, count in triples):
        raise WrongInput(f"{path}, line {line}: malformed Properties={properties!r}")
    layout = [(name, int(count)) for name, _, count in triples]
    wanted = {"species": 1, "pos": 3}
    for name, count in wanted.items():
        if (name, count) not in layout:
            raise WrongInput(
                f"{path}, line {line}: Properties={properties!r} lacks the column {name}:*:{count}"
            )
    return layout


def parse_comment(comment: str) -> dict[str, str]:
    """Parse a comment line's ``key=value`` pairs; a bare key gives ``T``."""
    pairs = {}
    for match in _PAIR.finditer(comment):
        key, quoted, braced, bare = match.groups()
        if quoted is not None:
            value = re.sub(r"\\(.)", r"\1", quoted)
        else:
            value = next((v for v in (braced, bare) if v is not None), "T")
        pairs[key] = value
    return pairs
