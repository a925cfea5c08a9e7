"""The molecules of the gold study are minima that their sketches lead to, by running CP2K."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.cp2k.dft import VALENCE, kind_section
from nucleops.engines.cp2k.settings import PbeD3
from nucleops.engines.cp2k.single_point import label
from nucleops.systems.make_molecule import main
from nucleops.systems.molecules import MoleculeSpec, read_molecule
from nucleops.systems.motifs import Motif
from nucleops.systems.relax import forces, relax
from nucleops.systems.system import System

pytestmark = pytest.mark.integration

GOLD = Path(__file__).parents[1] / "data" / "studies" / "gold"
DATA = Path(os.environ.get("CP2K_DATA_DIR", "/usr/share/cp2k"))


def stored(name: str) -> Motif:
    return read_molecule(GOLD / f"{name}.extxyz").as_motif(name)


def distances(molecule: Motif) -> np.ndarray:
    return np.linalg.norm(molecule.positions[:, None] - molecule.positions[None], axis=2)


@pytest.mark.parametrize("name", ["gold-phosphine", "gold-ring"])
def test_forces_vanish_and_the_energy_is_the_recorded_one(name: str, tmp_path: Path) -> None:
    molecule = stored(name)
    energy, force = forces(molecule.symbols, molecule.positions, tmp_path)
    assert np.linalg.norm(force, axis=1).max() < 0.005  # eV/A
    recorded = re.search(r"total energy (-\d+\.\d+) eV", molecule.provenance)
    assert recorded is not None
    assert energy == pytest.approx(float(recorded.group(1)), abs=0.002)


def test_the_sketch_relaxes_to_the_stored_molecule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gold-phosphine.extxyz"
    assert main([str(GOLD / "sketches" / "gold-phosphine.extxyz"), "-o", str(out)]) == 0
    assert "lowest wavenumber" in capsys.readouterr().out
    made = read_molecule(out).as_motif("gold-phosphine")
    assert made.roles == stored("gold-phosphine").roles
    # methyl and phosphine turn almost freely about the axis, so their hydrogens are not compared
    heavy = [i for i, s in enumerate(made.symbols) if s != "H"]
    ours, theirs = distances(made), distances(stored("gold-phosphine"))
    np.testing.assert_allclose(ours[np.ix_(heavy, heavy)], theirs[np.ix_(heavy, heavy)], atol=0.02)


def test_a_sketch_with_other_bonds_than_its_minimum_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = tmp_path / "start.extxyz"
    # too far apart to be meant as bonded, and yet they become a molecule
    start.write_text("2\nProperties=species:S:1:pos:R:3:role:S:1\nH 0 0 0 H1\nH 1.1 0 0 H2\n")
    assert main([str(start), "-o", str(tmp_path / "out.extxyz")]) == 1
    assert "relaxation changed the bonds: bond H1-H2 is not one" in capsys.readouterr().err
    assert not (tmp_path / "out.extxyz").exists()


def test_the_pair_is_bound_as_the_page_says(tmp_path: Path) -> None:
    """Two antiparallel, 3.3 A apart at the start; the page warns of how strongly they are bound."""
    one = stored("gold-phosphine")
    x = one.positions - one.positions[0]
    along = (x[2] - x[1]) / np.linalg.norm(x[2] - x[1])
    across = np.cross(along, x[3])
    across /= np.linalg.norm(across)
    frame = x @ np.array([along, across, np.cross(along, across)]).T
    start = np.vstack([frame, frame * [-1, -1, 1] + [0, 3.3, 0]])
    start += np.random.default_rng(1).normal(scale=0.02, size=start.shape)
    pair = relax(one.symbols * 2, start, tmp_path)
    alone, _ = forces(one.symbols, one.positions, tmp_path / "one")
    page = (GOLD.parents[3] / "docs" / "collective-variables.md").read_text(encoding="utf-8")
    gap, bound = re.findall(r"Au···Au (\S+) Å, bound by (\S+) kcal/mol", page)[0]
    gold = pair.positions[[0, len(x)]]
    assert np.linalg.norm(gold[0] - gold[1]) == pytest.approx(float(gap), abs=0.01)
    assert (2 * alone - pair.energy_eV) * 23.0605 == pytest.approx(float(bound), abs=0.6)


@pytest.mark.parametrize("basis", ["DZVP-MOLOPT-SR-GTH", "TZVP-MOLOPT-GTH"])
@pytest.mark.parametrize("element", VALENCE)
def test_every_element_has_its_basis_and_potential_in_cp2ks_files(element: str, basis: str) -> None:
    kind = kind_section(element, PbeD3.model_validate({"basis": basis}))
    sets = "".join((DATA / f).read_text() for f in ("BASIS_MOLOPT", "BASIS_MOLOPT_UCL"))
    names = re.findall(rf"^\s*{element}\s+(\S.*)$", sets, re.MULTILINE)
    assert any(kind["BASIS_SET"] in line.split() for line in names)
    potentials = (DATA / "GTH_POTENTIALS").read_text()
    names = re.findall(rf"^{element}\s+(\S.*)$", potentials, re.MULTILINE)
    assert any(kind["POTENTIAL"] in line.split() for line in names)


def test_pbe_d3_labels_a_phosphine(tmp_path: Path) -> None:
    """The GFN1-xTB minimum is near PBE's: its forces are small, and they add up to nothing."""
    part = stored("gold-phosphine")
    keep = [i for i, role in enumerate(part.roles) if "P" in role]
    atoms = [
        {"element": part.symbols[i], "role": part.roles[i], "at_A": part.positions[i].tolist()}
        for i in keep
    ]
    phosphine = MoleculeSpec.model_validate({"atoms": atoms}).as_motif("phosphine")
    cell = np.full(3, 12.0)
    system = System("ph3", phosphine.symbols, phosphine.positions + 6.0, cell, False)
    frame = label(system, PbeD3(cutoff_Ry=300), tmp_path / "pbe").frame
    force = frame.forces_eV_A
    assert np.isfinite(force).all()
    assert 0.05 < np.linalg.norm(force, axis=1).max() < 4.0
    np.testing.assert_allclose(force.sum(axis=0), 0.0, atol=0.1)
