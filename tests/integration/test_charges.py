"""Real CP2K: charges at both levels, through the operators and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nucleoflow.cli.app import app
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


def test_command_finds_the_articles_trend(tmp_path: Path) -> None:
    """Silver loses charge from monomer to dimer to octahedron; S and N change less."""
    out = tmp_path / "charges"
    words = ["charges", "-o", str(out)]
    for name in ("monomer", "dimer", "octahedron"):
        words += ["--motif", name]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    summary = json.loads((out / "summary.json").read_text())
    mean = {(r["element"], r["state"]): r["mean_e"] for r in summary["rows"]}
    silver = [mean["Ag", state] for state in ("monomer", "dimer", "octahedron")]
    assert silver == pytest.approx([0.298, 0.230, 0.176], abs=0.005)
    for element in ("S", "N"):
        moved = abs(mean[element, "octahedron"] - mean[element, "monomer"])
        assert moved < 0.5 * (silver[0] - silver[2])
    assert "falls by 0.121 e from monomer to octahedron" in done.output
    assert (out / "figures/charges.svg").is_file()
