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
from nucleops.systems.lines import EndsEarly, LineReader
from nucleops.systems.raw_frame import Selection
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
    number : int
        Its place in the file, from 0.
    comment : str
        The comment line as it stands.
    ended : bool
        Whether a line break follows its last row; without one the row may be cut off.
    """

    info: dict[str, str]
    columns: dict[str, list[str]]
    positions: FloatArray
    line: int
    number: int
    comment: str
    ended: bool


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


def read_frames(path: Path, selection: Selection | None = None) -> Iterator[Frame]:
    """Read the frames of an extended XYZ file, one in memory at a time.

    Parameters
    ----------
    path : Path
        File to read, plain or gzipped.
    selection : Selection or None
        Which frames; the others are passed over unparsed.

    Yields
    ------
    Frame

    Raises
    ------
    WrongInput
        Malformed; names the file and the line.
    EndsEarly
        Cut short; it comes after the whole frames.
    """
    selection = selection or Selection()
    with LineReader(path) as lines:
        number = 0
        while not selection.over(number) and (line := lines.next()):
            if not line.strip():
                continue
            at = lines.number
            word = line.strip()
            if not word.isdigit() or int(word) == 0:
                raise WrongInput(f"{path}, line {at}: expected a number of atoms, found {word!r}")
            text = lines.take(int(word) + 1)
            if len(text) < int(word) + 1:
                raise EndsEarly(
                    f"{path}, line {lines.number}: ends early, {max(len(text) - 1, 0)} of"
                    f" {int(word)} atom rows in the frame that starts at line {at}"
                )
            if selection.wants(number):
                try:
                    yield _frame(path, at, number, text)
                except WrongInput as error:
                    if text[-1].endswith("\n"):
                        raise
                    raise EndsEarly(error.message) from error
            number += 1


def _frame(path: Path, at: int, number: int, text: list[str]) -> Frame:
    """Parse the comment and the rows of a frame whose count is on line ``at``, from 1."""
    info = parse_comment(text[0].rstrip("\n"))
    layout = _layout(path, at + 1, info.get("Properties", "species:S:1:pos:R:3"))
    width = sum(count for _, count in layout)
    columns: dict[str, list[str]] = {name: [] for name, _ in layout if name != "pos"}
    positions = np.empty((len(text) - 1, 3))
    for row, line in enumerate(text[1:]):
        where = at + 2 + row
        words = line.split()
        if len(words) < width:
            raise WrongInput(f"{path}, line {where}: {len(words)} columns, Properties says {width}")
        start = 0
        for name, count in layout:
            part = words[start : start + count]
            start += count
            if name == "pos":
                positions[row] = _numbers(path, where, part)
            else:
                columns[name].append(" ".join(part))
    return Frame(info, columns, positions, at, number, text[0].strip(), text[-1].endswith("\n"))


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


def cell_of(path: Path, frame: Frame) -> tuple[FloatArray, bool] | None:
    """Return a frame's edge lengths in angstrom, shape (3,), and whether they repeat.

    None where the frame has no ``Lattice``.

    Raises
    ------
    WrongInput
        The cell is triclinic or malformed, or repeats in some directions only.
    """
    text = frame.info.get("Lattice")
    if text is None:
        return None
    line = frame.line + 1
    try:
        lattice = np.array([float(word) for word in text.split()]).reshape(3, 3)
    except ValueError as error:
        raise WrongInput(f"{path}, line {line}: Lattice={text!r} is not nine numbers") from error
    edges = np.diag(lattice).copy()
    if np.abs(lattice - np.diag(edges)).max() > 1e-8 or not (edges > 0).all():
        raise WrongInput(
            f"{path}, line {line}: Lattice={text!r} is triclinic or turned; only orthorhombic"
            " cells along x, y, z"
        )
    flags = {word[0].upper() for word in frame.info.get("pbc", "T T T").split()}
    if flags not in ({"T"}, {"F"}):
        raise WrongInput(
            f"{path}, line {line}: pbc={frame.info['pbc']!r}; all three directions must agree"
        )
    return edges, flags == {"T"}
