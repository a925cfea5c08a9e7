"""Resolve a bias against a system: groups become indices, and mistakes are refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from nucleops.bias.checks import check_targets
from nucleops.bias.cvs import (
    Angle,
    CollectiveVariable,
    Coordination,
    Distance,
    LinearCombination,
    LowestCoordination,
    Torsion,
)
from nucleops.bias.groups import AtomGroup, FixedPoint
from nucleops.bias.resolved import (
    Place,
    ResolvedBias,
    ResolvedCV,
    ResolvedPoint,
    ResolvedRestraint,
    ResolvedWall,
)
from nucleops.bias.select import select
from nucleops.bias.spec import Bias, Wall
from nucleops.errors import WrongInput
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.system import Molecule, System

MOST_MEMBERS = 5000
"""A wall on more variables than this is refused: it would cost more than the potential."""


def resolve(bias: Bias, system: System, *, masses: Sequence[float] | None = None) -> ResolvedBias:
    """Resolve a bias into atom indices of a system.

    Parameters
    ----------
    bias : Bias
        The description.
    system : System
        The system, with molecules and roles where the description uses them. Its coordinates are
        those of the start of the run; they are kept, and judged only when an engine's input is
        written, so that a bias can be resolved before its system is packed.
    masses : sequence of float or None
        Masses in atomic mass units, shape (n_atoms,); the elements' standard ones where None.

    Returns
    -------
    ResolvedBias
        The same bias over zero-based indices.

    Raises
    ------
    WrongInput
        A group is empty or names what the system does not hold, groups overlap, a place is not one
        atom, or a value is outside its variable's domain.
    """
    cvs = {name: _single(name, cv, system, f"bias.cvs.{name}") for name, cv in bias.cvs.items()}
    members: dict[str, ResolvedCV] = {}
    walls = []
    for name, wall in bias.walls.items():
        if isinstance(wall.of, str):
            names: tuple[str, ...] = (wall.of,)
        else:
            new = _wall_members(name, wall, system)
            members.update({cv.name: cv for cv in new})
            names = tuple(cv.name for cv in new)
        walls.append(ResolvedWall(name, wall.side, names, wall.at, wall.kappa_kcal_mol))
    restraints = tuple(
        ResolvedRestraint(name, r.of, r.at, r.kappa_kcal_mol) for name, r in bias.restraints.items()
    )
    resolved = ResolvedBias(
        system=system.name,
        n_atoms=system.n_atoms,
        periodic=system.periodic,
        cell=(float(system.cell[0]), float(system.cell[1]), float(system.cell[2])),
        points=_points(bias, system, masses),
        cvs=cvs,
        members=members,
        walls=tuple(walls),
        restraints=restraints,
        metadynamics=bias.metadynamics,
        left_out_by_colvars=bias.left_out_by_colvars,
        start=np.array(system.positions, dtype=np.float64),
        opes=bias.opes,
    )
    check_targets(resolved)
    return resolved


def _points(bias: Bias, system: System, masses: Sequence[float] | None) -> dict[str, ResolvedPoint]:
    points = {}
    for name, point in bias.points.items():
        path = f"bias.points.{name}"
        if isinstance(point, FixedPoint):
            at = tuple(
                float(x) for x in (system.cell / 2 if point.at_A == "centre" else point.at_A)
            )
            if system.periodic and not all(
                0 <= x <= edge for x, edge in zip(at, system.cell, strict=True)
            ):
                raise WrongInput(
                    f"{path}.at_A: found {at}, allowed 0 to {system.cell.tolist()}: inside the cell"
                )
            points[name] = ResolvedPoint(name, fixed_A=(at[0], at[1], at[2]))
        else:
            atoms = select(point.of, system, f"{path}.of")
            points[name] = ResolvedPoint(name, atoms=atoms, weights=_weights(atoms, system, masses))
    return points


def _weights(
    atoms: tuple[int, ...], system: System, masses: Sequence[float] | None
) -> tuple[float, ...]:
    if masses is not None:
        return tuple(float(masses[i]) for i in atoms)
    if len({system.symbols[i] for i in atoms}) == 1:
        return (1.0,) * len(atoms)
    return tuple(MASS_G_MOL[system.symbols[i]] for i in atoms)


def _single(
    name: str, cv: CollectiveVariable, system: System, path: str, at_hand: Molecule | None = None
) -> ResolvedCV:
    if isinstance(cv, LinearCombination):
        return ResolvedCV(name, cv.kind, terms=tuple(cv.of.items()))
    if isinstance(cv, (Distance, Angle, Torsion)):
        places = _sites(cv, system, path, at_hand)
        for number, place in enumerate(places):
            if len(place.atoms) > 1:
                raise WrongInput(
                    f"{path}.sites[{number}]: found a group of {len(place.atoms)} atoms, allowed "
                    "one atom or a point; name a centre-of-mass point for the middle of a group"
                )
        return next(_expand(name, cv, places, path))
    return _counted(name, cv, system, path, at_hand)


def _counted(
    name: str,
    cv: Coordination | LowestCoordination,
    system: System,
    path: str,
    at_hand: Molecule | None,
) -> ResolvedCV:
    if isinstance(cv, LowestCoordination):
        fields: dict[str, str | AtomGroup] = {"centres": cv.centres, "around": cv.around}
    else:
        fields = {"a": cv.a} | ({} if cv.b is None else {"b": cv.b})
    places = [_place(site, system, f"{path}.{field}", at_hand) for field, site in fields.items()]
    shared = set(places[0].atoms) & set(places[-1].atoms) if len(places) == 2 else set()
    if shared:
        first, second = fields
        raise WrongInput(
            f"{path}: {first} and {second} share {len(shared)} atom(s), the first is "
            f"{min(shared) + 1}; leave b out for the pairs within one group"
        )
    if len(places) == 2 and all(place.point for place in places):
        raise WrongInput(f"{path}: a and b are both points; at least one must be a group of atoms")
    if len(places) == 1 and len(places[0].atoms) < 2:
        raise WrongInput(f"{path}.a: found one place and no b, allowed two atoms or more")
    statistic = cv.statistic if isinstance(cv, LowestCoordination) else "lowest"
    return ResolvedCV(
        name, cv.kind, tuple(places), r0_A=cv.r0_A, n=cv.n, m=cv.m, statistic=statistic
    )


def _wall_members(name: str, wall: Wall, system: System) -> list[ResolvedCV]:
    assert not isinstance(wall.of, str)
    path = f"bias.walls.{name}.of"
    at_hand: list[Molecule | None] = [None]
    if wall.each is not None:
        at_hand = list(system.of_motif(wall.each))
        if not at_hand:
            present = sorted({m.motif for m in system.molecules})
            raise WrongInput(
                f"bias.walls.{name}.each: system {system.name!r} holds no {wall.each}; "
                f"allowed: {', '.join(present) or 'none'}"
            )
    found: dict[object, ResolvedCV] = {}
    for molecule in at_hand:
        if isinstance(wall.of, (Distance, Angle, Torsion)):
            places = _sites(wall.of, system, path, molecule)
            new = list(_expand(name, wall.of, places, path))
        else:
            new = [_single(name, wall.of, system, path, molecule)]
        for cv in new:
            # the pair (a, b) of one molecule may come again as (b, a) of another
            found.setdefault(min(cv.places, cv.places[::-1], key=repr), cv)
        if len(found) > MOST_MEMBERS:
            raise WrongInput(f"{path}: more than {MOST_MEMBERS} variables in one wall")
    return [
        dataclasses.replace(cv, name=f"{name}__{number}")
        for number, cv in enumerate(found.values(), start=1)
    ]


def _expand(
    name: str, cv: Distance | Angle | Torsion, places: Sequence[Place], path: str
) -> Iterator[ResolvedCV]:
    choices = [
        [place] if place.point else [Place(atoms=(i,)) for i in place.atoms] for place in places
    ]
    empty = True
    for combination in product(*choices):
        if len(set(combination)) == len(combination):
            empty = False
            yield ResolvedCV(name, cv.kind, tuple(combination))
    if empty:
        raise WrongInput(f"{path}.sites: the same atom or point stands in two places")


def _sites(
    cv: Distance | Angle | Torsion, system: System, path: str, at_hand: Molecule | None
) -> list[Place]:
    return [
        _place(site, system, f"{path}.sites[{number}]", at_hand)
        for number, site in enumerate(cv.sites)
    ]


def _place(site: str | AtomGroup, system: System, path: str, at_hand: Molecule | None) -> Place:
    if isinstance(site, str):
        return Place(point=site)
    return Place(atoms=select(site, system, path, at_hand))
