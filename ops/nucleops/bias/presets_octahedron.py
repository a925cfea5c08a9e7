"""The article's bias for three dimers that become an octahedron."""

from __future__ import annotations

from typing import Any, Literal

from nucleops.bias.guards import methanol_guards
from nucleops.bias.spec import Bias

# Metal k of the octahedron is M1 (odd k) or M2 (even k) of dimer (k + 1) // 2; so are the ligands.
# Which bonds assembly adds, and which metals end up opposite, follow from the zigzag ring 1-2-...-6
# that the octahedron motif is (nucleops.systems.topology).
OPPOSITE = ((1, 4), (2, 5), (3, 6))


def dimers_octahedron(
    *,
    start: Literal["dimers", "octahedron"] = "dimers",
    at_A: Literal["centre"] | tuple[float, float, float] = "centre",
    height_kcal_mol: float = 2.0,
    sigma: tuple[float, float] = (0.1, 0.025),
    pace_steps: int = 100,
    bias_factor: float = 15.0,
    grid_max: tuple[float, float] = (12.1, 8.0),
    kappa_kcal_mol: float = 100.0,
    guards: bool = True,
    left_out_by_colvars: Literal["refuse", "leave out"] = "refuse",
) -> Bias:
    """Return the bias between three dimers and the octahedron in methanol.

    CV ``s1`` adds the coordination of the nucleation point by the metals (r0 3.0 A, 6/8) and the
    six metal-S pairs that are bonds in the octahedron only (r0 3.25 A, 6/8); ``cn`` is the
    coordination of the point by methanol's O (r0 3.0 A, 6/10), kept below 5.

    The article's text does not say everything; here the metal-metal-point angles are those within
    each dimer, and the wall at 0.5 on non-bonding metal-S coordination (r0 2.75 A, 6/12) acts on
    each S.

    Parameters
    ----------
    start : str
        Whether the system holds three dimers or one octahedron: both have the same variables.
    at_A, height_kcal_mol, sigma, pace_steps, bias_factor, grid_max, kappa_kcal_mol, guards
        As for :func:`nucleops.bias.presets.monomer_dimer`.
    left_out_by_colvars : str
        ``refuse`` or ``leave out`` where Colvars has to run and ``guards`` is set.

    Returns
    -------
    Bias
        A description without any atom index.
    """
    from nucleops.systems.topology import octahedron_only_bonds, partner

    def site(role: str) -> dict[str, Any]:
        if start == "octahedron":
            return {"motif": "octahedron", "role": role}
        letter, k = role[0], int(role[1:])
        return {"motif": "dimer", "molecule": (k + 1) // 2, "role": f"{letter}{2 - k % 2}"}

    clusters = "octahedron" if start == "octahedron" else "dimer"
    kappa = {"kappa_kcal_mol": kappa_kcal_mol}
    walls: dict[str, Any] = {}

    def wall(name: str, side: str, of: Any, at: float) -> None:
        walls[name] = {"side": side, "of": of, "at": at, **kappa}

    def distance(*sites: Any) -> dict[str, Any]:
        return {"kind": "distance", "sites": sites}

    def angle(*sites: Any) -> dict[str, Any]:
        return {"kind": "angle", "sites": sites}

    metals = {"motif": clusters, "role": "M*"}
    pair = {"kind": "coordination", "r0_A": 3.25, "n": 6, "m": 8}
    cvs: dict[str, Any] = {
        "mp": {"kind": "coordination", "a": metals, "b": "point", "r0_A": 3.0, "n": 6, "m": 8}
    }
    bonds = octahedron_only_bonds()
    for metal, sulphur in bonds:
        cvs[f"bond_{sulphur}"] = {**pair, "a": site(metal), "b": site(sulphur)}
    cvs["s1"] = {"kind": "combination", "of": dict.fromkeys(cvs, 1.0)}
    oxygen = {"motif": "methanol", "role": "O"}
    cvs["cn"] = {"kind": "coordination", "a": "point", "b": oxygen, "r0_A": 3.0, "n": 6, "m": 10}
    cvs["d"] = distance("point", "metals")

    wall("far", "lower", distance("point", metals), 1.5)
    wall("near", "upper", distance("point", metals), 5.0)
    wall("core", "lower", distance("point", {"motif": clusters, "role": ["S*", "N*"]}), 3.0)
    wall("dry", "upper", "cn", 5.0)
    for k in range(1, 7):
        wall(f"bond_m{k}s", "upper", distance(site(f"M{k}"), site(f"S{k}")), 2.7)
        wall(f"bond_m{k}n", "upper", distance(site(partner(k)), site(f"N{k}")), 2.7)
        here = angle(site(partner(k)), site(f"M{k}"), "point")
        wall(f"wide{k}", "lower", here, 0.65)
        wall(f"tight{k}", "upper", here, 1.5)
        bonded = {f"M{k}", next(m for m, s in bonds if s == f"S{k}")}
        terms = [f"M{j}" for j in range(1, 7) if f"M{j}" not in bonded]
        loose = {"kind": "coordination", "b": site(f"S{k}"), "r0_A": 2.75}
        for metal in terms:
            cvs[f"loose_S{k}_{metal}"] = {**loose, "a": site(metal)}
        cvs[f"loose_S{k}"] = {"kind": "combination", "of": {f"loose_S{k}_{m}": 1 for m in terms}}
        wall(f"free{k}", "upper", f"loose_S{k}", 0.5)
    for i, j in OPPOSITE:
        wall(f"across{i}", "lower", angle(site(f"M{i}"), "point", site(f"M{j}")), 2.4)
    if guards:
        guarded, more = methanol_guards(kappa_kcal_mol)
        cvs |= guarded
        walls |= more
    return Bias.model_validate(
        {
            "points": {
                "point": {"kind": "fixed", "at_A": at_A},
                "metals": {"kind": "centre-of-mass", "of": metals},
            },
            "cvs": cvs,
            "walls": walls,
            "restraints": {"stay": {"of": "d", "at": 0.0, **kappa}},
            "metadynamics": {
                "cvs": ["s1", "cn"],
                "height_kcal_mol": height_kcal_mol,
                "sigma": sigma,
                "pace_steps": pace_steps,
                "bias_factor": bias_factor,
                "grid_min": [0.0, 0.0],
                "grid_max": grid_max,
            },
            "left_out_by_colvars": left_out_by_colvars,
        }
    )
