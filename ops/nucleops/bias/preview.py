"""What a bias is at the start of a run: values, walls, grid, and the pairs it counts."""

from __future__ import annotations

import numpy as np

from nucleops.bias.geometry import minimum_image, place_positions
from nucleops.bias.gradients import gradients
from nucleops.bias.previewed import (
    COUNTING,
    FLAT,
    Acting,
    Counted,
    OnGrid,
    Preview,
    Variable,
)
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
