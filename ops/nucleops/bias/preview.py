"""What a bias is at the start of a run: values, walls, grid, and the pairs it counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleops.bias.geometry import minimum_image, place_positions
from nucleops.bias.gradients import gradients
from nucleops.bias.resolved import (
    FloatArray,
    Place,
    ResolvedBias,
    ResolvedCV,
    ResolvedWall,
    domain,
)
from nucleops.bias.switch import switch
from nucleops.bias.values import evaluate, evaluate_one, frames_and_cell
from nucleops.systems.system import System

KB_KCAL_MOL_K = 0.0019872042586
"""Boltzmann's constant in kcal/mol/K, CODATA 2018."""
FLAT = 0.05
"""A pair whose switching function is within this of 0 or 1 hardly changes it by moving."""
COUNTING = ("coordination", "lowest-coordination")
"""Kinds of variables that count pairs with a switching function."""


@dataclass(frozen=True)
class OnGrid:
    """One axis of metadynamics' grid, in the variable's unit."""

    low: float
    high: float
    spacing: float
    sigma: float


@dataclass(frozen=True)
class Variable:
    """A named variable at the start.

    Attributes
    ----------
    name, kind, unit : str
        Unit ``A``, ``rad`` or empty.
    value : float
        In its unit.
    lowest, highest : float
        Its domain.
    pairs_A : ndarray
        Distance of each pair of atoms that it counts, shape (P,); none where it counts none.
    n_active : int
        Pairs that are neither together nor apart: 0.05 <= s <= 0.95.
    slope : float
        Norm of its gradient by all coordinates, in its unit per angstrom.
    grid : OnGrid or None
        Where it is biased by metadynamics.
    """

    name: str
    kind: str
    unit: str
    value: float
    lowest: float
    highest: float
    pairs_A: FloatArray
    n_active: int
    slope: float
    grid: OnGrid | None

    @property
    def on_grid(self) -> float:
        """Where the start is on the grid: 0 at the lower edge, 1 at the upper; NaN without one."""
        if self.grid is None:
            return float("nan")
        return (self.value - self.grid.low) / (self.grid.high - self.grid.low)


@dataclass(frozen=True)
class Acting:
    """A wall or restraint at the start.

    Attributes
    ----------
    name : str
        Its name.
    what : str
        ``upper wall``, ``lower wall`` or ``restraint``.
    on : str
        What it acts on: a variable's name, or how many of which kind.
    at : float
        Where it is, in ``unit``.
    unit : str
        Unit of what it acts on.
    value : float
        Of that of its variables which is closest to the wall, or farthest behind it.
    room : float
        How far that one is from the wall, negative behind it. For a restraint, which has no side:
        minus the distance from its centre.
    where : str
        Atoms of that variable, in words.
    energy_kcal_mol : float
        Of all its variables.
    """

    name: str
    what: str
    on: str
    at: float
    unit: str
    value: float
    room: float
    where: str
    energy_kcal_mol: float


@dataclass(frozen=True)
class Counted:
    """A switching function, and the pairs it acts on at the start.

    Attributes
    ----------
    names : tuple of str
        Variables (or walls) that share the function and the kind of pairs.
    pairs : str
        What is counted, such as ``Ag-N``.
    r0_A, n, m : float, int, int
        Of the switching function.
    distances_A : ndarray
        Distance of each pair, all variables together, shape (P,).
    """

    names: tuple[str, ...]
    pairs: str
    r0_A: float
    n: int
    m: int
    distances_A: FloatArray

    def switch(self, r: FloatArray) -> FloatArray:
        """Return s(r) of distances in angstrom, any shape."""
        return switch(r, self.r0_A, self.n, self.m)


@dataclass(frozen=True)
class Preview:
    """A bias at the start of a run.

    Attributes
    ----------
    system : System
        The start.
    temperature_K : float
        Of the run.
    variables, acting, counted : tuple
        What the bias consists of.
    terms : dict
        Names of the terms of each combination.
    """

    system: System
    temperature_K: float
    variables: tuple[Variable, ...]
    acting: tuple[Acting, ...]
    counted: tuple[Counted, ...]
    terms: dict[str, tuple[str, ...]]

    @property
    def kT_kcal_mol(self) -> float:
        """k_B T in kcal/mol."""
        return KB_KCAL_MOL_K * self.temperature_K


def preview(resolved: ResolvedBias, system: System, temperature_K: float) -> Preview:
    """Evaluate a bias at the start of a run.

    Parameters
    ----------
    resolved : ResolvedBias
        The bias, resolved against ``system``.
    system : System
        The start.
    temperature_K : float
        Temperature of the run in kelvin.
    """
    values = {name: float(v[0]) for name, v in evaluate(resolved, resolved.start).items()}
    return Preview(
        system,
        temperature_K,
        tuple(_variable(cv, resolved, values[cv.name]) for cv in resolved.cvs.values()),
        (
            *(_wall(wall, resolved, system, values) for wall in resolved.walls),
            *_restraints(resolved, values),
        ),
        _counted(resolved, system),
        {cv.name: tuple(term for term, _ in cv.terms) for cv in resolved.cvs.values() if cv.terms},
    )


