"""A bias as a study describes it: collective variables, walls, restraints, enhanced sampling.

Units are the article's: angstrom, radian, kcal/mol. A wall is PLUMED's ``kappa (x - at)^2``
without a half; a restraint is ``kappa/2 (x - at)^2``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from nucleops.bias.cvs import (
    CV,
    Angle,
    CollectiveVariable,
    Coordination,
    Distance,
    LinearCombination,
    Torsion,
)
from nucleops.bias.enhanced import Metadynamics, Opes
from nucleops.bias.groups import Label, Point
from nucleops.settings import Positive, Settings
from nucleops.systems.spec import MoleculeName


def _target(value: Any) -> str:
    return "name" if isinstance(value, str) else "variable"


Target = Annotated[
    Annotated[Label, Tag("name")] | Annotated[CV, Tag("variable")], Discriminator(_target)
]
"""What a wall acts on: the name of a variable, or a variable written in place."""


class Wall(Settings):
    """A one-sided harmonic bias kappa (x - at)^2, on one variable or on each of many."""

    side: Literal["upper", "lower"]
    """`upper` keeps the variable below `at`, `lower` above."""
    of: Target
    """A variable's name, or a variable written here; one written here whose places are groups of
    several atoms acts on every combination of single atoms."""
    each: MoleculeName | None = None
    """Repeat the wall for each molecule of this motif; roles then mean the molecule at hand."""
    at: float
    """Where the wall begins, in the variable's unit (A, rad or 1)."""
    kappa_kcal_mol: Positive = 100.0
    """Wall constant in kcal/mol per squared unit of the variable, without the factor one half."""


class Restraint(Settings):
    """A harmonic bias kappa/2 (x - at)^2 on one variable."""

    of: Label
    """Name of the variable."""
    at: float = 0.0
    """Centre, in the variable's unit (A, rad or 1)."""
    kappa_kcal_mol: Positive = 100.0
    """Force constant in kcal/mol per squared unit of the variable, with the factor one half."""


class Bias(Settings):
    """Everything that acts on a run besides the potential."""

    points: dict[Label, Point] = Field(default_factory=dict)
    """Named points: fixed, or a centre of mass."""
    cvs: dict[Label, CV] = Field(default_factory=dict)
    """Collective variables by name; all are written to COLVAR."""
    walls: dict[Label, Wall] = Field(default_factory=dict)
    """Walls by name."""
    restraints: dict[Label, Restraint] = Field(default_factory=dict)
    """Harmonic restraints by name."""
    metadynamics: Metadynamics | None = None
    """Well-tempered metadynamics; left out, and no OPES: walls and restraints alone."""
    opes: Opes | None = None
    """OPES in place of metadynamics; needs a LAMMPS whose PLUMED was built with the module opes."""
    left_out_by_colvars: Literal["refuse", "leave out"] = "refuse"
    """What to do where LAMMPS has Colvars only and a part cannot be said in it: refuse to run, or
    leave that part out and record it."""

    @property
    def enhanced(self) -> Metadynamics | Opes | None:
        """Metadynamics or OPES, whichever the bias has."""
        return self.metadynamics or self.opes

    @model_validator(mode="after")
    def _names(self) -> Bias:
        _unique(self)
        for path, cv in _written(self):
            for site in _places(cv):
                if isinstance(site, str):
                    _known(f"{path}.{site}", site, self.points, "point")
            if isinstance(cv, LinearCombination):
                if path.startswith("walls."):
                    raise ValueError(f"{path}: give the combination a name in cvs and use it here")
                _combination(path, cv, self.cvs)
        for name, wall in self.walls.items():
            if isinstance(wall.of, str):
                _known(f"walls.{name}.of", wall.of, self.cvs, "collective variable")
                if wall.each is not None:
                    raise ValueError(f"walls.{name}: each needs a variable written in `of`")
        for name, restraint in self.restraints.items():
            _known(f"restraints.{name}.of", restraint.of, self.cvs, "collective variable")
        if self.metadynamics is not None and self.opes is not None:
            raise ValueError("found metadynamics and opes; a bias has one of the two at most")
        field = "opes" if self.opes is not None else "metadynamics"
        for name in self.enhanced.cvs if self.enhanced is not None else ():
            _known(f"{field}.cvs", name, self.cvs, "collective variable")
        return self


def _written(bias: Bias) -> Iterator[tuple[str, CollectiveVariable]]:
    for name, cv in bias.cvs.items():
        yield f"cvs.{name}", cv
    for name, wall in bias.walls.items():
        if not isinstance(wall.of, str):
            yield f"walls.{name}.of", wall.of


def _places(cv: CollectiveVariable) -> Iterator[object]:
    if isinstance(cv, (Distance, Angle, Torsion)):
        yield from cv.sites
    elif isinstance(cv, Coordination):
        yield cv.a
        yield cv.b


def _combination(path: str, cv: LinearCombination, cvs: dict[str, CV]) -> None:
    for name in cv.of:
        _known(f"{path}.of", name, cvs, "collective variable")
        if isinstance(cvs[name], LinearCombination):
            raise ValueError(f"{path}.of: {name} is itself a combination; write its terms instead")
        if isinstance(cvs[name], Torsion):
            raise ValueError(f"{path}.of: {name} is a torsion; periodic values have no sum")


def _known(path: str, name: str, names: Iterable[str], what: str) -> None:
    allowed = list(names)
    if name in allowed:
        return
    near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.4)
    hint = f"; nearest: {near[0]}" if near else ""
    raise ValueError(
        f"{path}: there is no {what} named {name!r}{hint}; allowed: {', '.join(allowed) or 'none'}"
    )


def _unique(bias: Bias) -> None:
    # PLUMED labels share one name space, and so do the columns of COLVAR.
    seen: dict[str, str] = {
        "metad": "metadynamics itself",
        "opes": "OPES itself",
        "time": "the time column",
    }
    for field in ("points", "cvs", "walls", "restraints"):
        for name in getattr(bias, field):
            if name in seen:
                raise ValueError(f"{field}.{name}: the name is taken by {seen[name]}")
            seen[name] = f"{field}.{name}"
