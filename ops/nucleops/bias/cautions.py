"""What a user would regret of a bias, told before the run."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np

from nucleops.bias.previewed import FLAT, Acting, Counted, Preview, Variable

MOST_KT = 10.0
"""Energy in kT of a wall or restraint beyond which a start is torn apart rather than led back."""
FLAT_SLOPE = 0.1
"""Change of a coordination per angstrom, all coordinates together, below which it is flat."""
ATOM_K_KCAL_MOL_A2 = 60.0
"""Force constant that holds an atom in a soft bond; with kT it says how far atoms move: 0.1 A at
300 K."""
WIDEST_HILL = 10.0
"""Hills wider than so many thermal movements of a variable level what they should fill."""
FEWEST_HILLS = 10.0
"""So many hills side by side, at the least, resolve a grid."""
EDGE_SIGMAS = 3.0
"""A hill nearer to the edge of the grid, in sigmas, is cut off by it."""
MISSED_S = 0.01
"""Switching function at half the cell beyond which pairs are missed that count."""


def cautions(preview: Preview) -> list[str]:
    """Say what a user would regret, one sentence or two each, the gravest first.

    Told are: a start off the grid or next to its edge; walls and restraints with more than 10 kT
    at the start; biased or unbiased coordinations without a slope, because every pair is far
    inside or far outside of r0; hills wider than the variable's thermal movement or than a tenth
    of the grid; switching functions that have not fallen to nothing at half the cell, beyond which
    the minimum image misses pairs.

    Parameters
    ----------
    preview : Preview
        The bias at the start.
    """
    said = [text for variable in preview.variables for text in _off_grid(variable)]
    said += [text for acting in preview.acting for text in _strained(acting, preview)]
    flat = [variable for variable in preview.variables if is_flat(variable)]
    said += [_flat(variable, preview) for variable in flat]
    for variable in preview.variables:
        if not _is_flat_sum(variable, preview):
            said += _wide(variable, preview)
    return said + list(_missed(preview))


def is_flat(variable: Variable) -> bool:
    """Whether a coordination does not feel its atoms move: no pair is near r0."""
    return bool(len(variable.pairs_A)) and not variable.n_active and variable.slope < FLAT_SLOPE


def thermal_movement(variable: Variable, kT_kcal_mol: float) -> float:
    """Return how far a variable moves with the atoms' thermal motion, in its unit.

    Each coordinate moves by sqrt(kT/k) by itself, k being :data:`ATOM_K_KCAL_MOL_A2`, so that to
    first order the variable moves by the norm of its gradient times that.
    """
    return variable.slope * sqrt(kT_kcal_mol / ATOM_K_KCAL_MOL_A2)


def _off_grid(variable: Variable) -> Iterator[str]:
    grid = variable.grid
    if grid is None or variable.kind == "torsion":  # a torsion's grid has no edge
        return
    name, value = variable.name, variable.value
    if not grid.low <= value <= grid.high:
        yield (
            f"{name} starts at {value:.4g}, off its grid from {grid.low:g} to {grid.high:g}: no"
            " engine would start. Widen grid_min, grid_max."
        )
        return
    below, above = value - grid.low, grid.high - value
    if min(below, above) < EDGE_SIGMAS * grid.sigma:
        edge = grid.low if below < above else grid.high
        yield (
            f"{name} starts at {value:.4g}, {min(below, above) / grid.sigma:.2g} sigma from the"
            f" edge of its grid at {edge:g}, which cuts off the hills there. Move the edge by"
            f" {EDGE_SIGMAS:g} sigma ({EDGE_SIGMAS * grid.sigma:g}) or more."
        )


def _strained(acting: Acting, preview: Preview) -> Iterator[str]:
    kT = preview.kT_kcal_mol
    if acting.energy_kcal_mol <= MOST_KT * kT:
        return
    unit = f" {acting.unit}" if acting.unit else ""
    side = "from its centre" if acting.what == "restraint" else "behind it"
    yield (
        f"{acting.what} {acting.name} has {acting.energy_kcal_mol:.3g} kcal/mol"
        f" ({acting.energy_kcal_mol / kT:.0f} kT) at the start: {acting.where} is"
        f" {acting.value:.3g}{unit}, {-acting.room:.2g}{unit} {side}. The first steps would be"
        " violent; start nearer, or move the wall."
    )


def _flat(variable: Variable, preview: Preview) -> str:
    r = variable.pairs_A
    many = f"all {len(r)} pairs" if len(r) > 1 else "its only pair"
    ends = []
    for counted in preview.counted:
        if variable.name in counted.names:
            s = counted.switch(np.array([r.min()]))[0]
            ends = [f"the closest, at {r.min():.2f} A, has s = {s:.2g} with r0 {counted.r0_A:g} A"]
    sums = [name for name, terms in preview.terms.items() if variable.name in terms]
    biased = {v.name for v in preview.variables if v.grid is not None}
    role = ""
    if variable.name in biased:
        role = ", which is biased,"
    elif set(sums) & biased:
        role = f", a part of the biased {', '.join(sorted(set(sums) & biased))},"
    return (
        f"{variable.name}{role} is flat at the start: {many} have s below {FLAT:g} or above"
        f" {1 - FLAT:g} ({', '.join(ends)}), and moving atoms by 0.1 A changes it by"
        f" {0.1 * variable.slope:.1g}. The bias pushes on nothing there; choose r0 between the"
        " distances of the two states."
    )


def _is_flat_sum(variable: Variable, preview: Preview) -> bool:
    terms = preview.terms.get(variable.name, (variable.name,))
    return all(is_flat(v) for v in preview.variables if v.name in terms)


def _wide(variable: Variable, preview: Preview) -> Iterator[str]:
    grid = variable.grid
    if grid is None:
        return
    moves = thermal_movement(variable, preview.kT_kcal_mol)
    if grid.sigma > WIDEST_HILL * moves:
        yield (
            f"sigma {grid.sigma:g} of {variable.name} is {grid.sigma / max(moves, 1e-12):.0f} times"
            f" what the atoms' thermal motion moves it by at the start ({moves:.2g} at"
            f" {preview.temperature_K:g} K): hills are wider than the basin they should fill."
        )
    if grid.sigma > (grid.high - grid.low) / FEWEST_HILLS:
        yield (
            f"sigma {grid.sigma:g} of {variable.name} is more than a tenth of its grid from"
            f" {grid.low:g} to {grid.high:g}: a surface cannot be resolved with such hills."
        )


def _missed(preview: Preview) -> Iterator[str]:
    if not preview.system.periodic:
        return
    half = float(preview.system.cell.min()) / 2
    groups: dict[tuple[float, int, int], list[Counted]] = {}
    for counted in preview.counted:
        groups.setdefault((counted.r0_A, counted.n, counted.m), []).append(counted)
    for (r0, n, m), group in groups.items():
        s = float(group[0].switch(np.array([half]))[0])
        if s > MISSED_S:
            names = ", ".join(name for counted in group for name in counted.names)
            yield (
                f"{names}: s is still {s:.2g} at half the cell ({half:.4g} A; r0 {r0:g}, {n}/{m}"
                f" falls off as r^{n - m}). Pairs farther apart count by their nearest image only,"
                " so that the variable does not see them part; a larger cell, or a larger m, would."
            )
