"""Write a bias as a Colvars configuration for LAMMPS in ``units metal`` (A, eV, degrees).

Where Colvars differs from PLUMED by definition:

- a wall of PLUMED's kappa is ``forceConstant 2 kappa``, and Colvars divides by ``width`` squared;
- coordination with ``tolerance 1e-5`` is PLUMED's stretched short form, to 1e-9 a pair up to 6/12;
- hills are plain Gaussians, zero beyond a squared distance of 23 sigma^2; PLUMED's are stretched
  to zero at 12.5 sigma^2. A hill differs by at most 0.2 % of its height;
- the bias is the value of the nearest grid point (PLUMED interpolates): with the default spacing
  of sigma/5 at most 6 % of a hill's height in one dimension, half a spacing off its flank;
- centres of mass are of unwrapped coordinates, so the group must be whole when the run starts;
- where W walkers share their hills, Colvars tempers a hill by the walker's own hills alone, PLUMED
  by the hills of all. Every walker's share of the bias tends to the same 1/W of it (all sample one
  distribution), so ``biasTemperature T (gamma - 1) / W`` tempers the whole towards gamma.

Colvars cannot say the lowest or mean coordination number, odd exponents, or a wall or restraint on
either; it has no OPES.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import pi

from nucleops.bias.checks import check_shared, check_start
from nucleops.bias.colvars_limits import cannot_say, check_whole, left_out_of
from nucleops.bias.colvars_metad import KCAL_MOL_IN_EV, block, grid_of, metad_block, unit
from nucleops.bias.enhanced import SharedHills
from nucleops.bias.resolved import Place, ResolvedBias, ResolvedCV
from nucleops.bias.switch import TOLERANCE
from nucleops.errors import WrongInput


@dataclass(frozen=True)
class ColvarsInput:
    """A Colvars configuration.

    Attributes
    ----------
    text : str
        The file for LAMMPS' ``fix colvars``.
    left_out : tuple of str
        What Colvars cannot say and was left out, one sentence each.
    """

    text: str
    left_out: tuple[str, ...]


def colvars_input(
    resolved: ResolvedBias,
    temperature_K: float,
    stride: int,
    *,
    restart_stride: int = 0,
    shared: SharedHills | None = None,
) -> ColvarsInput:
    """Return the Colvars configuration of a bias.

    Parameters
    ----------
    resolved : ResolvedBias
        The bias over atom indices.
    temperature_K : float
        Temperature in kelvin, for well-tempered metadynamics.
    stride : int
        MD steps between rows of the trajectory file.
    restart_stride : int
        MD steps between state files; 0: one at the end only.
    shared : SharedHills or None
        Lay the hills into one bias with other walkers.

    Returns
    -------
    ColvarsInput
        Text, and what was left out.

    Raises
    ------
    WrongInput
        Colvars cannot say a part and the bias does not allow leaving it out, metadynamics is on
        such a part, a centre of mass is not whole at the start, the start lies off the grid, or
        the bias has OPES, which is the run's purpose and is never left out.
    """
    if resolved.opes is not None:
        raise WrongInput(
            "bias.opes: this LAMMPS has no PLUMED, and Colvars has no OPES",
            advice="run with a LAMMPS that has PLUMED, or describe bias.metadynamics instead",
        )
    check_shared(resolved, shared)
    reasons = {
        cv.name: reason for cv in resolved.variables() if (reason := cannot_say(cv, resolved))
    }
    left_out = left_out_of(resolved, reasons)
    if left_out and resolved.left_out_by_colvars == "refuse":
        raise WrongInput(
            "this LAMMPS has no PLUMED, and Colvars cannot say: " + "; ".join(left_out),
            advice="set left_out_by_colvars: leave out, or run with a LAMMPS that has PLUMED",
        )
    metad = resolved.metadynamics
    for name in metad.cvs if metad else ():
        if name in reasons:
            raise WrongInput(f"bias.metadynamics.cvs: Colvars cannot bias {name}: {reasons[name]}")
    check_start(resolved)
    check_whole(resolved)
    blocks = [f"colvarsTrajFrequency {stride}\ncolvarsRestartFrequency {restart_stride}\n"]
    blocks += [_colvar(cv, resolved) for cv in resolved.variables() if cv.name not in reasons]
    for restraint in resolved.restraints:
        if restraint.of not in reasons:
            cv = resolved.variable(restraint.of)
            body = [f"name {restraint.name}", f"colvars {restraint.of}"]
            body += [f"centers {unit(cv, restraint.at)!r}"]
            body += [f"forceConstant {_constant(cv, resolved, restraint.kappa)!r}"]
            blocks.append(block("harmonic", [*body, "outputEnergy on"]))
    blocks += _walls(resolved, reasons)
    if metad is not None:
        blocks.append(metad_block(metad, resolved, temperature_K, shared))
    return ColvarsInput("\n".join(blocks), tuple(left_out))


def _colvar(cv: ResolvedCV, bias: ResolvedBias) -> str:
    body = [f"name {cv.name}"]
    metad = bias.metadynamics
    if metad is not None and cv.name in metad.cvs:
        low, high, width = grid_of(metad, bias)[metad.cvs.index(cv.name)]
        body += [f"width {width!r}", f"lowerBoundary {low!r}", f"upperBoundary {high!r}"]
    if cv.name in bias.members:
        body.append("outputValue off")
    terms = cv.terms if cv.kind == "combination" else ((cv.name, 1.0),)
    for name, coefficient in terms:
        body += _component(bias.variable(name), coefficient, bias).splitlines()
    return block("colvar", body)


def _component(cv: ResolvedCV, coefficient: float, bias: ResolvedBias) -> str:
    body = [f"componentCoeff {coefficient!r}"] if coefficient != 1.0 else []
    if cv.kind == "coordination":
        body += [f"cutoff {cv.r0_A!r}", f"expNumer {cv.n}", f"expDenom {cv.m}"]
        # rebuilt each step, so that no pair is missed: only then are values exact
        body += [f"tolerance {TOLERANCE!r}", "pairListFrequency 1"]
        places = list(cv.places)
        if places[0].point:
            places.reverse()  # only the second group can stand for its centre
        for number, place in enumerate(places, start=1):
            body += _group(f"group{number}", place, bias)
        if places[-1].point and bias.points[places[-1].point].fixed_A is None:
            body.append("group2CenterOnly on")
        return block("coordNum" if len(places) == 2 else "selfCoordNum", body)
    keyword = {"distance": "distance", "angle": "angle", "torsion": "dihedral"}[cv.kind]
    for number, place in enumerate(cv.places, start=1):
        body += _group(f"group{number}", place, bias)
    return block(keyword, body)


def _group(keyword: str, place: Place, bias: ResolvedBias) -> list[str]:
    atoms: Iterable[int] = place.atoms
    if place.point is not None:
        point = bias.points[place.point]
        if point.fixed_A is not None:
            at = ", ".join(repr(x) for x in point.fixed_A)
            return block(keyword, [f"dummyAtom ({at})"]).splitlines()
        atoms = point.atoms
    return block(keyword, ["atomNumbers " + " ".join(str(i + 1) for i in atoms)]).splitlines()


def _walls(bias: ResolvedBias, reasons: dict[str, str]) -> list[str]:
    blocks = []
    for wall in bias.walls:
        kept = [bias.variable(name) for name in wall.members if name not in reasons]
        if not kept:
            continue
        at = " ".join(repr(unit(cv, wall.at)) for cv in kept)
        # all members of a wall are of one kind, so one constant serves them all
        constant = _constant(kept[0], bias, 2 * wall.kappa)
        body = [f"name {wall.name}", "colvars " + " ".join(cv.name for cv in kept)]
        body += [f"{wall.side}Walls {at}", f"{wall.side}WallConstant {constant!r}"]
        blocks.append(block("harmonicWalls", [*body, "outputEnergy on"]))
    return blocks


def _constant(cv: ResolvedCV, bias: ResolvedBias, kappa: float) -> float:
    """Return kappa (kcal/mol per A^2, rad^2 or 1) as Colvars' constant in eV.

    Colvars divides it by the square of the variable's width, which is the bin width of the grid
    where the variable is biased by metadynamics and 1 otherwise.
    """
    metad = bias.metadynamics
    biased = metad is not None and cv.name in metad.cvs
    width = grid_of(metad, bias)[metad.cvs.index(cv.name)][2] if metad and biased else 1.0
    per_unit = (pi / 180.0) ** 2 if cv.unit == "rad" else 1.0
    return kappa * KCAL_MOL_IN_EV * per_unit * width**2
