"""What is known about each labelled frame, and how it is kept beside the data."""

import json

import numpy as np
import pytest

from nucleops.engines.cp2k.settings import Gfn1Xtb, PbeD3
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.learning.provenance import (
    FRAMES_FILE,
    Provenance,
    frame_id,
    level_text,
    read_level,
    read_provenance,
    write_provenance,
)

FRAME = {
    "symbols": ("O", "H"),
    "positions": np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.97]]),
    "cell": np.full(3, 10.0),
    "energy_eV": -100.25,
    "forces_eV_A": np.array([[0.0, 0.0, 0.1], [0.0, 0.0, -0.1]]),
    "level": "GFN1-xTB",
    "periodic": True,
}


def test_round_trip_and_absence(tmp_path):
    frames = [
        Provenance("a" * 32, "initial", "dimer-300K", 20, "GFN1-xTB", "CP2K 2023.1"),
        Provenance("b" * 32, "iter-000001", "task.000000/ä", None),
    ]
    assert read_provenance(tmp_path) is None
    write_provenance(tmp_path, frames)
    assert read_provenance(tmp_path) == frames
    write_provenance(tmp_path, [])
    assert read_provenance(tmp_path) == []


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 1}', '{"format": 1, "frames": [{"id": 3}]}', "\xff", "{"]
)
def test_malformed_files_are_named(tmp_path, text):
    (tmp_path / FRAMES_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(TruncatedOutput, match=FRAMES_FILE):
        read_provenance(tmp_path)


def test_newer_formats_are_refused(tmp_path):
    (tmp_path / FRAMES_FILE).write_text(json.dumps({"format": 2, "frames": []}))
    with pytest.raises(WrongInput, match="format is 2; allowed: up to 1"):
        read_provenance(tmp_path)


def test_identity_is_of_the_content_at_the_stated_rounding():
    here = frame_id(**FRAME)
    shifts = {"positions": 1e-6, "cell": 1e-6, "energy_eV": 1e-8, "forces_eV_A": 1e-6}
    for name, unit in shifts.items():
        for factor, same in ((0.2, True), (3.0, False)):
            moved = frame_id(**{**FRAME, name: FRAME[name] + factor * unit})
            assert (moved == here) is same, (name, factor)
    assert frame_id(**{**FRAME, "positions": FRAME["positions"] * -1.0}) != here
    assert frame_id(**{**FRAME, "cell": -0.0 * FRAME["cell"]}) == frame_id(
        **{**FRAME, "cell": 0.0 * FRAME["cell"]}
    )
    others = {"symbols": ("H", "O"), "level": "PBE", "periodic": False}
    assert len({here, *(frame_id(**{**FRAME, k: v}) for k, v in others.items())}) == 4


def test_levels_are_named_by_what_decides_their_energies():
    assert level_text(Gfn1Xtb()) == level_text(Gfn1Xtb(mixing_alpha=0.1)) == "GFN1-xTB"
    assert level_text(PbeD3()) == level_text(PbeD3(scf="diagonalisation"))
    assert level_text(PbeD3()) == "PBE-D3/DZVP-MOLOPT-SR-GTH 400/50 Ry"
    assert level_text(PbeD3(dispersion="D3(BJ)", cutoff_Ry=600)) not in (level_text(PbeD3()),)


def test_levels_are_read_from_plain_data():
    assert read_level(PbeD3(cutoff_Ry=600).model_dump(mode="json")) == PbeD3(cutoff_Ry=600)
    with pytest.raises(WrongInput, match="level of theory"):
        read_level({"method": "b3lyp"})


def test_earlier_rounds_come_first_and_trajectories_stay_in_order():
    wanted = [
        Provenance("9", "initial", "b", 10),
        Provenance("1", "initial", "b", 20),
        Provenance("8", "iter-000000", "a", None),
        Provenance("0", "iter-000002", "a", 5),
    ]
    shuffled = [wanted[k] for k in (3, 1, 0, 2)]
    assert sorted(shuffled, key=lambda frame: frame.order) == wanted
