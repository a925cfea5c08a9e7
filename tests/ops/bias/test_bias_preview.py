"""What a bias is at its start, and what one would regret: told where it is, and only there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nucleops.bias.cautions import cautions, thermal_movement
from nucleops.bias.preview import preview
from nucleops.bias.preview_tables import heading, tables
from nucleops.bias.previewed import Preview
from nucleops.bias.resolve import resolve
from nucleops.bias.spec import Bias
from nucleops.bias.values import evaluate
from nucleops.systems.system import Molecule, System

POSITIONS = np.array(
    [
        # Ag, S, O, O, O about (10, 10, 10)
        [10.0, 10.0, 10.0],
        [12.5, 10.0, 10.0],
        [10.0, 13.0, 10.0],
        [10.0, 10.0, 14.0],
        [10.0, 4.0, 10.0],
    ]
)


def system(periodic: bool = False, edge: float = 20.0) -> System:
    molecules = (
        Molecule("monomer", (0, 1), ("M1", "S1")),
        *(Molecule("methanol", (k,), ("O",)) for k in (2, 3, 4)),
    )
    return System(
        "small", ("Ag", "S", "O", "O", "O"), POSITIONS, np.full(3, edge), periodic, molecules
    )


SILVER, SULPHUR = {"element": "Ag"}, {"element": "S"}
BASE: dict[str, Any] = {
    "points": {"nucleus": {"kind": "fixed", "at_A": [10.0, 10.0, 10.0]}},
    "cvs": {
        "cn": {"kind": "coordination", "a": SILVER, "b": {"element": "O"}, "r0_A": 3.5, "n": 6},
        "d": {"kind": "distance", "sites": [SILVER, SULPHUR]},
        "both": {"kind": "combination", "of": {"cn": 1.0, "d": 2.0}},
    },
    "walls": {
        "near": {
            "side": "upper",
            "of": {"kind": "distance", "sites": [{"element": "O"}, "nucleus"]},
            "at": 6.5,
        },
        "apart": {"side": "lower", "of": "d", "at": 2.0},
    },
    "restraints": {"held": {"of": "d", "at": 2.45, "kappa_kcal_mol": 100}},
    "metadynamics": {
        "cvs": ["cn", "d"],
        "height_kcal_mol": 1.0,
        "sigma": [0.05, 0.05],
        "bias_factor": 10,
        "grid_min": [-0.2, 1.0],
        "grid_max": [3.5, 8.0],
    },
}


def shown(where: System | None = None, /, **changed: Any) -> Preview:
    """Preview of BASE with some of its parts changed; `cvs__cn__r0_A=1` sets a nested one."""
    tree = Bias.model_validate(BASE).model_dump(exclude_none=True)
    for path, value in changed.items():
        *parents, last = path.split("__")
        part = tree
        for parent in parents:
            part = part[parent]
        part[last] = value
    small = where or system()
    return preview(resolve(Bias.model_validate(tree), small), small, 300.0)


def test_values_pairs_and_walls_are_those_of_the_start() -> None:
    made = shown()
    cn, d, both = made.variables
    expected = evaluate(resolve(Bias.model_validate(BASE), system()), POSITIONS)
    for variable in made.variables:
        assert variable.value == pytest.approx(float(expected[variable.name][0]), rel=1e-12)
    assert sorted(cn.pairs_A.tolist()) == [3.0, 4.0, 6.0]
    # 1/(1 + (r/3.5)^6): 0.72, 0.31 and 0.04
    assert cn.n_active == 2
    assert (cn.lowest, cn.highest) == (0, 3)
    assert d.value == 2.5
    assert d.slope == pytest.approx(np.sqrt(2))
    assert d.on_grid == pytest.approx(1.5 / 7)
    assert both.grid is None
    assert np.isnan(both.on_grid)
    near, apart, held = made.acting
    assert (near.what, near.on, near.value, near.room) == ("upper wall", "3 distances", 6.0, 0.5)
    assert near.where == "distance O of methanol 3 – nucleus"
    assert (apart.on, apart.room, apart.energy_kcal_mol) == ("d", 0.5, 0.0)
    assert held.energy_kcal_mol == pytest.approx(50 * 0.05**2)
    assert held.room == pytest.approx(-0.05)
    assert made.kT_kcal_mol == pytest.approx(0.59616, rel=1e-4)


def test_thermal_movement_is_that_of_displaced_atoms() -> None:
    made = shown()
    resolved = resolve(Bias.model_validate(BASE), system())
    rng = np.random.default_rng(0)
    # every coordinate moves by sqrt(kT/k) by itself, small enough to be linear at 3 K
    cold = 0.01 * made.kT_kcal_mol
    moved = POSITIONS + rng.normal(scale=np.sqrt(cold / 60.0), size=(40_000, 5, 3))
    values = evaluate(resolved, moved)
    for variable in made.variables:
        expected = thermal_movement(variable, cold)
        assert np.std(values[variable.name]) == pytest.approx(expected, rel=0.03)


def test_pairs_within_a_group_are_counted_once() -> None:
    within = {"kind": "coordination", "a": {"element": "O"}, "r0_A": 6.0, "n": 6, "m": 12}
    made = shown(cvs__cn=within)
    assert sorted(made.variables[0].pairs_A) == pytest.approx([5.0, np.sqrt(52), 9.0])
    assert made.counted[0].pairs == "O–O"


def test_variables_of_one_function_and_kind_share_a_panel() -> None:
    first, second = ({"kind": "coordination", "a": SILVER, "b": {"index": k}, "r0_A": 3.0}
                     for k in (3, 4))  # fmt: skip
    made = shown(cvs__one=first, cvs__two=second)
    assert [(c.names, c.pairs, len(c.distances_A)) for c in made.counted] == [
        (("cn",), "Ag–O", 3),
        (("one", "two"), "Ag–O", 2),
    ]


def test_a_sound_bias_has_nothing_to_regret() -> None:
    assert cautions(shown()) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        # all pairs apart; all together; a part of a biased sum
        ({"cvs__cn__r0_A": 0.8}, ["cn, which is biased, is flat", "3.00 A", "r0 0.8 A"]),
        ({"cvs__cn__r0_A": 20.0}, ["cn, which is biased, is flat", "r0 20 A"]),
        (
            {"cvs__cn__r0_A": 0.8, "metadynamics__cvs": ["both", "d"],
             "metadynamics__grid_max": [9.0, 8.0]},
            ["cn, a part of the biased both, is flat"],
        ),
        ({"metadynamics__grid_min": [1.5, 1.0]}, ["cn starts at 1.064", "off its grid from 1.5"]),
        (
            {"metadynamics__grid_min": [-0.2, 2.4]},
            ["d starts at 2.5, 2 sigma from the edge of its grid at 2.4", "(0.15)"],
        ),
        (
            {"walls__near__at": 5.0},
            ["upper wall near has 100 kcal/mol (168 kT)", "O of methanol 3", "is 6 A, 1 A behind"],
        ),
        ({"walls__apart__at": 3.0}, ["lower wall apart has 25 kcal/mol (42 kT)"]),
        ({"restraints__held__at": 4.0}, ["restraint held has 112 kcal/mol", "1.5 A from"]),
        (
            {"metadynamics__sigma": [0.8, 0.05], "metadynamics__grid_max": [30, 8.0],
             "metadynamics__grid_min": [-9, 1.0]},
            ["sigma 0.8 of cn is 11 times what the atoms' thermal motion"],
        ),
        ({"metadynamics__sigma": [0.45, 0.05], "metadynamics__grid_min": [-0.7, 1.0]},
         ["sigma 0.45 of cn is more than a tenth of its grid from -0.7 to 3.5"]),
    ],
)  # fmt: skip
def test_each_regret_is_told(changed: dict[str, Any], words: list[str]) -> None:
    said = cautions(shown(**changed))
    assert len(said) == 1, said
    for word in words:
        assert word in said[0]


@pytest.mark.parametrize(
    ("m", "edge", "told"), [(8, 40.0, True), (12, 40.0, False), (12, 13, True)]
)
def test_pairs_beyond_half_the_cell_are_told_where_they_count(
    m: int, edge: float, told: bool
) -> None:
    assert not [c for c in cautions(shown(cvs__cn__m=m)) if "half the cell" in c]
    said = cautions(shown(system(periodic=True, edge=edge), cvs__cn__m=m))
    found = [text for text in said if "half the cell" in text]
    assert bool(found) == told
    if told:
        assert found[0].startswith("cn: s is still ")
        assert f"({edge / 2:g} A" in found[0]
        assert f"6/{m} falls off as r^{6 - m}" in found[0]


def test_a_torsion_has_no_edge_of_its_grid() -> None:
    twist: dict[str, Any] = {"kind": "torsion", "sites": [{"index": k} for k in (2, 1, 3, 4)]}
    made = shown(
        cvs__cn=twist,
        cvs__both={"kind": "combination", "of": {"d": 2.0}},
        metadynamics__sigma=[0.2, 0.05],
        metadynamics__grid_min=[-np.pi, 1.0],
        metadynamics__grid_max=[np.pi, 8.0],
    )
    assert not [c for c in cautions(made) if "edge" in c or "off its grid" in c]


def test_tables_hold_everything_once() -> None:
    made = shown()
    variables, acting = tables(made)
    assert [row[0] for row in variables.rows] == ["cn", "d", "both"]
    assert [row[0] for row in acting.rows] == ["near", "apart", "held"]
    for table in (variables, acting):
        assert all(len(row) == len(table.columns) for row in table.rows)
    assert dict(zip([c.name for c in variables.columns], variables.rows[0], strict=True)) == {
        "variable": "cn",
        "kind": "coordination",
        "value": "1.064",
        "unit": "",
        "domain": "0 .. 3",
        "pairs (active)": "3 (2)",
        "thermal": "0.071",
        "sigma": "0.05",
        "grid": "-0.2 .. 3.5",
        "start on grid": "34 %",
    }
    assert heading(made) == (
        "system small: 5 atoms, not periodic, cell 20 x 20 x 20 A; 300 K, kT = 0.596 kcal/mol"
    )
    bare = shown(walls={}, restraints={})
    assert [table.title for table in tables(bare)] == ["variables"]
