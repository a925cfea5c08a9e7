"""What Colvars cannot say of a bias, and which columns its trajectory therefore has."""

from __future__ import annotations

import numpy as np

from nucleops.bias.resolved import ResolvedBias, ResolvedCV
from nucleops.errors import WrongInput


def cannot_say(cv: ResolvedCV, bias: ResolvedBias) -> str | None:
    """Return why Colvars cannot say a variable, or None where it can."""
    if cv.kind == "lowest-coordination":
        return f"the {cv.statistic} of coordination numbers"
    if cv.kind == "coordination" and (cv.n % 2 or cv.m % 2):
        return f"a switching function with the odd exponent {cv.n if cv.n % 2 else cv.m}"
    if cv.kind == "combination":
        if any(bias.variable(name).kind == "angle" for name, _ in cv.terms):
            return "a sum with angles, which Colvars takes in degrees"
        for name, _ in cv.terms:
            if reason := cannot_say(bias.variable(name), bias):
                return reason
    return None


def left_out_of(bias: ResolvedBias, reasons: dict[str, str]) -> list[str]:
    """Return what a bias loses without the variables of ``reasons``, one sentence each."""
    left_out = [f"{name}: {reason}" for name, reason in reasons.items() if name in bias.cvs]
    for wall in bias.walls:
        lost = [name for name in wall.members if name in reasons]
        if lost:
            left_out.append(f"wall {wall.name} on {', '.join(lost)}: {reasons[lost[0]]}")
    for restraint in bias.restraints:
        if restraint.of in reasons:
            left_out.append(
                f"restraint {restraint.name} on {restraint.of}: {reasons[restraint.of]}"
            )
    return left_out


def check_whole(bias: ResolvedBias) -> None:
    """Refuse a start where a centre of mass is of a group that the periodic boundary splits.

    Raises
    ------
    WrongInput
        Names the point.
    """
    for point in bias.points.values():
        atoms = bias.start[list(point.atoms)]
        if bias.periodic and len(atoms) > 1:
            steps = np.abs(np.diff(atoms, axis=0)) > np.asarray(bias.cell) / 2
            if np.any(steps):
                raise WrongInput(
                    f"bias.points.{point.name}: its atoms are split by the periodic boundary at "
                    f"the start of system {bias.system!r}; Colvars needs them whole",
                    advice="shift the coordinates so that the group lies within one image",
                )


def expected_columns(resolved: ResolvedBias) -> dict[str, str]:
    """Return the columns of Colvars' trajectory after ``step``, and what COLVAR calls each.

    Variables come first, then the energies (``E_<bias>``) by kind of bias, which is Colvars' order
    whatever the configuration's: harmonic, harmonicWalls, metadynamics. What Colvars cannot say is
    not among them.
    """
    reasons = {cv.name for cv in resolved.variables() if cannot_say(cv, resolved)}
    columns = {name: name for name in resolved.cvs if name not in reasons}
    for restraint in resolved.restraints:
        if restraint.of not in reasons:
            columns[f"E_{restraint.name}"] = f"{restraint.name}.bias"
    for wall in resolved.walls:
        if not reasons.issuperset(wall.members):
            columns[f"E_{wall.name}"] = f"{wall.name}.bias"
    if resolved.metadynamics is not None:
        columns["E_metad"] = "metad.bias"
    return columns
