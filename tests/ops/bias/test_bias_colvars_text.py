"""The Colvars text: a reviewed file, its constants, and what it cannot say."""

from __future__ import annotations

import dataclasses
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleops.bias.colvars import colvars_input
from nucleops.bias.colvars_metad import KCAL_MOL_IN_EV
from nucleops.bias.convert import colvars_to_plumed
from nucleops.bias.presets import dimers_octahedron, monomer_dimer
from nucleops.bias.resolve import resolve
from nucleops.bias.series import read_colvar, read_hills
from nucleops.bias.spec import Bias
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.systems.system import System


def block(text: str, keyword: str, name: str) -> dict[str, str]:
    part = next(p for p in text.split("\n\n") if p.startswith(f"{keyword} {{\n  name {name}\n"))
    lines = [line.strip() for line in part.splitlines()[1:]]
    return dict(line.split(" ", 1) for line in lines if " " in line)


def test_monomer_dimer_is_the_reviewed_text(data_folder: Path, droplet: System) -> None:
    found = colvars_input(resolve(monomer_dimer(guards=False), droplet), 300.0, 100)
    assert found.text == (data_folder / "monomer_dimer.colvars").read_text()
    assert found.left_out == ()


def test_dimers_octahedron_is_the_reviewed_text(data_folder: Path, dimers: System) -> None:
    bias = dimers_octahedron(left_out_by_colvars="leave out")
    found = colvars_input(resolve(bias, dimers), 300.0, 100)
    assert found.text == (data_folder / "dimers_octahedron.colvars").read_text()
    # only methanol's guards are lost, and each loss is named
    assert {line.split(":")[0] for line in found.left_out} == {
        "lowest_ch",
        "lowest_co",
        "wall whole_ch on lowest_ch",
        "wall whole_co on lowest_co",
    }


def test_constants_follow_plumeds_conventions(droplet: System) -> None:
    bias = monomer_dimer(guards=False)
    on_biased = {"top": {"side": "upper", "of": "cn", "at": 3.0, "kappa_kcal_mol": 7.0}}
    walls = bias.model_dump()["walls"] | on_biased
    bias = Bias.model_validate({**bias.model_dump(), "walls": walls})
    text = colvars_input(resolve(bias, droplet), 300.0, 100).text
    near, bend = block(text, "harmonicWalls", "near"), block(text, "harmonicWalls", "bend")
    assert float(near["upperWallConstant"]) == pytest.approx(2 * 100 * KCAL_MOL_IN_EV)
    per_degree = (pi / 180) ** 2
    assert float(bend["lowerWallConstant"]) == pytest.approx(200 * KCAL_MOL_IN_EV * per_degree)
    assert float(bend["lowerWalls"].split()[0]) == pytest.approx(np.degrees(2.5))
    assert float(block(text, "harmonic", "stay")["forceConstant"]) == pytest.approx(
        100 * KCAL_MOL_IN_EV
    )
    # Colvars divides by the width squared, which is the grid's on a biased variable
    top = block(text, "harmonicWalls", "top")
    assert float(top["upperWallConstant"]) == pytest.approx(14 * KCAL_MOL_IN_EV * 0.002**2)
    metad = block(text, "metadynamics", "metad")
    assert float(metad["hillWeight"]) == pytest.approx(0.130092346)
    assert float(metad["biasTemperature"]) == pytest.approx(7200.0)
    assert metad["useGrids"] == metad["keepHills"] == "on"


def test_what_colvars_cannot_say_is_refused_by_name(droplet: System) -> None:
    with pytest.raises(WrongInput, match=r"lowest_ch: the lowest of coordination numbers.*wall"):
        colvars_input(resolve(monomer_dimer(), droplet), 300.0, 100)


def test_or_left_out_where_the_bias_says_so(droplet: System) -> None:
    found = colvars_input(
        resolve(monomer_dimer(left_out_by_colvars="leave out"), droplet), 300.0, 100
    )
    assert len(found.left_out) == 4
    assert "wall whole_co on lowest_co" in found.left_out[3]
    assert "lowest" not in found.text
    assert "whole" not in found.text


