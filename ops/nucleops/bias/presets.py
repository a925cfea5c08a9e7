"""The article's biases as ready-made descriptions, with its numbers as defaults."""

from __future__ import annotations

from typing import Any, Literal

from nucleops.bias.guards import methanol_guards
from nucleops.bias.presets_octahedron import dimers_octahedron
from nucleops.bias.spec import Bias

__all__ = ["dimers_octahedron", "methanol_guards", "monomer_dimer"]


def monomer_dimer(
    *,
    point: Literal["fixed", "metals"] = "fixed",
    at_A: Literal["centre"] | tuple[float, float, float] = "centre",
    height_kcal_mol: float = 3.0,
    sigma: tuple[float, float] = (0.05, 0.01),
    pace_steps: int = 100,
    bias_factor: float = 25.0,
    grid_max: tuple[float, float] = (3.1, 4.0),
    kappa_kcal_mol: float = 100.0,
    guards: bool = True,
    metadynamics: bool = True,
    left_out_by_colvars: Literal["refuse", "leave out"] = "refuse",
) -> Bias:
    """Return the bias that makes a dimer of two monomers in methanol.

    CV ``s1`` adds the coordinations metal-metal and metal-N of the other ligand (r0 3.25 A, 6/8);
    ``cn`` is the coordination of the nucleation point by methanol's O (r0 2.0 A, 6/10). Walls keep
    the monomers near the point and whole, and S-M-N (N of the other ligand) stretched.

    Parameters
    ----------
    point : str
        ``fixed``: the article's fixed point, to which the metals' centre of mass is restrained;
        ``metals``: that centre of mass itself, without a restraint.
    at_A : str or tuple
        Where the fixed point is.
    height_kcal_mol, sigma, pace_steps, bias_factor, grid_max
        Of the hills; ``sigma`` and ``grid_max`` in the order s1, cn. The grid begins at 0.
    kappa_kcal_mol : float
        Constant of all walls and of the restraint.
    guards : bool
        Walls on the lowest C-H and C-O coordination of methanol, which keep a young potential from
        tearing it apart. Colvars cannot say them.
    metadynamics : bool
        False: walls and restraint alone.
    left_out_by_colvars : str
        ``refuse`` or ``leave out`` where Colvars has to run and ``guards`` is set.

    Returns
    -------
    Bias
        A description without any atom index.
    """

    def monomer(number: int, role: str) -> dict[str, Any]:
        return {"motif": "monomer", "molecule": number, "role": role}

    def near(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "coordination", "a": a, "b": b, "r0_A": 3.25, "n": 6, "m": 8}

    metals = {"kind": "centre-of-mass", "of": {"motif": "monomer", "role": "M1"}}
    fixed = point == "fixed"
    cvs: dict[str, Any] = {
        "mm": near(monomer(1, "M1"), monomer(2, "M1")),
        "mn1": near(monomer(1, "M1"), monomer(2, "N1")),
        "mn2": near(monomer(2, "M1"), monomer(1, "N1")),
        "s1": {"kind": "combination", "of": {"mm": 1, "mn1": 1, "mn2": 1}},
        "cn": {
            "kind": "coordination",
            "a": "point",
            "b": {"motif": "methanol", "role": "O"},
            "r0_A": 2,
            "n": 6,
            "m": 10,
        },
    }
    if fixed:
        cvs["d"] = {"kind": "distance", "sites": ["point", "metals"]}
    walls: dict[str, Any] = {}

    def wall(name: str, side: str, kind: str, sites: list[Any], at: float) -> None:
        of = {"kind": kind, "sites": sites}
        walls[name] = {"side": side, "each": "monomer", "of": of, "at": at}
        walls[name]["kappa_kcal_mol"] = kappa_kcal_mol

    wall("near", "upper", "distance", ["point", {"role": ["M1", "S1", "N1"]}], 5.0)
    wall("bond_ms", "upper", "distance", [{"role": "M1"}, {"role": "S1"}], 2.75)
    wall("bond_sc", "upper", "distance", [{"role": "S1"}, {"role": "C1"}], 1.95)
    wall("bond_nh", "upper", "distance", [{"role": "N1"}, {"role": "HN1"}], 1.1)
    other = {"role": "N1", "molecule": "other"}
    wall("bend", "lower", "angle", [{"role": "S1"}, {"role": "M1"}, other], 2.5)
    if guards:
        guarded, more = methanol_guards(kappa_kcal_mol)
        cvs |= guarded
        walls |= more
    restraint = {"of": "d", "at": 0.0, "kappa_kcal_mol": kappa_kcal_mol}
    return Bias.model_validate(
        {
            "points": {"point": {"kind": "fixed", "at_A": at_A}, "metals": metals}
            if fixed
            else {"point": metals},
            "cvs": cvs,
            "walls": walls,
            "restraints": {"stay": restraint} if fixed else {},
            "metadynamics": {
                "cvs": ["s1", "cn"],
                "height_kcal_mol": height_kcal_mol,
                "sigma": sigma,
                "pace_steps": pace_steps,
                "bias_factor": bias_factor,
                "grid_min": [0.0, 0.0],
                "grid_max": grid_max,
            }
            if metadynamics
            else None,
            "left_out_by_colvars": left_out_by_colvars,
        }
    )
