"""Values, biases and forces of the article's bias against PLUMED 2.9.4 on the synthetic frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nucleops.bias.gradients import bias_forces
from nucleops.bias.hills import hills_bias, read_hills
from nucleops.bias.values import evaluate

KJ_PER_KCAL = 4.184
KT_300 = 0.0083144621 * 300 / KJ_PER_KCAL
"""kT at 300 K in kcal/mol with PLUMED's Boltzmann constant."""

COLUMNS = {
    "mm": "cn_ag_ag",
    "mn1": "cn_ag_n1",
    "mn2": "cn_ag_n2",
    "s1": "s1",
    "cn": "cn",
    "d": "d",
    "lowest_ch": "cn_CH3.lowest",
    "lowest_co": "cn_CO.lowest",
    "bend.bias": "a_wall.bias",
    "stay.bias": "res.bias",
}


@pytest.mark.parametrize("name", COLUMNS)
def test_variables_and_biases(name: str, golden: Any) -> None:
    values = evaluate(golden.resolved, golden.positions, golden.cell)
    np.testing.assert_allclose(values[name], golden.colvar[COLUMNS[name]], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("column", "walls"),
    [
        ("d_wall.bias", ("near", "bond_ms", "bond_sc", "bond_nh")),
        ("cn_wall.bias", ("whole_ch", "whole_co")),
    ],
)
def test_walls_add_up_to_the_articles(column: str, walls: tuple[str, ...], golden: Any) -> None:
    values = evaluate(golden.resolved, golden.positions, golden.cell)
    total = sum(values[f"{wall}.bias"] for wall in walls)
    assert golden.colvar[column].max() > 1
    np.testing.assert_allclose(total, golden.colvar[column], rtol=0, atol=1e-9)


def test_metadynamics_bias(golden: Any) -> None:
    hills = read_hills(golden.folder / "hills.dat")
    table = golden.colvar_metad
    counts = np.maximum(np.arange(len(table)) - 1, 0)  # a row holds the hills before its own
    bias = hills_bias(hills, np.column_stack([table["s1"], table["cn"]]), counts)
    assert bias.max() > 2
    np.testing.assert_allclose(bias, table["metad.bias"], rtol=0, atol=1e-6)


def test_hill_heights(golden: Any) -> None:
    hills = read_hills(golden.folder / "hills.dat")
    before = hills_bias(hills, hills.centres, np.arange(len(hills)))
    expected = 3.0 * np.exp(-before / (KT_300 * (hills.bias_factor - 1)))
    np.testing.assert_allclose(hills.added, expected, rtol=0, atol=1e-6)


def test_forces_of_walls_and_restraint(golden: Any) -> None:
    forces = bias_forces(golden.resolved, golden.positions, golden.cell) * KJ_PER_KCAL
    expected = np.load(golden.folder / "forces.npz")["forces_nometad"]
    np.testing.assert_allclose(forces, expected, rtol=0, atol=1e-6)


def test_forces_with_metadynamics(golden: Any) -> None:
    hills = read_hills(golden.folder / "hills.dat")
    counts = np.maximum(np.arange(len(golden.positions)) - 1, 0)
    forces = bias_forces(golden.resolved, golden.positions, golden.cell, hills=hills, counts=counts)
    expected = np.load(golden.folder / "forces.npz")["forces_pace1"]
    np.testing.assert_allclose(forces * KJ_PER_KCAL, expected, rtol=0, atol=1e-6)