def test_odd_exponents_and_biased_left_outs_are_refused(droplet: System) -> None:
    odd = {"kind": "coordination", "a": {"element": "Ag"}, "r0_A": 3, "n": 7, "m": 12}
    metad = {
        "cvs": ["x"],
        "height_kcal_mol": 1,
        "sigma": [0.1],
        "bias_factor": 5,
        "grid_min": [0],
        "grid_max": [2],
    }
    bias = {"cvs": {"x": odd}, "metadynamics": metad, "left_out_by_colvars": "leave out"}
    with pytest.raises(WrongInput, match=r"Colvars cannot bias x.*odd exponent 7"):
        colvars_input(resolve(Bias.model_validate(bias), droplet), 300.0, 100)


def test_a_split_centre_of_mass_is_refused(droplet: System) -> None:
    apart = droplet.positions.copy()
    apart[0, 0] = 29.5
    apart[6, 0] = 0.5
    split = dataclasses.replace(droplet, periodic=True, positions=apart)
    bias = monomer_dimer(guards=False, metadynamics=False)
    with pytest.raises(WrongInput, match=r"points\.metals: its atoms are split"):
        colvars_input(resolve(bias, split), 300.0, 100)


def _traj(folder: Path, resolved: Any, rows: str) -> Path:
    path = folder / "cv.colvars.traj"
    path.write_text("# step x E_k E_w\n" + rows)
    return path


@pytest.fixture
def small(droplet: System) -> Any:
    angle = {"kind": "angle", "sites": [{"index": i} for i in (1, 2, 3)]}
    return resolve(
        Bias.model_validate(
            {
                "cvs": {"x": angle},
                "walls": {"w": {"side": "upper", "of": "x", "at": 1.0}},
                "restraints": {"k": {"of": "x", "at": 1.0}},
            }
        ),
        droplet,
    )


def test_conversion_of_units_and_order(small: Any, tmp_path: Path) -> None:
    traj = _traj(tmp_path, small, "0 90 0.0433641153 0\n10 180 0 0.0867282306\n5 60 0 0\n")
    colvar, hills = colvars_to_plumed(traj, None, small, tmp_path, time_step_fs=0.5)
    table = read_colvar(colvar)
    assert hills is None
    assert table.names == ("time", "x", "w.bias", "k.bias")
    np.testing.assert_allclose(table.time_fs, [0.0, 2.5])  # the run went back to step 5
    np.testing.assert_allclose(table["x"], [pi / 2, pi / 3])
    np.testing.assert_allclose(table["k.bias"], [1.0, 0.0], atol=1e-8)


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        ("0 90 0\n", TruncatedOutput, "line 2: found 3 columns, allowed 4"),
        ("0 90 0 nan?\n", TruncatedOutput, "line 2"),
        ("", TruncatedOutput, "holds no row"),
        ("# step x E_w E_k\n0 0 0 0\n", WrongInput, "was not written by this bias"),
    ],
)
def test_conversion_refuses_what_is_not_of_this_bias(
    rows: str, error: type[Exception], says: str, small: Any, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        colvars_to_plumed(_traj(tmp_path, small, rows), None, small, tmp_path, time_step_fs=0.5)


def test_no_hill_before_the_first_pace(droplet: System, tmp_path: Path) -> None:
    resolved = resolve(monomer_dimer(guards=False), droplet)
    names = "mm mn1 mn2 s1 cn d E_stay E_near E_bond_ms E_bond_sc E_bond_nh E_bend E_metad"
    (tmp_path / "t").write_text(f"# step {names}\n0 {' '.join(['0.1'] * 13)}\n")
    (tmp_path / "h").write_text("")
    _, hills = colvars_to_plumed(
        tmp_path / "t", tmp_path / "h", resolved, tmp_path, time_step_fs=0.5
    )
    assert hills is not None
    assert len(read_hills(hills)) == 0
