"""Data sets keep what they were given, and dpdata and DeePMD read them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.learning.dataset import (
    LabelledFrames,
    concatenate,
    energy_range,
    read_deepmd,
    split,
    stack_frames,
    systems_below,
    write_deepmd,
)
from nucleops.learning.provenance import INITIAL, Provenance, write_provenance
from nucleops.systems.system import System

TYPE_MAP = ["Ag", "S", "N", "C", "H", "O"]
METHANOL = ("C", "H", "O", "H", "H", "H")


def frames(n: int, symbols=METHANOL, *, periodic=True, seed=1) -> LabelledFrames:
    rng = np.random.default_rng(seed)
    shape = (n, len(symbols), 3)
    cells = np.full((n, 3), 9.0) + rng.random((n, 3))
    energies = -4321.123456789 + rng.random(n)
    positions, forces = rng.random(shape), rng.normal(size=shape)
    return LabelledFrames(tuple(symbols), positions, cells, energies, forces, periodic)


def same(a: LabelledFrames, b: LabelledFrames) -> bool:
    names = ("positions", "cells", "energies", "forces")
    return a.key == b.key and all((getattr(a, n) == getattr(b, n)).all() for n in names)


@pytest.mark.parametrize("periodic", [True, False])
def test_round_trip_is_exact(tmp_path, periodic):
    data = frames(7, periodic=periodic)
    write_deepmd(data, TYPE_MAP, tmp_path / "d")
    assert same(read_deepmd(tmp_path / "d"), data)
    assert (tmp_path / "d" / "nopbc").is_file() is not periodic
    assert (tmp_path / "d" / "type_map.raw").read_text().split() == TYPE_MAP
    assert (tmp_path / "d" / "type.raw").read_text().split() == ["3", "4", "5", "4", "4", "4"]


def test_dpdata_reads_it(tmp_path):
    import dpdata

    data = frames(3, periodic=False)
    write_deepmd(data, TYPE_MAP, tmp_path / "d")
    read = dpdata.LabeledSystem(str(tmp_path / "d"), fmt="deepmd/npy")
    assert read.nopbc
    assert np.abs(read["energies"] - data.energies).max() < 1e-8
    assert np.abs(read["forces"] - data.forces).max() < 1e-12
    assert [read["atom_names"][t] for t in read["atom_types"]] == list(METHANOL)


@pytest.mark.parametrize("name", ["positions", "cells", "energies", "forces"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(tmp_path, name, bad):
    good = frames(3)
    array = getattr(good, name).copy()
    array.flat[-1] = bad
    parts = {n: getattr(good, n) for n in ("positions", "cells", "energies", "forces")}
    with pytest.raises(TruncatedOutput, match=f"{name} hold"):
        LabelledFrames(good.symbols, **{**parts, name: array}, periodic=True)
    write_deepmd(good, TYPE_MAP, tmp_path)
    file = {"positions": "coord", "cells": "box", "energies": "energy", "forces": "force"}[name]
    array = np.load(tmp_path / "set.000" / f"{file}.npy")
    array.flat[0] = bad
    np.save(tmp_path / "set.000" / f"{file}.npy", array)
    with pytest.raises(TruncatedOutput):
        read_deepmd(tmp_path)


def test_lengths_have_to_agree():
    good = frames(3)
    with pytest.raises(TruncatedOutput, match="forces have shape"):
        LabelledFrames(
            good.symbols, good.positions, good.cells, good.energies, good.forces[:2], True
        )


def test_unknown_element_and_no_frame_are_refused(tmp_path):
    with pytest.raises(WrongInput, match=r"element Au.*allowed: Ag"):
        write_deepmd(frames(2, ("Au",)), TYPE_MAP, tmp_path / "d")
    with pytest.raises(WrongInput, match="no frame"):
        write_deepmd(frames(0), TYPE_MAP, tmp_path / "d")


def test_links_are_followed(tmp_path):
    write_deepmd(frames(2), TYPE_MAP, tmp_path / "real" / "d")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(systems_below([tmp_path / "link"])) == 1


def test_energy_range(tmp_path):
    data = frames(5)
    write_deepmd(data.take(slice(0, 2)), TYPE_MAP, tmp_path / "a")
    write_deepmd(data.take(slice(2, 5)), TYPE_MAP, tmp_path / "b")
    low, high = energy_range([tmp_path], TYPE_MAP)["C1H4O1"]
    assert (low, high) == pytest.approx((data.energies.min() / 6, data.energies.max() / 6))


@given(n=st.integers(0, 40), share=st.floats(0, 1))
def test_split_holds_out_the_last_block(n, share):
    data = frames(n)
    train, test = split(data, share)
    assert len(train) + len(test) == n
    assert (np.concatenate([train.energies, test.energies]) == data.energies).all()
    assert abs(len(test) - share * n) <= 1
    assert len(test) >= (n >= 5 and share > 0)


def test_stack_keeps_order_and_parts_by_atoms():
    def one(symbols, energy, *, periodic=True):
        positions = np.zeros((len(symbols), 3))
        system = System("s", symbols, positions, np.full(3, 5.0), periodic)
        return LabelledFrame(system, energy, positions)

    stacked = stack_frames(
        [one(("C",), 1.0), one(("O",), 2.0), one(("C",), 3.0), one(("C",), 4.0, periodic=False)]
    )
    assert [list(s.energies) for s in stacked] == [[1.0, 3.0], [2.0], [4.0]]


def known(data: LabelledFrames, **fields) -> LabelledFrames:
    entries = [Provenance(step=10 * k, level="GFN1-xTB", **fields) for k in range(len(data))]
    return data.known_as(entries)


def test_provenance_goes_with_its_frames(tmp_path):
    data = known(frames(4), parent="methanol-300K", round=INITIAL)
    assert len({entry.id for entry in data.provenance}) == 4
    write_deepmd(data, TYPE_MAP, tmp_path / "d")
    assert read_deepmd(tmp_path / "d").provenance == data.provenance
    assert [p.step for p in data.take([3, 1]).provenance] == [30, 10]
    assert data.take(slice(1, 3)).provenance == data.provenance[1:3]
    parts = [data.take(slice(0, 1)), data.take(slice(1, 4))]
    assert concatenate(parts)[0].provenance == data.provenance
    assert concatenate([*parts, frames(1)])[0].provenance is None
    write_deepmd(frames(4), TYPE_MAP, tmp_path / "d")
    assert read_deepmd(tmp_path / "d").provenance is None


def test_provenance_of_other_frames_is_refused(tmp_path):
    data = known(frames(3))
    write_deepmd(data, TYPE_MAP, tmp_path)
    write_provenance(tmp_path, data.provenance[:2])
    with pytest.raises(TruncatedOutput, match=r"frames\.json is of 2 frames, the data of 3"):
        read_deepmd(tmp_path)
    with pytest.raises(TruncatedOutput, match="provenance is of 2 frames"):
        replace(data, provenance=data.provenance[:2])