def pair_distances(cv: ResolvedCV, resolved: ResolvedBias) -> FloatArray:
    """Return the distance in angstrom of each pair that a variable counts at the start, (P,)."""
    frames, cell = frames_and_cell(resolved, resolved.start, None, None)
    a = place_positions(cv.places[0], resolved, frames, cell)
    b = place_positions(cv.places[-1], resolved, frames, cell)
    vectors = minimum_image(a[:, :, None, :] - b[:, None, :, :], cell)
    r = np.linalg.norm(vectors[0], axis=-1)
    within = len(cv.places) == 1
    return np.asarray(r[np.triu_indices(len(r), k=1)] if within else r.ravel(), dtype=np.float64)


def _variable(cv: ResolvedCV, resolved: ResolvedBias, value: float) -> Variable:
    low, high = domain(cv, resolved)
    grid = None
    metad = resolved.metadynamics
    if metad is not None and cv.name in metad.cvs:
        k = metad.cvs.index(cv.name)
        grid = OnGrid(metad.grid_min[k], metad.grid_max[k], metad.spacing[k], metad.sigma[k])
    slope = float(np.linalg.norm(gradients(resolved, cv.name, resolved.start)))
    pairs, active = np.empty(0), 0
    if cv.kind in COUNTING:
        pairs = pair_distances(cv, resolved)
        s = switch(pairs, cv.r0_A, cv.n, cv.m)
        active = int(np.sum((s >= FLAT) & (s <= 1 - FLAT)))
    return Variable(cv.name, cv.kind, cv.unit, value, low, high, pairs, active, slope, grid)


def _wall(
    wall: ResolvedWall, resolved: ResolvedBias, system: System, values: dict[str, float]
) -> Acting:
    frames, cell = frames_and_cell(resolved, resolved.start, None, None)
    at_start = [float(evaluate_one(resolved, name, frames, cell)[0]) for name in wall.members]
    sign = 1.0 if wall.side == "upper" else -1.0
    rooms = [sign * (wall.at - value) for value in at_start]
    worst = int(np.argmin(rooms))
    cv = resolved.variable(wall.members[worst])
    many = len(wall.members)
    on = cv.name if cv.name in resolved.cvs else f"{many} {cv.kind}{'s' if many > 1 else ''}"
    return Acting(
        wall.name,
        f"{wall.side} wall",
        on,
        wall.at,
        cv.unit,
        at_start[worst],
        rooms[worst],
        describe(cv, system),
        values[f"{wall.name}.bias"],
    )


def _restraints(resolved: ResolvedBias, values: dict[str, float]) -> list[Acting]:
    found = []
    for restraint in resolved.restraints:
        cv = resolved.variable(restraint.of)
        energy = values[f"{restraint.name}.bias"]
        value = values[cv.name]
        away = -np.sqrt(2 * energy / restraint.kappa)
        found.append(
            Acting(
                *(restraint.name, "restraint", cv.name, restraint.at, cv.unit, value),
                float(away),
                cv.name,
                energy,
            )
        )
    return found


def _counted(resolved: ResolvedBias, system: System) -> tuple[Counted, ...]:
    """Collect variables that share function and kind of pairs, for one panel together."""
    groups: dict[tuple[str, float, int, int], dict[str, list[FloatArray]]] = {}
    owner = {name: wall.name for wall in resolved.walls for name in wall.members}
    for cv in resolved.variables():
        if cv.kind not in COUNTING:
            continue
        pairs = "–".join(_kind_of(place, system) for place in (cv.places[0], cv.places[-1]))
        group = groups.setdefault((pairs, cv.r0_A, cv.n, cv.m), {})
        name = cv.name if cv.name in resolved.cvs else owner[cv.name]
        group.setdefault(name, []).append(pair_distances(cv, resolved))
    return tuple(
        Counted(
            tuple(found),
            pairs,
            r0,
            n,
            m,
            np.concatenate([r for parts in found.values() for r in parts]),
        )
        for (pairs, r0, n, m), found in groups.items()
    )


def _kind_of(place: Place, system: System) -> str:
    if place.point is not None:
        return place.point
    return "/".join(dict.fromkeys(system.symbols[i] for i in place.atoms))


def describe(cv: ResolvedCV, system: System) -> str:
    """Say in words what a variable is of: ``distance S1 of monomer 2 – nucleus``, or its name."""
    if cv.terms or any(len(place.atoms) > 1 for place in cv.places):
        return cv.name
    sites = [place.point or _atom(place.atoms[0], system) for place in cv.places]
    return f"{cv.kind} {' – '.join(sites)}"


def _atom(index: int, system: System) -> str:
    counts: dict[str, int] = {}
    for molecule in system.molecules:
        counts[molecule.motif] = counts.get(molecule.motif, 0) + 1
        if index in molecule.indices:
            role = molecule.roles[molecule.indices.index(index)]
            return f"{role} of {molecule.motif} {counts[molecule.motif]}"
    return f"{system.symbols[index]} (atom {index + 1})"
