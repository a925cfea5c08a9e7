"""Systems as the engines read them: LAMMPS data and CP2K coordinates."""

from __future__ import annotations

from pathlib import Path

from nucleops.errors import WrongInput
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.system import METALS, System, type_map


def write_lammps_data(system: System, path: Path, *, metal: str | None = None) -> None:
    """Write a LAMMPS data file: ``units metal``, ``atom_style atomic``, all types declared.

    Parameters
    ----------
    system : System
        Atom ``i`` (from 0) becomes id ``i + 1``.
    path : Path
        File to write.
    metal : str, optional
        The metal of type 1, where it is not that of the system's own type map.

    Raises
    ------
    WrongInput
        The system holds an element outside the type map.
    """
    elements = system.type_map
    if metal is not None:
        elements = type_map(metal, set(elements) - set(METALS))
    foreign = sorted(set(system.symbols) - set(elements))
    if foreign:
        raise WrongInput(f"{system.name}: elements {foreign}; the type map holds {elements}")
    types = {element: index for index, element in enumerate(elements, start=1)}
    lines = [
        f"{system.name}; units metal, types {' '.join(elements)}",
        "",
        f"{system.n_atoms} atoms",
        f"{len(elements)} atom types",
        "",
        *(f"0.0 {edge:.10f} {a}lo {a}hi" for a, edge in zip("xyz", system.cell, strict=True)),
        "",
        "Masses",
        "",
        *(f"{types[element]} {MASS_G_MOL[element]} # {element}" for element in elements),
        "",
        "Atoms # atomic",
        "",
    ]
    for index, (symbol, (x, y, z)) in enumerate(
        zip(system.symbols, system.positions.tolist(), strict=True), start=1
    ):
        lines.append(f"{index} {types[symbol]} {x:.10f} {y:.10f} {z:.10f}")
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def cp2k_coordinates(system: System) -> str:
    """Return CP2K's &CELL and &COORD sections of a system (angstrom)."""
    edges = " ".join(f"{edge:.10f}" for edge in system.cell)
    lines = ["&CELL", f"  ABC {edges}", f"  PERIODIC {'XYZ' if system.periodic else 'NONE'}"]
    lines += ["&END CELL", "&COORD"]
    for symbol, (x, y, z) in zip(system.symbols, system.positions.tolist(), strict=True):
        lines.append(f"  {symbol:<2} {x:16.10f} {y:16.10f} {z:16.10f}")
    return "\n".join([*lines, "&END COORD", ""])


def write_cp2k_coordinates(system: System, path: Path) -> None:
    """Write :func:`cp2k_coordinates` to a file, for CP2K's ``@INCLUDE`` inside &SUBSYS."""
    Path(path).write_text(cp2k_coordinates(system), encoding="utf-8")
