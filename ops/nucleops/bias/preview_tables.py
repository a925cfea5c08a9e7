"""A preview as rows of text, the same in the terminal and on a page."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from nucleops.bias.cautions import thermal_movement
from nucleops.bias.previewed import Acting, Preview, Variable


@dataclass(frozen=True)
class Column:
    """A column: what stands above it, whether numbers stand in it, and what it means."""

    name: str
    numbers: bool
    meaning: str


@dataclass(frozen=True)
class TextTable:
    """A table of text, a row of as many cells as there are columns."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(preview: Preview) -> tuple[TextTable, ...]:
    """Tabulate a preview: variables, then walls and restraints; an empty table is left out."""
    made = (_variables(preview), _acting(preview))
    return tuple(table for table in made if table.rows)


def heading(preview: Preview) -> str:
    """Say what is previewed in a line."""
    system = preview.system
    cell = " x ".join(f"{edge:g}" for edge in system.cell)
    return (
        f"system {system.name}: {system.n_atoms} atoms, "
        f"{'periodic' if system.periodic else 'not periodic'}, cell {cell} A; "
        f"{preview.temperature_K:g} K, kT = {preview.kT_kcal_mol:.3f} kcal/mol"
    )


def _variables(preview: Preview) -> TextTable:
    columns = (
        Column("variable", False, "name in the study"),
        Column("kind", False, "what it is"),
        Column("value", True, "at the start"),
        Column("unit", False, "empty: a number"),
        Column("domain", True, "lowest and highest value it can take"),
        Column("pairs (active)", True, "pairs of atoms it counts; those with 0.05 < s < 0.95"),
        Column("thermal", True, "how far the atoms' thermal motion moves it"),
        Column("sigma", True, "width of the hills"),
        Column("grid", True, "of metadynamics"),
        Column("start on grid", True, "0 % at its lower edge, 100 % at its upper"),
    )
    rows = tuple(_variable(variable, preview) for variable in preview.variables)
    return TextTable("variables", columns, rows)


def _variable(variable: Variable, preview: Preview) -> tuple[str, ...]:
    pairs = len(variable.pairs_A)
    grid = variable.grid
    return (
        variable.name,
        variable.kind,
        _short(variable.value),
        variable.unit,
        f"{variable.lowest:.4g} .. {_top(variable.highest)}",
        f"{pairs} ({variable.n_active})" if pairs else "",
        f"{thermal_movement(variable, preview.kT_kcal_mol):.2g}",
        "" if grid is None else f"{grid.sigma:g}",
        "" if grid is None else f"{grid.low:g} .. {grid.high:g}",
        "" if grid is None else f"{100 * variable.on_grid:.0f} %",
    )


def _acting(preview: Preview) -> TextTable:
    columns = (
        Column("wall or restraint", False, "name in the study"),
        Column("what", False, "on which side"),
        Column("on", False, "what it acts on"),
        Column("at", True, "where it is"),
        Column("closest", True, "value at the start of that which is closest, or farthest behind"),
        Column("room", True, "distance from the wall; negative: behind it"),
        Column("unit", False, "of the three"),
        Column("kcal/mol", True, "energy at the start"),
        Column("kT", True, "the same in kT"),
    )
    rows = tuple(_act(acting, preview) for acting in preview.acting)
    return TextTable("walls and restraints", columns, rows)


def _act(acting: Acting, preview: Preview) -> tuple[str, ...]:
    return (
        acting.name,
        acting.what,
        acting.on,
        f"{acting.at:g}",
        _short(acting.value),
        "" if acting.what == "restraint" else _short(acting.room),
        acting.unit,
        _short(acting.energy_kcal_mol),
        f"{acting.energy_kcal_mol / preview.kT_kcal_mol:.1f}",
    )


def _short(value: float) -> str:
    # rounding errors of a start that is where it should be are not worth a reader's time
    return "0" if abs(value) < 1e-9 else f"{value:.4g}"


def _top(value: float) -> str:
    return "∞" if value == inf else f"{value:.4g}"
