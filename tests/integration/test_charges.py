"""Real CP2K: PBE-D3 charges and their density; the page's test has GFN1-xTB's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.cp2k.charges import compute_charges
from nucleops.engines.cp2k.settings import PbeD3
from nucleops.systems.motifs import motif
from nucleops.systems.system import System

pytestmark = pytest.mark.integration


def test_pbe_charges_and_density(tmp_path: Path) -> None:
    """Methanol: Hirshfeld's carbon is nearly neutral, and the cube holds all electrons."""
    shape, edge = motif("methanol"), np.full(3, 6.0)
    system = System("methanol", shape.symbols, shape.positions + 3.0, edge, True)
    small = PbeD3(cutoff_Ry=150.0, rel_cutoff_Ry=30.0)
    found = compute_charges(system, small, tmp_path, cube=True)
    by_element = {
        name: dict(zip(system.symbols, values, strict=True))
        for name, values in found.charges.items()
    }
    assert set(by_element) == {"mulliken", "hirshfeld"}
    assert by_element["mulliken"]["O"] < -0.1
    assert -0.35 < by_element["hirshfeld"]["O"] < -0.1
    assert abs(by_element["hirshfeld"]["C"]) < 0.15  # -1.07 by CP2K's default, Gaussians
    assert abs(found.charges["hirshfeld"].sum()) < 0.02
    assert found.cube is not None
    assert found.cube.stat().st_size > 100_000
