"""Labels at the article's level of theory, PBE-D3 at 400/50 Ry, through the operators."""

from __future__ import annotations

import json

import numpy as np
import pytest
from dflow.python import OPIO

from nucleops.engines.cp2k.settings import PbeD3
from nucleops.label import PrepLabel, RunLabel
from nucleops.learning.dataset import read_deepmd
from nucleops.systems.files import write_trajectory
from nucleops.systems.packing import build_system
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import System, type_map

pytestmark = [pytest.mark.integration, pytest.mark.slow]

LEVEL = PbeD3()
H2S = [[3.0, 3.0, 3.1], [3.0, 3.97, 4.03], [3.0, 2.03, 4.03]]
METHANOL = [
    *([3.5, 3.5, 4.2], [4.0, 4.4, 4.6], [4.0, 2.6, 4.6]),
    *([2.47, 3.5, 4.57], [3.5, 3.5, 2.78], [4.42, 3.5, 2.48]),
]


def monomer() -> System:
    """One AgSCNH2 in a small periodic cell."""
    spec = {"contents": [{"motif": "monomer", "count": 1}]}
    box = {"shape": "droplet", "radius_A": 4.0}
    built = build_system("monomer", SystemSpec.model_validate({**spec, "box": box}), "Ag", 1)
    low, high = built.positions.min(axis=0), built.positions.max(axis=0)
    cell = np.full(3, float((high - low).max()) + 5.0)
    return System("monomer", built.symbols, built.positions - low + 2.5, cell, periodic=True)


def frames() -> list[System]:
    """Two methanols, of which the second is begun from the first, hydrogen sulphide, a monomer."""
    methanol = System("methanol", tuple("CHHHOH"), np.array(METHANOL), np.full(3, 7.0), True)
    moved = methanol.positions + np.random.default_rng(1).normal(scale=0.02, size=(6, 3))
    h2s = System("h2s", ("S", "H", "H"), np.array(H2S), np.full(3, 6.0), periodic=True)
    return [methanol, methanol.with_positions(moved), h2s, monomer()]


def test_labels_at_the_articles_level(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    confs = []
    for number, system in enumerate(frames()):
        confs.append(tmp_path / f"run-{number:04d}.extxyz")
        write_trajectory([system], confs[-1])
    config = {"level": LEVEL.model_dump(mode="json")}
    elements = type_map("Ag")
    made = PrepLabel().execute(OPIO({"config": config, "type_map": elements, "confs": confs}))
    assert len(made["task_paths"]) == 3
    details = []
    for name, task in zip(made["task_names"], made["task_paths"], strict=True):
        run = {"config": config, "task_name": f"run-{name}", "task_path": task}
        out = RunLabel().execute(OPIO(run))
        data = read_deepmd(out["labeled_data"])
        account = json.loads((out["labeled_data"] / "labels.json").read_text())
        assert out["n_labels"] == account["n_labelled"] == len(data)
        assert not account["dropped"]
        assert data.provenance is not None
        for frame, entry in zip(data.provenance, account["frames"], strict=True):
            assert frame.level == "PBE-D3/DZVP-MOLOPT-SR-GTH 400/50 Ry"
            assert frame.program.startswith("CP2K ")
            assert entry["tries"] == 1
            print(json.dumps({"atoms": "".join(data.symbols), **entry}))
        # a molecule as a whole feels the grid only (400 Ry: some tenths of eV/A)
        assert np.abs(data.forces.sum(axis=1)).max() < 0.3
        details += account["frames"]
    methanol, again, h2s, silver = details
    assert again["begun_from_frame"] == 0
    assert again["scf_steps"] < methanol["scf_steps"]
    # of the valence electrons, as the pseudopotentials of these elements have it
    for entry, energy_eV in ((methanol, -655.3), (h2s, -309.7), (silver, -1740.9)):
        assert entry["energy_eV"] == pytest.approx(energy_eV, abs=1.0)
