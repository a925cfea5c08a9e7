"""Systems as files: extended XYZ (complete), LAMMPS data, CP2K coordinates, trajectories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from nucleops.errors import WrongInput
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.engine_files import (
    cp2k_coordinates,
    write_cp2k_coordinates,
    write_lammps_data,
)
from nucleops.systems.extxyz import Frame, cell_of, frame_text, read_frames
from nucleops.systems.lammps_data import read_lammps_data
from nucleops.systems.lines import LineReader
from nucleops.systems.system import FloatArray, Molecule, System

__all__ = [
    "cp2k_coordinates",
    "frames_of",
    "read_extxyz",
    "read_provenance",
    "read_topology",
    "read_trajectory",
    "write_cp2k_coordinates",
    "write_extxyz",
    "write_frames",
    "write_lammps_data",
    "write_trajectory",
]

_FOREIGN_VACUUM_A = 16.0
_TYPE_MAP = "type_map"


def write_extxyz(system: System, path: Path, *, provenance: str = "") -> None:
    """Write a system with everything that it is: cell, periodicity, molecules and roles.

    Parameters
    ----------
    system : System
        What to write. Coordinates get ten decimals (angstrom).
    path : Path
        File to write; its folder must exist.
    provenance : str
        How it was made; kept in the comment line.
    """
    path.write_text(_system_text(system, provenance), encoding="utf-8")


def read_extxyz(path: Path) -> System:
    """Read the first frame of an extended XYZ file.

    Parameters
    ----------
    path : Path
        A file of :func:`write_extxyz`, or anybody's extended XYZ with an orthorhombic
        ``Lattice``. One without molecule, motif and role columns gives ``molecules=()``. One
        without ``Lattice`` is not periodic, with 16 A of vacuum round the atoms as its cell.

    Returns
    -------
    System

    Raises
    ------
    WrongInput
        Malformed file; names the file and the line.
    """
    path = Path(path)
    frame = next(read_frames(path), None)
    if frame is None:
        raise WrongInput(f"{path}: holds no frame")
    cell, periodic = _cell(path, frame)
    symbols = tuple(frame.columns["species"])
    for row, symbol in enumerate(symbols):
        if symbol not in MASS_G_MOL:
            allowed = ", ".join(MASS_G_MOL)
            raise WrongInput(
                f"{path}, line {frame.line + 2 + row}: species {symbol!r}; allowed: {allowed}"
            )
    name = frame.info.get("name", path.stem)
    elements = tuple(frame.info.get(_TYPE_MAP, "").split())
    if elements and set(symbols) - set(elements):
        raise WrongInput(
            f"{path}, line {frame.line + 1}: {_TYPE_MAP}={' '.join(elements)!r} lacks"
            f" {', '.join(sorted(set(symbols) - set(elements)))}"
        )
    molecules = _molecules(path, frame)
    return System(name, symbols, frame.positions, cell, periodic, molecules, elements)


def read_topology(path: Path) -> System:
    """Read a topology: extended XYZ (:func:`read_extxyz`), or LAMMPS data, which has no roles.

    Raises
    ------
    WrongInput
        The file is neither, or malformed.
    """
    with LineReader(Path(path)) as lines:
        head = lines.take(40)
    if head and head[0].strip().isdigit():
        return read_extxyz(path)
    if any(line.split()[1:2] == ["atoms"] for line in head):
        return read_lammps_data(Path(path))
    raise WrongInput(
        f"{path}: begins with {(head or [''])[0].strip()[:40]!r}; a topology is extended XYZ, which"
        " begins with a number of atoms, or LAMMPS data"
    )


def read_provenance(path: Path) -> str:
    """Return the provenance a file of :func:`write_extxyz` carries, or an empty string."""
    frame = next(read_frames(Path(path)), None)
    return frame.info.get("provenance", "") if frame is not None else ""


def write_trajectory(frames: Iterable[System], path: Path) -> int:
    """Write systems one after another as one extended XYZ file; return how many there were.

    For coordinates of one system in time pass :func:`frames_of`.
    """
    count = 0
    with Path(path).open("w", encoding="utf-8") as out:
        for system in frames:
            out.write(_system_text(system, ""))
            count += 1
    return count


def write_frames(frames: Iterable[tuple[System, Mapping[str, object]]], path: Path) -> int:
    """Write systems one after another, each with what is said of it; return how many.

    Parameters
    ----------
    frames : iterable of (System, mapping)
        Systems, and ``key=value`` pairs for the comment line of each.
    path : Path
        File to write; its folder must exist.
    """
    count = 0
    with Path(path).open("w", encoding="utf-8") as out:
        for system, said in frames:
            words = {
                key: f"{value:.10g}" if isinstance(value, float) else str(value)
                for key, value in said.items()
            }
            out.write(_system_text(system, "", words))
            count += 1
    return count


def frames_of(
    system: System, positions: FloatArray, cells: FloatArray | None = None
) -> Iterator[System]:
    """Yield the system at each frame's coordinates.

    Parameters
    ----------
    system : System
        Gives symbols, molecules and, without ``cells``, the cell.
    positions : ndarray
        Coordinates in angstrom, shape (n_frames, n_atoms, 3).
    cells : ndarray, optional
        Edge lengths in angstrom, shape (n_frames, 3).
    """
    for index, coordinates in enumerate(positions):
        cell = system.cell if cells is None else np.asarray(cells[index], dtype=np.float64)
        yield replace(system.with_positions(coordinates), cell=cell)


def read_trajectory(path: Path) -> tuple[FloatArray, FloatArray]:
    """Read an extended XYZ trajectory of one system.

    Returns
    -------
    positions : ndarray
        Angstrom, shape (n_frames, n_atoms, 3).
    cells : ndarray
        Edge lengths in angstrom, shape (n_frames, 3).

    Raises
    ------
    WrongInput
        Malformed, empty, or the atoms change from one frame to another.
    """
    path = Path(path)
    positions, cells = [], []
    species: list[str] | None = None
    for frame in read_frames(path):
        if species is not None and frame.columns["species"] != species:
            raise WrongInput(f"{path}, line {frame.line}: the atoms differ from the first frame's")
        species = frame.columns["species"]
        positions.append(frame.positions)
        cells.append(_cell(path, frame)[0])
    if not positions:
        raise WrongInput(f"{path}: holds no frame")
    return np.array(positions), np.array(cells)


def _system_text(system: System, provenance: str, said: Mapping[str, str] | None = None) -> str:
    a, b, c = (f"{edge:.10f}" for edge in system.cell)
    info = {
        "Lattice": f"{a} 0.0 0.0 0.0 {b} 0.0 0.0 0.0 {c}",
        "pbc": "T T T" if system.periodic else "F F F",
        "name": system.name,
    }
    if system.type_map != replace(system, elements=()).type_map:  # the atoms do not tell it
        info[_TYPE_MAP] = " ".join(system.type_map)
    if provenance:
        info["provenance"] = provenance
    info |= {key: value for key, value in (said or {}).items() if key not in info}
    columns: dict[str, tuple[str, list[object]]] = {"species": ("S", list(system.symbols))}
    if system.molecules:
        owner: list[object] = [None] * system.n_atoms
        motif: list[object] = [None] * system.n_atoms
        role: list[object] = [None] * system.n_atoms
        for number, molecule in enumerate(system.molecules, start=1):
            for index, name in zip(molecule.indices, molecule.roles, strict=True):
                owner[index], motif[index], role[index] = number, molecule.motif, name
        if None in owner:
            raise WrongInput(f"{system.name}: atom {owner.index(None) + 1} belongs to no molecule")
        columns |= {"molecule": ("I", owner), "motif": ("S", motif), "role": ("S", role)}
    return frame_text(info, system.positions, columns)


def _molecules(path: Path, frame: Frame) -> tuple[Molecule, ...]:
    names = ("molecule", "motif", "role")
    present = [name in frame.columns for name in names]
    if not any(present):
        return ()
    if not all(present):
        raise WrongInput(f"{path}, line {frame.line + 1}: needs all or none of {', '.join(names)}")
    rows = list(zip(*(frame.columns[name] for name in names), strict=True))
    for row, (number, _, _) in enumerate(rows):
        if not number.isdigit():
            raise WrongInput(
                f"{path}, line {frame.line + 2 + row}: molecule {number!r} is not a number"
            )
    molecules = []
    order = sorted(range(len(rows)), key=lambda i: int(rows[i][0]))
    for _, group in groupby(order, key=lambda i: int(rows[i][0])):
        members = list(group)
        motifs = {rows[i][1] for i in members}
        if len(motifs) != 1:
            raise WrongInput(
                f"{path}, line {frame.line + 2 + members[0]}: one molecule with motifs"
                f" {sorted(motifs)}"
            )
        roles = tuple(rows[i][2] for i in members)
        molecules.append(Molecule(motifs.pop(), tuple(members), roles))
    return tuple(molecules)


def _cell(path: Path, frame: Frame) -> tuple[FloatArray, bool]:
    vacuum = np.ptp(frame.positions, axis=0) + _FOREIGN_VACUUM_A
    return cell_of(path, frame) or (vacuum, False)
