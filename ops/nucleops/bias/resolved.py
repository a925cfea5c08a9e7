"""A bias whose atom groups have become indices: what every engine and the numpy values read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import pi
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nucleops.bias.enhanced import Metadynamics, Opes

Kind = Literal["distance", "angle", "torsion", "coordination", "lowest-coordination", "combination"]
FloatArray = NDArray[np.float64]
OPES_COLUMNS = ("bias", "rct", "zed", "neff", "nker")
"""Components of OPES that PLUMED 2.9 and 2.10 both have, whatever its options."""


@dataclass(frozen=True)
class Place:
    """Atoms (zero-based indices), or the name of a point; exactly one of the two."""

    atoms: tuple[int, ...] = ()
    point: str | None = None


@dataclass(frozen=True)
class ResolvedPoint:
    """A point: fixed at a position in angstrom, or the centre of mass of atoms.

    ``weights`` are the masses of the atoms in atomic mass units, parallel to ``atoms``.
    """

    name: str
    fixed_A: tuple[float, float, float] | None = None
    atoms: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class ResolvedCV:
    """A collective variable over atom indices.

    ``places`` are the two, three or four places of a distance, angle or torsion; the two groups of
    a coordination (one: pairs within it); the centres and what surrounds them of a
    lowest-coordination. ``terms`` are names and coefficients of a combination.
    """

    name: str
    kind: Kind
    places: tuple[Place, ...] = ()
    r0_A: float = 0.0
    n: int = 0
    m: int = 0
    statistic: Literal["lowest", "mean"] = "lowest"
    terms: tuple[tuple[str, float], ...] = ()

    @property
    def unit(self) -> str:
        """Unit of its values: ``A``, ``rad`` or an empty string."""
        return {"distance": "A", "angle": "rad", "torsion": "rad"}.get(self.kind, "")


@dataclass(frozen=True)
class ResolvedWall:
    """A wall kappa (x - at)^2 on each of ``members`` (names of variables); kcal/mol."""

    name: str
    side: Literal["upper", "lower"]
    members: tuple[str, ...]
    at: float
    kappa: float


@dataclass(frozen=True)
class ResolvedRestraint:
    """A restraint kappa/2 (x - at)^2 on a variable; kcal/mol."""

    name: str
    of: str
    at: float
    kappa: float


@dataclass(frozen=True)
class ResolvedBias:
    """A bias over atom indices of one system.

    Attributes
    ----------
    system : str
        Name of the system.
    n_atoms : int
        Its number of atoms.
    periodic : bool
        Whether distances are taken to the nearest image.
    cell : tuple of float
        Edge lengths of the cell in angstrom.
    points, cvs : dict
        Named points and named collective variables.
    members : dict
        Variables written inside walls, one each; their names hold a double underscore.
    walls, restraints : tuple
        What acts on them.
    metadynamics : Metadynamics or None
        Well-tempered metadynamics on named variables.
    left_out_by_colvars : str
        ``refuse`` or ``leave out``.
    start : ndarray
        Coordinates in angstrom of the system resolved against, shape (n_atoms, 3).
    opes : Opes or None
        OPES on named variables, in place of metadynamics.
    """

    system: str
    n_atoms: int
    periodic: bool
    cell: tuple[float, float, float]
    points: dict[str, ResolvedPoint]
    cvs: dict[str, ResolvedCV]
    members: dict[str, ResolvedCV]
    walls: tuple[ResolvedWall, ...]
    restraints: tuple[ResolvedRestraint, ...]
    metadynamics: Metadynamics | None
    left_out_by_colvars: Literal["refuse", "leave out"]
    start: FloatArray
    opes: Opes | None = None

    def variable(self, name: str) -> ResolvedCV:
        """Return the variable of this name, whether named in the study or written in a wall."""
        return self.cvs[name] if name in self.cvs else self.members[name]

    def variables(self) -> Iterator[ResolvedCV]:
        """Return all variables: the named ones, then those written in walls."""
        yield from self.cvs.values()
        yield from self.members.values()

    @property
    def enhanced(self) -> Metadynamics | Opes | None:
        """Metadynamics or OPES, whichever the bias has."""
        return self.metadynamics or self.opes

    def period_constants(self, names: Iterable[str] | None = None) -> dict[str, str]:
        """Return the ``#! SET`` lines by which PLUMED tells that torsions are periodic.

        Parameters
        ----------
        names : iterable of str or None
            The variables at hand; all named ones where None.
        """
        cvs = self.cvs if names is None else names
        torsions = [name for name in cvs if self.cvs[name].kind == "torsion"]
        return {f"{end}_{cv}": at for cv in torsions for end, at in (("min", "-pi"), ("max", "pi"))}

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of COLVAR after ``time``: variables, enhanced sampling, walls, restraints.

        Of metadynamics ``metad.bias``; of OPES ``opes.bias`` (kcal/mol) and what shows whether it
        has converged: ``opes.rct`` (kcal/mol, not for reweighting), ``opes.zed``, ``opes.neff``
        and ``opes.nker``.
        """
        names = list(self.cvs)
        names += ["metad.bias"] if self.metadynamics else []
        names += [f"opes.{part}" for part in OPES_COLUMNS] if self.opes else []
        names += [f"{wall.name}.bias" for wall in self.walls]
        names += [f"{restraint.name}.bias" for restraint in self.restraints]
        return tuple(names)


def domain(cv: ResolvedCV, bias: ResolvedBias) -> tuple[float, float]:
    """Return the lowest and highest value a variable can take, in its unit.

    Parameters
    ----------
    cv : ResolvedCV
        The variable.
    bias : ResolvedBias
        The bias it belongs to (for the terms of a combination).

    Returns
    -------
    tuple of float
        For a distance (0, inf), for a coordination (0, number of pairs), and so on.
    """
    if cv.kind == "distance":
        return 0.0, np.inf
    if cv.kind == "angle":
        return 0.0, pi
    if cv.kind == "torsion":
        return -pi, pi
    if cv.kind == "combination":
        ends = [
            sorted(coefficient * end for end in domain(bias.variable(name), bias))
            for name, coefficient in cv.terms
        ]
        return sum(low for low, _ in ends), sum(high for _, high in ends)
    counts = [max(len(place.atoms), 1) for place in cv.places]
    if cv.kind == "lowest-coordination":
        return 0.0, float(counts[1])
    if len(counts) == 1:
        return 0.0, counts[0] * (counts[0] - 1) / 2
    return 0.0, float(counts[0] * counts[1])
