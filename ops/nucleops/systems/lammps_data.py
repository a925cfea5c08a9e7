"""LAMMPS data files as topologies: elements from masses, no molecules and no roles.

https://docs.lammps.org/read_data.html
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from nucleops.errors import WrongInput
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.lines import LineReader
from nucleops.systems.system import FloatArray, System

_COLUMNS_BEFORE_X = {"atomic": 2, "charge": 3, "molecular": 3, "full": 4}
"""Columns before the coordinates (id, type, molecule, charge), by the atom style."""
_TYPE_COLUMN = {"atomic": 1, "charge": 1, "molecular": 2, "full": 2}
_MASS_TOLERANCE = 0.05
_SECTION = re.compile(r"^[A-Z][A-Za-z]*( [A-Z][A-Za-z]*)*$")


def read_lammps_data(path: Path) -> System:
    """Read a LAMMPS data file in ``units metal`` or ``real``, periodic in all directions.

    Parameters
    ----------
    path : Path
        Of :func:`nucleops.systems.files.write_lammps_data`, of LAMMPS' ``write_data``, or anybody's
        with the sections Masses and Atoms in the style atomic, charge, molecular or full.

    Returns
    -------
    System
        Atoms in the order of their ids; ``molecules=()``.

    Raises
    ------
    WrongInput
        A section is missing or malformed, a mass is of no element known here, the box is
        triclinic, or the style is another; names the file and what was found.
    """
    header, sections = _sections(path)
    cell = _cell(path, header)
    elements = _elements(path, sections.get("Masses"))
    title, rows = _named(path, sections, "Atoms")
    style = title.partition("#")[2].strip() or _guess(rows)
    if style not in _COLUMNS_BEFORE_X:
        raise WrongInput(
            f"{path}: Atoms are of style {style or 'unknown'!r}; allowed: "
            f"{', '.join(_COLUMNS_BEFORE_X)}, named as in `Atoms # atomic`"
        )
    first = _COLUMNS_BEFORE_X[style]
    try:
        table = np.array([row[: first + 3] for row in rows], dtype=np.float64)
    except ValueError as error:
        raise WrongInput(f"{path}: a row of Atoms is malformed: {error}") from error
    if table.ndim != 2 or not np.isfinite(table).all():
        raise WrongInput(f"{path}: Atoms holds no whole row, or a number that is not finite")
    table = table[np.argsort(table[:, 0], kind="stable")]
    if len(np.unique(table[:, 0])) < len(table):
        raise WrongInput(f"{path}: an id comes twice in Atoms")
    types = table[:, _TYPE_COLUMN[style]].astype(int).tolist()
    unknown = sorted(set(types) - set(elements))
    if unknown:
        raise WrongInput(f"{path}: type {unknown[0]} has no mass; Masses has {sorted(elements)}")
    symbols = tuple(elements[kind] for kind in types)
    return System(path.stem, symbols, table[:, first:], cell, True)


def _sections(path: Path) -> tuple[list[str], dict[str, tuple[str, list[list[str]]]]]:
    """Return the header's lines, and of each section its title and the words of its rows."""
    header: list[str] = []
    sections: dict[str, tuple[str, list[list[str]]]] = {}
    rows: list[list[str]] | None = None
    with LineReader(path) as lines:
        lines.next()  # the first line is a comment whatever it says
        while line := lines.next():
            text = line.partition("#")[0].strip()
            if _SECTION.match(text):
                rows = []
                sections[text] = (line.strip(), rows)
            elif text and rows is not None:
                rows.append(text.split())
            elif text:
                header.append(text)
    return header, sections


def _named(
    path: Path, sections: dict[str, tuple[str, list[list[str]]]], name: str
) -> tuple[str, list[list[str]]]:
    if name not in sections:
        found = ", ".join(sections) or "none"
        raise WrongInput(f"{path}: has no section {name}; its sections: {found}")
    return sections[name]


def _cell(path: Path, header: list[str]) -> FloatArray:
    edges = []
    for line in header:
        words = line.split()
        if words[-3:] == ["xy", "xz", "yz"] and any(float(word) for word in words[:3]):
            raise WrongInput(f"{path}: {line!r} is a triclinic box; only orthorhombic are read")
    for axis in "xyz":
        found = [line.split() for line in header if line.split()[2:] == [f"{axis}lo", f"{axis}hi"]]
        if not found:
            raise WrongInput(f"{path}: has no line `... {axis}lo {axis}hi`")
        edges.append(float(found[0][1]) - float(found[0][0]))
    return np.array(edges)


def _elements(path: Path, masses: tuple[str, list[list[str]]] | None) -> dict[int, str]:
    if masses is None:
        raise WrongInput(f"{path}: has no section Masses, so that its elements are not known")
    elements = {}
    for row in masses[1]:
        try:
            kind, mass = int(row[0]), float(row[1])
        except (IndexError, ValueError) as error:
            raise WrongInput(f"{path}: Masses has the row {' '.join(row)!r}") from error
        nearest = min(MASS_G_MOL, key=lambda symbol: abs(MASS_G_MOL[symbol] - mass))
        if abs(MASS_G_MOL[nearest] - mass) > _MASS_TOLERANCE:
            raise WrongInput(
                f"{path}: type {kind} has the mass {mass:g}; allowed: "
                + ", ".join(f"{m:g} ({symbol})" for symbol, m in MASS_G_MOL.items())
            )
        elements[kind] = nearest
    return elements


def _guess(rows: list[list[str]]) -> str:
    """The style where the file does not name it: only `atomic` has so few columns."""
    return "atomic" if rows and len(rows[0]) in (5, 8) else ""
