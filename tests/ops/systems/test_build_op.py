"""The build operator writes a complete, repeatable systems folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from dflow.python import OPIO, FatalError

from nucleops.build import BuildSystems
from nucleops.systems.folder import read_system, system_seed

SYSTEMS = {
    "droplet": {
        "contents": [{"motif": "dimer", "count": 1}, {"motif": "methanol", "count": 8}],
        "box": {"shape": "droplet", "radius_A": 7.0},
    },
    "cluster": {
        "contents": [{"motif": "octahedron", "count": 1}],
        "box": {"shape": "droplet", "radius_A": 7.0},
    },
}


def _run(folder: Path, monkeypatch: pytest.MonkeyPatch, systems: dict[str, object]) -> Path:
    folder.mkdir()
    monkeypatch.chdir(folder)
    out = BuildSystems().execute(OPIO({"systems": systems, "metal": "Ag", "seed": 4}))
    return folder / out["systems"]


def test_folder_is_complete_and_repeatable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _run(tmp_path / "a", monkeypatch, dict(SYSTEMS))
    names = sorted(p.name for p in first.iterdir())
    assert names == ["cluster.data", "cluster.extxyz", "droplet.data", "droplet.extxyz",
                     "systems.json"]  # fmt: skip
    summary = json.loads((first / "systems.json").read_text())
    entry = summary["systems"]["droplet"]
    assert summary["type_map"] == ["Ag", "S", "N", "C", "H", "O"]
    assert entry["n_atoms"] == 60
    assert entry["motifs"] == {"dimer": 1, "methanol": 8}
    assert entry["seed"] == system_seed(4, "droplet")
    assert entry["minimum_intermolecular_distance_A"] >= 2.0
    assert summary["systems"]["cluster"]["minimum_intermolecular_distance_A"] is None
    assert "GFN1-xTB" in entry["motif_provenance"]["dimer"]
    assert read_system(first, "droplet").n_atoms == 60
    # one system alone is the same as among others
    second = _run(tmp_path / "b", monkeypatch, {"droplet": SYSTEMS["droplet"]})
    for name in ("droplet.extxyz", "droplet.data"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_system_that_cannot_be_built_is_fatal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = {"shape": "droplet", "radius_A": 4.0}
    systems = {"tiny": {"contents": [{"motif": "octahedron", "count": 1}], "box": box}}
    with pytest.raises(FatalError, match="system 'tiny'"):
        _run(tmp_path / "c", monkeypatch, systems)


def test_operator_imports_nothing_heavy() -> None:
    code = (
        "import sys, dflow.python; before = set(sys.modules); import nucleops.build;"
        "heavy = {'scipy', 'ase', 'dpdata', 'matplotlib', 'dpgen2', 'deepmd', 'tensorflow'};"
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
