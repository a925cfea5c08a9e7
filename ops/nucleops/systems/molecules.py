"""Molecules that a study brings along: geometry, element and role of each atom.

They stand beside the shipped motifs and are named, packed and selected in the same way.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import (
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nucleops.errors import WrongInput
from nucleops.settings import Settings
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.extxyz import Frame, read_frames
from nucleops.systems.motifs import Motif, motif
from nucleops.systems.spec import MOTIFS
from nucleops.systems.system import type_map

CLOSEST_A = 0.5
"""Atoms of one molecule that are closer than this, in angstrom, are a mistake; H-H is 0.74."""
MOST_ATOMS = 1000
"""Atoms of the largest molecule that a study may bring along."""

Position = tuple[float, float, float]
Row = tuple[str, str, Position]
"""Element, role and position of an atom."""


class MoleculeAtom(Settings):
    """One atom of a molecule."""

    element: Annotated[str, Field(examples=["Au", "P", "C"])]
    """Element; one of those with a mass and a radius in `nucleops.systems.elements`."""
    role: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]*[0-9]*$", max_length=8)]
    """What the atom is called in biases; each role once: `M1`, `S1`, `HC1`, `HC2` ..."""
    at_A: Position
    """Cartesian position in angstrom; only differences matter."""

    @field_validator("element")
    @classmethod
    def _known(cls, element: str) -> str:
        if element not in MASS_G_MOL:
            raise ValueError(unknown_element(element))
        return element


class MoleculeSpec(Settings):
    """A molecule of the study's own, from a file or atom by atom."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["file"]}, {"required": ["atoms"]}]}
    )

    file: str | None = Field(default=None, exclude=True, examples=["phosphine.extxyz"])
    """Extended XYZ file with a `role` column; its path is relative to the study file. It is read
    when the study is loaded, and `atoms` stand in its place from then on."""
    atoms: tuple[MoleculeAtom, ...] = Field(default=(), max_length=MOST_ATOMS)
    """The atoms, in the order in which they are written."""
    origin: str = Field(default="", max_length=2000)
    """How the geometry was made; of a file, what its `provenance` says."""

    @model_validator(mode="before")
    @classmethod
    def _from_file(cls, values: Any, info: ValidationInfo) -> Any:
        if not isinstance(values, dict) or values.get("file") is None:
            return values
        if values.get("atoms"):
            raise ValueError("found both file and atoms; allowed: one of them")
        if not isinstance(values["file"], str):
            return values  # the field's own type says what is wrong
        folder = (info.context or {}).get("folder")
        if folder is None:
            raise ValueError(
                f"file: found '{values['file']}', but a file is read only where a study file is"
                " loaded; allowed here: atoms"
            )
        atoms, origin = _read(Path(folder) / values["file"])
        kept = {key: value for key, value in values.items() if key != "file"}
        return {"origin": origin, **kept, "atoms": atoms}

    @model_validator(mode="after")
    def _sound(self) -> MoleculeSpec:
        if not self.atoms:
            raise ValueError("found neither file nor atoms; allowed: one of them")
        fault = next(_faults([(a.element, a.role, a.at_A) for a in self.atoms]), None)
        if fault is not None:
            raise ValueError(fault)
        return self

    @property
    def symbols(self) -> tuple[str, ...]:
        """Element of each atom, shape (n_atoms,)."""
        return tuple(atom.element for atom in self.atoms)

    def as_motif(self, name: str) -> Motif:
        """Return the molecule as what systems are built from, about its centroid."""
        positions = np.array([atom.at_A for atom in self.atoms], dtype=np.float64)
        positions -= positions.mean(axis=0)
        positions.setflags(write=False)
        roles = tuple(atom.role for atom in self.atoms)
        return Motif(name, self.symbols, positions, roles, self.origin or "given in the study")


Molecules = Mapping[str, MoleculeSpec]


def find_motif(name: str, metal: str, molecules: Molecules | None = None) -> Motif:
    """Return a molecule to build with: one of the study's own, or a shipped motif.

    Parameters
    ----------
    name : str
        Its name.
    metal : str
        The metal of the shipped motifs.
    molecules : mapping of str to MoleculeSpec, optional
        The study's own molecules.

    Raises
    ------
    WrongInput
        There is no such molecule; says which there are, and the nearest name.
    """
    own = molecules or {}
    if name in own:
        return own[name].as_motif(name)
    if name not in MOTIFS:
        allowed = [*MOTIFS, *own]
        raise WrongInput(
            f"molecule {name!r}; allowed: {', '.join(allowed)}{nearest(name, allowed)}"
        )
    return motif(name, metal)


