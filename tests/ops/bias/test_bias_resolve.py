"""Descriptions become indices, and mistakes are refused by name."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from nucleops.bias.presets import dimers_octahedron, monomer_dimer
from nucleops.bias.resolve import resolve
from nucleops.bias.spec import Bias
from nucleops.bias.values import evaluate
from nucleops.errors import WrongInput
from nucleops.systems.motifs import motif
from nucleops.systems.system import Molecule, System

O_ATOMS = {"motif": "methanol", "role": "O"}
DISTANCE = {"kind": "distance", "sites": [{"index": 1}, {"index": 2}]}


def with_cv(**cv: Any) -> Bias:
    return Bias.model_validate({"cvs": {"x": cv}})


def groups(bias: Bias, system: System) -> list[tuple[int, ...]]:
    return [place.atoms for place in resolve(bias, system).cvs["x"].places]


def test_yaml_is_the_preset(data_folder: Path, droplet: System) -> None:
    bias = Bias.model_validate(YAML(typ="safe").load(data_folder / "monomer_dimer.yaml"))
    assert bias == monomer_dimer(guards=False)
    assert Bias.model_validate(bias.model_dump(mode="json")) == bias
    frames = droplet.positions[None]
    resolved = resolve(bias, droplet)
    assert set(evaluate(resolved, frames)) | {"metad.bias"} == set(resolved.columns)


def test_every_field_has_a_description() -> None:
    schema = Bias.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        for name, field in model.get("properties", {}).items():
            assert field.get("description"), f"{model['title']}.{name}"


@pytest.mark.parametrize(
    ("group", "atoms"),
    [
        ({"motif": "methanol", "role": "O"}, (16, 22, 28, 34)),
        ({"motif": "methanol", "molecule": 2, "role": "H*"}, (19, 20, 21)),
        ({"motif": "monomer", "role": ["M*", "S*"]}, (0, 1, 6, 7)),
        ({"motif": "monomer", "molecule": [2], "element": "H"}, (10, 11)),
        ({"role": "M1"}, (0, 6)),
        ({"element": "Ag"}, (0, 6)),
        ({"index": [3, 1, 3]}, (0, 2)),
        ({"motif": "monomer", "molecule": 1, "role": "*"}, (0, 1, 2, 3, 4, 5)),
    ],
)
def test_groups(group: dict[str, Any], atoms: tuple[int, ...], droplet: System) -> None:
    bias = with_cv(kind="lowest-coordination", centres=group, around={"index": 18}, r0_A=1)
    assert groups(bias, droplet)[0] == atoms


def test_a_wall_for_each_molecule(golden: Any) -> None:
    resolved = golden.resolved
    walls = {wall.name: wall for wall in resolved.walls}
    assert len(walls["near"].members) == 6
    bend = [[p.atoms[0] + 1 for p in resolved.members[m].places] for m in walls["bend"].members]
    assert bend == [[3, 1, 6], [4, 2, 5]]  # the article's own indices


def test_a_wall_on_pairs_counts_each_once(droplet: System) -> None:
    every_oxygen = {"kind": "distance", "sites": [O_ATOMS, O_ATOMS]}
    bias = Bias.model_validate({"walls": {"w": {"side": "lower", "of": every_oxygen, "at": 2}}})
    assert len(resolve(bias, droplet).walls[0].members) == 6


@pytest.mark.parametrize(
    ("cv", "says"),
    [
        ({"a": {"motif": "monomer", "role": "M2"}}, r"a\.role.*'M2'; nearest: M1; allowed: C1"),
        ({"a": {"motif": "dimer"}}, r"a\.motif.*'dimer'.*allowed: methanol, monomer"),
        ({"a": {"motif": "monomer", "molecule": 3}}, r"a\.molecule: found 3, allowed 1 to 2"),
        ({"a": {"element": "Au"}}, r"a\.element.*'Au'; nearest: Ag"),
        ({"a": {"index": 37}}, r"a\.index: found 37, allowed 1 to 36"),
        ({"a": {}}, "the group is empty"),
        ({"a": {"role": "N1", "molecule": "other"}}, "only inside a wall with `each`"),
        ({"a": {"element": "O"}, "b": O_ATOMS}, "a and b share 4 atom.*the first is 17"),
        ({"a": {"index": 1}, "b": None}, "allowed two atoms or more"),
    ],
)
def test_wrong_groups(cv: dict[str, Any], says: str, droplet: System) -> None:
    bias = with_cv(**{"kind": "coordination", "b": {"element": "C"}, "r0_A": 3.0, **cv})
    with pytest.raises(WrongInput, match=rf"bias\.cvs\.x.*{says}"):
        resolve(bias, droplet)


def test_a_place_is_one_atom(droplet: System) -> None:
    bias = with_cv(kind="distance", sites=[{"element": "Ag"}, {"index": 3}])
    with pytest.raises(WrongInput, match=r"sites\[0\]: found a group of 2 atoms.*centre-of-mass"):
        resolve(bias, droplet)
    bias = with_cv(kind="angle", sites=[{"index": 1}, {"index": 3}, {"index": 1}])
    with pytest.raises(WrongInput, match="same atom or point stands in two places"):
        resolve(bias, droplet)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"walls": {"w": {"side": "upper", "of": "a", "at": 4}}}, "walls.w.at: found 4.*3.14"),
        ({"walls": {"w": {"side": "lower", "of": "c", "at": 4}}}, "walls.w.at: found 4, allowed 0"),
        ({"walls": {"w": {"side": "upper", "of": "r", "at": -1}}}, "walls.w.at: found -1"),
        ({"walls": {"w": {"side": "upper", "of": "t", "at": 1}}}, "torsion t has no side"),
        ({"restraints": {"k": {"of": "r", "at": -0.1}}}, "restraints.k.at: found -0.1"),
        (
            {"walls": {"w": {"side": "upper", "each": "dimer", "of": DISTANCE, "at": 4}}},
            r"walls\.w\.each.*holds no dimer; allowed: methanol, monomer",
        ),
    ],
)
def test_values_outside_their_domain(part: dict[str, Any], says: str, droplet: System) -> None:
    sites = [{"index": i} for i in (1, 2, 3, 4)]
    cvs = {
        "r": DISTANCE,
        "a": {"kind": "angle", "sites": sites[:3]},
        "t": {"kind": "torsion", "sites": sites},
        "c": {"kind": "coordination", "a": {"index": 1}, "b": O_ATOMS, "r0_A": 3},
    }
    with pytest.raises(WrongInput, match=says):
        resolve(Bias.model_validate({"cvs": cvs, **part}), droplet)


@pytest.mark.parametrize(
    ("bias", "says"),
    [
        ({"cvs": {"x": {"kind": "combination", "of": {"y": 1}}}}, r"cvs\.x\.of.*no collective"),
        ({"cvs": {"x": {**DISTANCE, "sites": ["q", {"index": 1}]}}}, "no point named 'q'"),
        (
            {"cvs": {"dist": DISTANCE}, "restraints": {"k": {"of": "dst"}}},
            r"restraints\.k\.of: .*'dst'; nearest: dist; allowed: dist",
        ),
        ({"cvs": {"x": DISTANCE}, "restraints": {"x": {"of": "x"}}}, r"taken by cvs\.x"),
        ({"cvs": {"metad": DISTANCE}}, "taken by metadynamics"),
        ({"cvs": {"a__b": DISTANCE}}, "should match pattern"),
        ({"cvs": {"x": {**DISTANCE, "kind": "distnce"}}}, "distnce"),
        ({"cvs": {"x": {**DISTANCE, "site": 1}}}, "Extra inputs"),
        (
            {"cvs": {"x": {"kind": "coordination", "a": O_ATOMS, "r0_A": 3, "n": 6, "m": 6}}},
            "m must be larger than n",
        ),
        ({"cvs": {"x": {"kind": "coordination", "a": {"molecule": 1}, "r0_A": 3}}}, "give motif"),
        (
            {"cvs": {"x": {"kind": "coordination", "a": {"index": 1, "role": "S1"}, "r0_A": 3}}},
            "index stands alone",
        ),
    ],
)
def test_wrong_descriptions(bias: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Bias.model_validate(bias)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sigma": [0.1]}, "sigma has 1 numbers for 2 cvs"),
        ({"grid_max": [0.0, 1.0]}, "grid of x from 0 to 0 is empty"),
        ({"grid_spacing": [0.2, 0.01]}, "exceeds half of sigma"),
        ({"bias_factor": 1.0}, "greater than 1"),
    ],
)
def test_wrong_metadynamics(change: dict[str, Any], says: str) -> None:
    metad = {
        "cvs": ["x", "y"],
        "height_kcal_mol": 1,
        "sigma": [0.1, 0.1],
        "bias_factor": 10,
        "grid_min": [0, 0],
        "grid_max": [5, 5],
    }
    with pytest.raises(ValidationError, match=says):
        Bias.model_validate({"cvs": {"x": DISTANCE, "y": DISTANCE}, "metadynamics": metad | change})


def test_a_fixed_point_lies_in_a_periodic_cell(droplet: System) -> None:
    bias = Bias.model_validate({"points": {"p": {"kind": "fixed", "at_A": [31, 1, 1]}}})
    resolve(bias, droplet)  # a droplet does not repeat, so any point is a point
    with pytest.raises(WrongInput, match=r"points\.p\.at_A: found \(31"):
        resolve(bias, dataclasses.replace(droplet, periodic=True))


def test_shapes_are_checked(droplet: System) -> None:
    resolved = resolve(with_cv(**DISTANCE), droplet)
    with pytest.raises(WrongInput, match="positions: found shape"):
        evaluate(resolved, np.zeros((2, 35, 3)))
    with pytest.raises(WrongInput, match="cells: found shape"):
        evaluate(resolved, np.zeros((2, 36, 3)), np.ones((3, 3)), periodic=True)


@pytest.mark.parametrize("metal", ["Ag", "Au"])
def test_octahedron_is_where_its_bias_leads(metal: str) -> None:
    cluster, solvent = motif("octahedron", metal), motif("methanol")
    system = System(
        name="octahedron",
        symbols=cluster.symbols + solvent.symbols,
        positions=np.vstack([cluster.positions + 10, solvent.positions + 2]),
        cell=np.full(3, 20.0),
        periodic=True,
        molecules=(
            Molecule("octahedron", tuple(range(36)), cluster.roles),
            Molecule("methanol", tuple(range(36, 42)), solvent.roles),
        ),
    )
    values = evaluate(resolve(dimers_octahedron(start="octahedron"), system), system.positions)
    assert values["s1"][0] > 10.5
    if metal == "Ag":
        walls = [values[name][0] for name in values if name.endswith(".bias")]
        np.testing.assert_allclose(walls, 0.0, atol=1e-3)
