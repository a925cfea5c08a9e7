"""The PLUMED text: reviewed files, and rules that hold for any description."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleops.bias.plumed import atom_list, plumed_input
from nucleops.bias.presets import dimers_octahedron, monomer_dimer
from nucleops.bias.resolve import resolve
from nucleops.bias.spec import Bias
from nucleops.errors import WrongInput
from nucleops.systems.system import System


def test_monomer_dimer_is_the_reviewed_text(data_folder: Path, droplet: System) -> None:
    text = plumed_input(resolve(monomer_dimer(), droplet), 300.0, 100)
    assert text == (data_folder / "monomer_dimer.plumed.dat").read_text()


def test_dimers_octahedron_is_the_reviewed_text(data_folder: Path, dimers: System) -> None:
    text = plumed_input(resolve(dimers_octahedron(), dimers), 300.0, 100)
    assert text == (data_folder / "dimers_octahedron.plumed.dat").read_text()


@pytest.mark.parametrize("preset", ["monomer_dimer", "dimers_octahedron"])
def test_every_label_is_defined_before_it_is_used(
    preset: str, droplet: System, dimers: System
) -> None:
    if preset == "monomer_dimer":
        text = plumed_input(resolve(monomer_dimer(), droplet), 300.0, 100)
    else:
        text = plumed_input(resolve(dimers_octahedron(), dimers), 300.0, 100)
    known: set[str] = set()
    for line in text.splitlines():
        if found := re.match(r"(\w+): ", line):
            known.add(found.group(1))
        for words in re.findall(r"(?:ARG|ATOMS|GROUP[AB])=(\S+)", line):
            for word in words.split(","):
                assert word.split(".")[0] in known or word[0].isdigit(), word
    assert text.count("...") % 2 == 0


def test_only_scalars_are_printed_and_the_grid_is_always_there(golden: Any) -> None:
    text = plumed_input(golden.resolved, 300.0, 100)
    printed = re.search(r"PRINT \.\.\.\n  ARG=(\S+)", text)
    assert printed is not None
    assert "*" not in printed.group(1)
    assert printed.group(1).split(",") == list(golden.resolved.columns)
    assert all(word in text for word in ("GRID_MIN=0,0", "GRID_MAX=3.1,4", "GRID_SPACING=0.01"))
    assert "LOWMEM" not in text
    assert "RESTART" not in text
    assert "NOPBC" not in text
    assert "cn: COORDINATION GROUPA=point GROUPB=17-731:6 R_0=2 NN=6 MM=10" in text


def test_restart_and_a_droplet(droplet: System) -> None:
    text = plumed_input(resolve(monomer_dimer(), droplet), 300.0, 100, restart=True)
    assert "\nRESTART\n" in text
    for line in text.splitlines():
        if re.search(r": (DISTANCE|ANGLE|COM|COORDINATION) ", line):
            assert " NOPBC" in line, line
        if ": COORDINATIONNUMBER " in line:
            assert "NOPBC" not in line  # PLUMED 2.10 does not know it there


def box_of_particles(n: int, edge_A: float) -> System:
    positions = np.random.default_rng(1).random((n, 3)) * edge_A
    return System("gas", ("O",) * n, positions, np.full(3, edge_A), True)


def coordination_line(n: int, edge_A: float, exponent: int) -> str:
    group = {"element": "O"}
    cv = {"kind": "coordination", "a": group, "r0_A": 1.5, "n": 6, "m": exponent}
    bias = Bias.model_validate({"cvs": {"c": cv}})
    text = plumed_input(resolve(bias, box_of_particles(n, edge_A)), 300.0, 10)
    return next(line for line in text.splitlines() if line.startswith("c: "))


def test_neighbour_lists_only_where_they_save_time_and_reach_past_the_cutoff() -> None:
    # 1.5 A * 1e5^(1/6) = 10.219 A is where 6/12 ends
    assert coordination_line(200, 40.0, 12).endswith(" NLIST NL_CUTOFF=12.219 NL_STRIDE=10")
    assert "NLIST" not in coordination_line(20, 40.0, 12)  # few pairs
    assert "NLIST" not in coordination_line(200, 24.0, 12)  # beyond half the cell
    assert "NLIST" not in coordination_line(200, 40.0, 8)  # 6/8 ends at 474 A


def test_the_grid_of_a_torsion_is_its_period(droplet: System) -> None:
    sites = [{"index": i} for i in (1, 2, 3, 4)]
    bias = Bias.model_validate(
        {
            "cvs": {"phi": {"kind": "torsion", "sites": sites}},
            "metadynamics": {
                "cvs": ["phi"],
                "height_kcal_mol": 1,
                "sigma": [0.3],
                "bias_factor": 8,
                "grid_min": [-3.14159],
                "grid_max": [3.14159],
            },
        }
    )
    text = plumed_input(resolve(bias, droplet), 300.0, 10)
    assert "GRID_MIN=-pi GRID_MAX=pi" in text
    wrong = bias.model_dump()
    wrong["metadynamics"]["grid_max"] = [3.0]
    with pytest.raises(WrongInput, match="a torsion is periodic"):
        resolve(Bias.model_validate(wrong), droplet)


def test_a_start_off_the_grid_is_refused(droplet: System) -> None:
    resolved = resolve(monomer_dimer(grid_max=(0.2, 4.0)), droplet)
    with pytest.raises(WrongInput, match=r"grid_max of s1: the grid goes from 0 to 0.2, but"):
        plumed_input(resolved, 300.0, 100)


@pytest.mark.parametrize(
    ("atoms", "text"),
    [
        ([0], "1"),
        ([0, 1], "1,2"),
        ([0, 1, 2, 3], "1-4"),
        ([4, 10, 16, 22], "5-23:6"),
        ([0, 5, 6, 7, 20], "1,6-8,21"),
        ([0, 2, 4, 5, 6], "1-5:2,6,7"),
    ],
)
def test_atom_list(atoms: list[int], text: str) -> None:
    assert atom_list(atoms) == text
