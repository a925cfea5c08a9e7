"""The stored motifs are minima of the level of theory they claim, by running it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from nucleops.errors import NucleoError
from nucleops.systems.construct import construct
from nucleops.systems.files import read_extxyz
from nucleops.systems.make_motifs import main
from nucleops.systems.motifs import CLUSTER_MOTIFS, motif
from nucleops.systems.relax import forces, frequencies, relax
from nucleops.systems.system import METALS
from nucleops.systems.topology import topology_faults

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("metal", METALS)
@pytest.mark.parametrize("name", CLUSTER_MOTIFS)
def test_forces_vanish_at_the_stored_geometry(name: str, metal: str, tmp_path: Path) -> None:
    molecule = motif(name, metal)
    energy, force = forces(molecule.symbols, molecule.positions, tmp_path)
    assert np.linalg.norm(force, axis=1).max() < 0.005  # eV/A
    stored = re.search(r"total energy (-\d+\.\d+) eV", molecule.provenance)
    assert stored is not None
    assert energy == pytest.approx(float(stored.group(1)), abs=0.002)


def test_dimer_is_a_minimum_not_a_saddle_point(tmp_path: Path) -> None:
    molecule = motif("dimer", "Ag")
    wavenumbers = frequencies(molecule.symbols, molecule.positions, tmp_path)
    assert wavenumbers.shape == (30,)
    assert wavenumbers[0] > 10.0  # 1/cm
    assert wavenumbers[-1] == pytest.approx(3300, abs=400)  # an N-H stretch


def test_construction_relaxes_to_the_stored_dimer(tmp_path: Path) -> None:
    sketch, stored = construct("dimer", "Ag"), motif("dimer", "Ag")
    rng = np.random.default_rng(3)
    start = sketch.positions + rng.normal(scale=0.02, size=sketch.positions.shape)
    relaxed = relax(sketch.symbols, start, tmp_path)
    assert topology_faults("dimer", sketch.symbols, relaxed.positions, sketch.roles) == []
    ours = np.linalg.norm(relaxed.positions[:, None] - relaxed.positions[None], axis=2)
    theirs = np.linalg.norm(stored.positions[:, None] - stored.positions[None], axis=2)
    np.testing.assert_allclose(ours, theirs, atol=0.05)


def test_command_line_makes_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nucleops.systems.make_motifs.CLUSTER_MOTIFS", ("monomer",))
    assert main([str(tmp_path / "lib"), "--metals", "Cu"]) == 0
    names = sorted(p.name for p in (tmp_path / "lib").iterdir())
    assert names == ["methanol.extxyz", "monomer_Cu.extxyz"]
    assert read_extxyz(tmp_path / "lib" / "monomer_Cu.extxyz").molecules[0].motif == "monomer"
    assert "CP2K version" in capsys.readouterr().out


def test_a_hopeless_start_ends_as_a_failure(tmp_path: Path) -> None:
    with pytest.raises(NucleoError):
        relax(["Ag", "S"], np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.3]]), tmp_path, timeout_s=60)
