"""What a resolved bias must not ask for: values outside a domain, a start off the grid."""

from __future__ import annotations

from math import isclose, pi

from nucleops.bias.enhanced import SharedHills
from nucleops.bias.resolved import ResolvedBias, domain
from nucleops.bias.values import evaluate
from nucleops.errors import WrongInput


def check_targets(bias: ResolvedBias) -> None:
    """Refuse walls, restraints and grids outside the domain of their variable.

    Raises
    ------
    WrongInput
        Names the field, what was found and what is allowed.
    """
    for wall in bias.walls:
        path = f"bias.walls.{wall.name}.at"
        for name in wall.members:
            cv = bias.variable(name)
            low, high = domain(cv, bias)
            if cv.kind == "torsion":
                raise WrongInput(f"{path}: a wall on the torsion {name} has no side; restrain it")
            # an upper wall above all pairs of a small system is idle, not wrong; an angle of more
            # than pi was meant in degrees
            beyond = (
                wall.at >= high if wall.side == "lower" else cv.unit == "rad" and wall.at > high
            )
            if wall.at < low or beyond:
                raise WrongInput(_outside(path, wall.at, low, high, cv.kind, cv.unit))
            if wall.side == "upper" and wall.at == low:
                raise WrongInput(f"{path}: found {wall.at:g}, an upper wall that nothing is below")
    for restraint in bias.restraints:
        cv = bias.variable(restraint.of)
        low, high = domain(cv, bias)
        if not low <= restraint.at <= high:
            path = f"bias.restraints.{restraint.name}.at"
            raise WrongInput(_outside(path, restraint.at, low, high, cv.kind, cv.unit))
    _check_grid(bias)


def _check_grid(bias: ResolvedBias) -> None:
    metad = bias.metadynamics
    if metad is None:
        return
    for name, low, high in zip(metad.cvs, metad.grid_min, metad.grid_max, strict=True):
        cv = bias.cvs[name]
        if cv.kind == "torsion" and not (
            isclose(low, -pi, abs_tol=1e-3) and isclose(high, pi, abs_tol=1e-3)
        ):
            raise WrongInput(
                f"bias.metadynamics.grid_min/grid_max of {name}: found {low:g} to {high:g}, "
                "allowed -pi to pi (-3.1416 to 3.1416): a torsion is periodic"
            )
        bottom, top = domain(cv, bias)
        if high <= bottom or low >= top:
            path = f"bias.metadynamics.grid_min/grid_max of {name}"
            raise WrongInput(_outside(path, low, bottom, top, cv.kind, cv.unit))


def check_start(bias: ResolvedBias) -> None:
    """Refuse a grid that the starting structure is not on: both engines would fail or stall there.

    Raises
    ------
    WrongInput
        Names the variable, its starting value and the grid.
    """
    metad = bias.metadynamics
    if metad is None:
        return
    values = evaluate(bias, bias.start)
    for name, low, high in zip(metad.cvs, metad.grid_min, metad.grid_max, strict=True):
        value = float(values[name][0])
        if not low <= value <= high and bias.cvs[name].kind != "torsion":
            raise WrongInput(
                f"bias.metadynamics.grid_min/grid_max of {name}: the grid goes from {low:g} to "
                f"{high:g}, but system {bias.system!r} starts at {value:.4g}"
            )


def check_shared(bias: ResolvedBias, shared: SharedHills | None) -> None:
    """Refuse to share what cannot be shared through files.

    Raises
    ------
    WrongInput
        The bias has OPES, whose walkers PLUMED shares through MPI only, or nothing to share.
    """
    if shared is None or bias.metadynamics is not None:
        return
    if bias.opes is not None:
        raise WrongInput(
            "walkers of OPES cannot share their bias: PLUMED shares it through MPI within one "
            "process group only (WALKERS_MPI), never through files",
            advice="run independent walkers, or share the hills of metadynamics",
        )
    raise WrongInput("walkers share the hills of bias.metadynamics, and this bias has none")


def _outside(path: str, found: float, low: float, high: float, kind: str, unit: str) -> str:
    return f"{path}: found {found:g}, allowed {low:g} to {high:g} {unit}".rstrip() + f" ({kind})"
