"""Reference data of the bias tests, made by PLUMED 2.9.4; tests/data/bias says how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nucleops.bias.presets import monomer_dimer
from nucleops.bias.resolve import resolve
from nucleops.bias.resolved import ResolvedBias
from nucleops.bias.series import ColvarTable, read_colvar
from nucleops.systems.packing import build_system
from nucleops.systems.spec import Box, Content, SystemSpec
from nucleops.systems.system import Molecule, System

DATA = Path(__file__).parents[2] / "data" / "bias"
POINT_A = (11.075, 10.526, 10.622)
MONOMER = ("M1", "S1", "N1", "C1", "HC1", "HN1")
METHANOL = ("C", "H1", "H2", "H3", "O", "HO")


@dataclass(frozen=True)
class Golden:
    """The synthetic frames and what PLUMED made of them."""

    system: System
    resolved: ResolvedBias
    positions: np.ndarray
    cell: np.ndarray
    masses: np.ndarray
    colvar: ColvarTable
    colvar_metad: ColvarTable
    folder: Path


@pytest.fixture(scope="session")
def data_folder() -> Path:
    return DATA


@pytest.fixture(scope="session")
def golden() -> Golden:
    folder = DATA / "synthetic"
    frames = np.load(folder / "frames.npz")
    # ligand k of the golden structure: metal k, S k+2, N k+4, C k+6, H on C and on N
    molecules = [
        Molecule("monomer", (0, 2, 4, 6, 9, 8), MONOMER),
        Molecule("monomer", (1, 3, 5, 7, 10, 11), MONOMER),
    ]
    molecules += [Molecule("methanol", tuple(range(i, i + 6)), METHANOL) for i in range(12, 732, 6)]
    system = System(
        name="golden",
        symbols=tuple(str(s) for s in frames["symbols"]),
        positions=frames["coords"][0],
        cell=np.diag(frames["cell"]).copy(),
        periodic=True,
        molecules=tuple(molecules),
    )
    return Golden(
        system=system,
        resolved=resolve(monomer_dimer(at_A=POINT_A), system, masses=frames["masses"]),
        positions=frames["coords"],
        cell=system.cell,
        masses=frames["masses"],
        colvar=read_colvar(folder / "colvar.dat"),
        colvar_metad=read_colvar(folder / "colvar_pace1.dat"),
        folder=folder,
    )


@pytest.fixture
def droplet() -> System:
    """Two monomers and four methanols on a small lattice, not periodic; 36 atoms."""
    rng = np.random.default_rng(5)
    molecules = [
        Molecule("monomer", tuple(range(6)), MONOMER),
        Molecule("monomer", tuple(range(6, 12)), MONOMER),
    ]
    molecules += [Molecule("methanol", tuple(range(i, i + 6)), METHANOL) for i in range(12, 36, 6)]
    grid = np.array(list(np.ndindex(4, 3, 3)), dtype=np.float64) * 2.2 + 11.0
    return System(
        name="droplet",
        symbols=("Ag", "S", "N", "C", "H", "H") * 2 + ("C", "H", "H", "H", "O", "H") * 4,
        positions=grid + rng.normal(scale=0.1, size=grid.shape),
        cell=np.array([30.0, 30.0, 30.0]),
        periodic=False,
        molecules=tuple(molecules),
    )


@pytest.fixture(scope="session")
def dimers() -> System:
    """Three dimers and six methanols in the article's box."""
    spec = SystemSpec(
        contents=(
            Content(motif="dimer", count=3, within_A=7.0),
            Content(motif="methanol", count=6),
        ),
        box=Box(shape="cube", edge_A=20.0),
    )
    return build_system("dimers", spec, "Ag", 1)