def elements_of(metal: str, molecules: Molecules | None = None) -> tuple[str, ...]:
    """Element order of a study: that of :func:`nucleops.systems.system.type_map`."""
    own = (molecules or {}).values()
    return tuple(type_map(metal, (symbol for spec in own for symbol in spec.symbols)))


def nearest(found: str, allowed: Iterable[str]) -> str:
    """Return a question with the nearest of the allowed names, empty where none is near."""
    near = difflib.get_close_matches(found, list(allowed), n=1, cutoff=0.4)
    return f"; did you mean '{near[0]}'?" if near else ""


def unknown_element(found: str) -> str:
    """Return the sentence about an element that nothing is known of."""
    return f"found element '{found}'; allowed: {', '.join(MASS_G_MOL)}{nearest(found, MASS_G_MOL)}"


def read_molecule(path: Path) -> MoleculeSpec:
    """Read a molecule file: extended XYZ with a ``role`` column.

    Raises
    ------
    WrongInput
        It is not there, lacks the roles, or holds what no molecule does; names the line.
    """
    try:
        atoms, origin = _read(path)
    except ValueError as error:
        raise WrongInput(str(error).removeprefix("file: ")) from error
    return MoleculeSpec.model_validate({"atoms": atoms, "origin": origin})


def _read(path: Path) -> tuple[list[dict[str, Any]], str]:
    """Read the atoms of a molecule file, and how they were made; ValueError names the line."""
    if not path.is_file():
        there = sorted(p.name for p in path.parent.glob("*xyz")) if path.parent.is_dir() else []
        raise ValueError(
            f"file: there is no '{path}'; extended XYZ files in that folder: "
            f"{', '.join(there) or 'none'}{nearest(path.name, there)}"
        )
    try:
        frames = list(read_frames(path))
    except WrongInput as error:
        raise ValueError(f"file: {error.message}") from error
    if len(frames) != 1:
        raise ValueError(f"file: {path} holds {len(frames)} frames; allowed: one")
    frame = frames[0]
    if "role" not in frame.columns:
        columns = ["pos", *frame.columns]
        raise ValueError(
            f"file: {path}, line {frame.line + 1}: Properties has no column role:S:1; found: "
            f"{', '.join(columns)}{_misspelt(columns)}"
        )
    rows = _rows(frame)
    for line, (element, role, _) in enumerate(rows, start=frame.line + 2):
        try:
            MoleculeAtom(element=element, role=role, at_A=(0.0, 0.0, 0.0))
        except ValidationError as error:
            raise ValueError(f"file: {path}, line {line}: {_first(error)}") from None
    fault = next(_faults(rows), None)
    if fault is not None:
        raise ValueError(f"file: {path}: {fault}")
    atoms = [{"element": element, "role": role, "at_A": at} for element, role, at in rows]
    return atoms, frame.info.get("provenance", "")


def _rows(frame: Frame) -> list[Row]:
    columns = zip(frame.columns["species"], frame.columns["role"], strict=True)
    places = frame.positions.tolist()
    return [(e, r, (x, y, z)) for (e, r), (x, y, z) in zip(columns, places, strict=True)]


def _misspelt(columns: Sequence[str]) -> str:
    near = difflib.get_close_matches("role", columns, n=1, cutoff=0.6)
    return f"; is '{near[0]}' meant to be 'role'?" if near else ""


def _first(error: ValidationError) -> str:
    """The first fault of one atom, in our words."""
    fault = error.errors()[0]
    message = str(fault["msg"]).removeprefix("Value error, ")
    where = str(fault["loc"][0])
    return message if where == "element" else f"{where}: found '{fault['input']}'; {message}"


def _faults(rows: Sequence[Row]) -> Iterator[str]:
    """What is wrong with a molecule as a whole: a role given twice, atoms in one place."""
    seen: dict[str, int] = {}
    for number, (_, role, _) in enumerate(rows, start=1):
        if role in seen:
            yield f"role '{role}' is given to atoms {seen[role]} and {number}; each role once"
        seen.setdefault(role, number)
    positions = np.array([at for _, _, at in rows], dtype=np.float64).reshape(-1, 3)
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    apart[np.tril_indices(len(rows))] = np.inf
    i, j = divmod(int(np.argmin(apart)), len(rows))
    if apart[i, j] < CLOSEST_A:
        pair = f"atoms {i + 1} ({rows[i][1]}) and {j + 1} ({rows[j][1]})"
        yield f"{pair} are {apart[i, j]:.2f} A apart; allowed: {CLOSEST_A} A or more"
