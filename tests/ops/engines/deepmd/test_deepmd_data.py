"""Data sets as they are read for a training, and what they cover."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.deepmd.data import find_systems, load_frames
from nucleops.engines.deepmd.data_range import (
    DataRange,
    carried_range,
    closest_contacts,
    composition,
    data_range,
)
from nucleops.engines.deepmd.model_file import attach_range, attach_weights, trainable_weights
from nucleops.errors import TruncatedOutput

DATA = Path(__file__).parents[3] / "data" / "deepmd"


def test_systems_are_found_behind_links(tmp_path: Path) -> None:
    (tmp_path / "iter").symlink_to(DATA)
    (tmp_path / "empty").mkdir()
    found = find_systems([tmp_path / "iter", tmp_path / "empty"])
    assert [path.name for path in found] == ["dimer", "mono"]


@pytest.mark.parametrize("fault", ["nan", "short", "missing", "cut"])
def test_damaged_data_is_refused(tmp_path: Path, fault: str) -> None:
    system = tmp_path / "dimer"
    shutil.copytree(DATA / "dimer", system)
    path = system / "set.000" / "force.npy"
    forces = np.load(path)
    if fault == "nan":
        forces[3, 5] = np.nan
        np.save(path, forces)
    elif fault == "short":
        np.save(path, forces[:-1])
    elif fault == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TruncatedOutput, match="dimer"):
        load_frames(system)


def test_range_of_a_data_set() -> None:
    found = data_range([DATA / "dimer", DATA / "mono"])
    assert set(found.lowest_energy_eV_atom) == {"Ag2S2N2C6H20O4"}
    energies = [load_frames(DATA / name)["energy"].min() for name in ("dimer", "mono")]
    assert found.lowest_energy_eV_atom["Ag2S2N2C6H20O4"] == pytest.approx(min(energies) / 36)
    assert 0.85 < found.closest_A["H-O"] < 1.0
    assert 2.4 < found.closest_A["Ag-Ag"] < 2.9


def test_contacts_cross_the_periodic_boundary() -> None:
    positions = np.array([[[0.2, 5.0, 5.0], [9.9, 5.0, 5.0], [5.0, 5.0, 5.0]]])
    cells = np.array([[10.0, 10.0, 10.0]])
    assert closest_contacts(["H", "O", "H"], positions, cells)["H-O"] == pytest.approx(0.3)
    assert closest_contacts(["H", "O", "H"], positions)["H-O"] == pytest.approx(4.9)


def test_a_file_carries_its_range(tmp_path: Path) -> None:
    model = tmp_path / "model.pb"
    found = DataRange({"Ag1": -3.25}, {"Ag-Ag": 2.5})
    model.write_bytes(b"\x00graph" + found.to_bytes() + b"\xff rest")
    assert carried_range(model) == found
    model.write_bytes(b"a foreign model")
    assert carried_range(model) == DataRange()


def archive(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr("frozen_model/data.pkl", content)
    return path


def test_a_torch_archive_carries_its_range_its_weights_and_what_was_in_it(tmp_path: Path) -> None:
    frozen = archive(tmp_path / "frozen.pth", b"nets")
    compressed = archive(tmp_path / "compressed.pth", b"tables")
    model, start = tmp_path / "model.pth", tmp_path / "start.pth"
    attach_weights(compressed, frozen, model)
    found = DataRange({"Ag1": -3.25}, {"Ag-Ag": 2.5})
    attach_range(model, found)
    assert carried_range(model) == found
    with zipfile.ZipFile(model) as file:
        assert file.read("frozen_model/data.pkl") == b"tables"
    assert trainable_weights(model, start) == start
    assert start.read_bytes() == frozen.read_bytes()
    assert trainable_weights(frozen, start) == frozen


def test_composition_is_in_type_order() -> None:
    assert composition(["O", "H", "C", "Ag", "H"]) == "Ag1C1H2O1"
