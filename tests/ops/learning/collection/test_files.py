"""A collection comes back as it was written; whatever is not as it was written is named."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nucleops.errors import DamagedObject, WrongInput
from nucleops.learning.collection.files import (
    VERSION_FILE,
    read_collection,
    write_collection,
)
from nucleops.learning.collection.merging import unite
from nucleops.learning.dataset import read_deepmd

TYPE_MAP = ["Ag", "S", "N", "C", "H", "O"]


@pytest.fixture(scope="module")
def written(labelled, tmp_path_factory):
    parts = [labelled(4), labelled(3, ("S", "Ag"), seed=2), labelled(2, periodic=False, seed=3)]
    collection = unite(parts, TYPE_MAP)
    return collection, write_collection(collection, tmp_path_factory.mktemp("c") / "data")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_round_trip(labelled, tmp_path_factory, sizes, seed):
    atoms = [("C", "O"), ("Ag", "S", "N"), ("H",)]
    parts = [labelled(n, atoms[k], seed=seed + k) for k, n in enumerate(sizes)]
    collection = unite(parts, TYPE_MAP)
    back = read_collection(write_collection(collection, tmp_path_factory.mktemp("t") / "data"))
    assert (back.address, back.names) == (collection.address, collection.names)
    assert back.type_map == tuple(TYPE_MAP)
    for ours, theirs in zip(back.systems, collection.systems, strict=True):
        assert ours.key == theirs.key
        assert ours.provenance == theirs.provenance
        for name in ("positions", "cells", "energies", "forces"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_the_same_frames_give_the_same_files(written, tmp_path):
    collection, folder = written
    shuffled = unite(reversed([s.take([-1, *range(len(s) - 1)]) for s in collection.systems]),
                     TYPE_MAP)  # fmt: skip
    again = write_collection(shuffled, tmp_path / "data")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (again / path.relative_to(folder)).read_bytes(), path


def test_its_systems_are_plain_deepmd_npy(written):
    collection, folder = written
    for name, system in zip(collection.names, collection.systems, strict=True):
        assert read_deepmd(folder / name).provenance == system.provenance


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_found(written, tmp_path_factory, data):
    _, source = written
    folder = tmp_path_factory.mktemp("flip") / "data"
    shutil.copytree(source, folder)
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size)
    path = data.draw(st.sampled_from(files))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(content))
    with pytest.raises((DamagedObject, WrongInput)) as caught:
        read_collection(folder)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("gone", [True, False])
def test_lost_and_shortened_files_are_found(written, tmp_path, gone):
    collection, source = written
    folder = tmp_path / "data"
    shutil.copytree(source, folder)
    path = folder / collection.names[0] / "set.000" / "force.npy"
    if gone:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedObject, match=r"force\.npy"):
        read_collection(folder)


def test_swapped_frames_are_found_even_with_matching_digests(written, tmp_path):
    """Someone who also rewrites the digests still cannot swap labels of two frames."""
    from nucleops.learning.collection.files import _sealed
    from nucleops.storage.increments import digest_of

    collection, source = written
    folder = tmp_path / "data"
    shutil.copytree(source, folder)
    path = folder / collection.names[-1] / "set.000" / "energy.npy"
    np.save(path, np.load(path)[::-1])
    version = json.loads((folder / VERSION_FILE).read_text())
    version["files"][path.relative_to(folder).as_posix()] = digest_of(path)
    version.pop("digest")
    (folder / VERSION_FILE).write_text(_sealed(version))
    with pytest.raises(DamagedObject, match="frame 0 is not the one that its provenance is of"):
        read_collection(folder)


def test_newer_formats_and_other_folders_are_refused(written, tmp_path):
    _, source = written
    folder = tmp_path / "data"
    shutil.copytree(source, folder)
    text = (folder / VERSION_FILE).read_text()
    (folder / VERSION_FILE).write_text(text.replace('"format": 1', '"format": 7'))
    with pytest.raises(WrongInput, match="format is 7; allowed: up to 1"):
        read_collection(folder)
    with pytest.raises(WrongInput, match="is not a collection"):
        read_collection(tmp_path)


def test_nothing_is_overwritten_and_nothing_is_left_behind(written, tmp_path, monkeypatch):
    collection, folder = written
    with pytest.raises(WrongInput, match="is there already"):
        write_collection(collection, folder)
    with pytest.raises(WrongInput, match="there is no folder"):
        write_collection(collection, tmp_path / "no" / "data")
    with pytest.raises(WrongInput, match="no frame"):
        write_collection(unite([], TYPE_MAP), tmp_path / "data")

    def broken(*_):
        raise OSError("no space left")

    monkeypatch.setattr("nucleops.learning.collection.files.write_deepmd", broken)
    with pytest.raises(OSError, match="no space"):
        write_collection(collection, tmp_path / "data")
    assert not list(tmp_path.iterdir())
