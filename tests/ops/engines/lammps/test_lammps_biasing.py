"""What is brought back of a bias that PLUMED applied: its files are written here, not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleops.bias.enhanced import SharedHills
from nucleops.bias.series import read_hills
from nucleops.bias.spec import Bias
from nucleops.engines.lammps.biasing import write_bias
from nucleops.engines.lammps.settings import MdSettings
from nucleops.errors import TruncatedOutput
from nucleops.systems.system import System

DROP = System("drop", ("Ag", "O"), np.array([[4.0, 5, 5], [6.0, 5, 5]]), np.full(3, 10.0), False)
CVS = {"d": {"kind": "distance", "sites": [{"index": 1}, {"index": 2}]}}
METADYNAMICS = {
    "cvs": ["d"],
    "height_kcal_mol": 1,
    "sigma": [0.1],
    "bias_factor": 10,
    "grid_min": [0],
    "grid_max": [9],
}
OPES = {"cvs": ["d"], "barrier_kcal_mol": 10}
MD = MdSettings(steps=100)
# PLUMED adds the wall clock to the hills of walkers
WALKER_HILLS = """\
#! FIELDS time d sigma_d height biasf clock
#! SET multivariate false
#! SET kerneltype stretched-gaussian
 50 2.01 0.1 1.1111 10 1764066000
 100 2.05 0.1 1.0321 10 1764066003
"""


def folder(root: Path) -> Path:
    out = root / "walker-001"
    out.mkdir()
    (root / "exchange").mkdir()
    (out / "COLVAR").write_text("#! FIELDS time d metad.bias\n 0 2 0\n")
    return out


def test_a_walkers_own_hills_come_from_the_exchange(tmp_path: Path) -> None:
    out = folder(tmp_path)
    shared = SharedHills(walkers=2, number=1, exchange_steps=50)
    bias = Bias.model_validate({"cvs": CVS, "metadynamics": METADYNAMICS})
    applied = write_bias(bias, DROP, MD, out, "plumed", shared=shared)
    assert (
        "WALKERS_N=2 WALKERS_ID=1 WALKERS_DIR=../exchange" in (out / "bias.plumed.dat").read_text()
    )
    with pytest.raises(TruncatedOutput, match="left no HILLS"):
        applied.collect(out, MD)
    (tmp_path / "exchange" / "HILLS.0").write_text("of the other")
    (tmp_path / "exchange" / "HILLS.1").write_text(WALKER_HILLS)
    applied.collect(out, MD)
    assert (tmp_path / "exchange" / "HILLS.1").is_file(), "the other may still be reading it"
    hills = read_hills(out / "HILLS")
    assert (hills.cvs, hills.bias_factor) == (("d",), 10.0)
    np.testing.assert_allclose(hills.added, [1.0, 0.92889], rtol=1e-4)
    assert applied.biased_cvs == ("d",)


def test_opes_leaves_kernels_in_place_of_hills(tmp_path: Path) -> None:
    out = folder(tmp_path)
    bias = Bias.model_validate({"cvs": CVS, "opes": OPES})
    applied: Any = write_bias(bias, DROP, MD, out, "plumed")
    assert "STATE_WFILE=STATE" in (out / "bias.plumed.dat").read_text()
    with pytest.raises(TruncatedOutput, match="left no KERNELS"):
        applied.collect(out, MD)
    (out / "KERNELS").touch()  # nothing deposited yet
    applied.collect(out, MD)
    assert not (out / "HILLS").exists()
    assert applied.biased_cvs == ("d",)
