"""No frame is twice in a collection, and its address depends on nothing but its frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleops.errors import WrongInput
from nucleops.learning.collection.collection import address_of, provenance_of
from nucleops.learning.collection.merging import (
    SAME_CONFIGURATION_A,
    ConflictingLabels,
    completed,
    same_configurations,
    unite,
)
from nucleops.learning.frames import LabelledFrames

TYPE_MAP = ["Ag", "S", "N", "C", "H", "O"]


def again(frames: LabelledFrames, **fields) -> LabelledFrames:
    """Copies of frames that another round labelled once more."""
    fields = {"round": "iter-000002", "parent": "task.000000", **fields}
    return frames.known_as([replace(entry, **fields) for entry in provenance_of(frames)])


@given(data=st.data())
def test_address_does_not_depend_on_order_nor_on_how_the_frames_were_cut(labelled, data):
    whole = [
        labelled(6),
        labelled(3, ("Ag", "S"), seed=2, parent="b"),
        labelled(2, seed=3, periodic=False, parent="c"),
    ]
    reference = unite(whole, TYPE_MAP)
    singles = [frames.take([k]) for frames in whole for k in range(len(frames))]
    singles = data.draw(st.permutations([*singles, *singles[:4]]))  # some of them twice
    cuts = sorted(data.draw(st.lists(st.integers(0, len(singles)), max_size=4)))
    parts = [singles[i:j] for i, j in zip([0, *cuts], [*cuts, len(singles)], strict=True)]
    collections = [unite(part, TYPE_MAP) for part in parts]
    merged = unite([s for c in collections for s in c.systems], TYPE_MAP)
    assert merged.address == reference.address
    assert len(merged) == 11
    assert merged.names == reference.names == ["Ag1S1", "C1H4O1-nopbc", "C1H4O1"]
    for ours, theirs in zip(merged.systems, reference.systems, strict=True):
        assert ours.provenance == theirs.provenance
        np.testing.assert_array_equal(ours.forces, theirs.forces)


def test_address_is_of_the_sorted_ids():
    assert address_of(["b", "a"]) == address_of(["a", "b"]) != address_of(["a", "b", "c"])
    assert address_of(["ab"]) != address_of(["a", "b"])


def test_any_changed_number_changes_the_address(labelled):
    frames = labelled(3)
    addresses = {unite([frames], TYPE_MAP).address}
    for name in ("positions", "cells", "energies", "forces"):
        array = getattr(frames, name).copy()
        array[1] += 1e-4
        changed = replace(frames, **{name: array}).known_as(frames.provenance)
        addresses.add(unite([changed], TYPE_MAP).address)
    addresses.add(unite([again(frames, level="PBE")], TYPE_MAP).address)
    addresses.add(unite([frames.take([0, 1])], TYPE_MAP).address)
    assert len(addresses) == 7


@pytest.mark.parametrize("single_precision", [False, True])
def test_of_a_configuration_labelled_twice_the_earlier_stays(labelled, single_precision):
    frames = labelled(4)
    later = again(frames.take([3, 1]))
    if single_precision:
        names = ("positions", "cells", "energies", "forces")
        rounded = {n: getattr(later, n).astype(np.float32).astype(np.float64) for n in names}
        later = replace(later, **rounded).known_as(later.provenance)
    for parts in ([frames, later], [later, frames]):
        collection = unite(parts, TYPE_MAP)
        assert len(collection) == 4
        assert set(collection.frames) == set(frames.provenance)
        dropped = [(d.kept.step, d.dropped.round) for d in collection.duplicates]
        assert dropped == [(10, "iter-000002"), (30, "iter-000002")]


def test_conflicting_labels_are_an_error_that_names_both(labelled):
    frames = labelled(3)
    wrong = again(frames.take([2]))
    wrong = replace(wrong, energies=wrong.energies + 0.01).known_as(wrong.provenance)
    with pytest.raises(ConflictingLabels) as caught:
        unite([frames, wrong], TYPE_MAP)
    for entry in (frames.provenance[2], wrong.provenance[0]):
        assert entry.id[:12] in str(caught.value)
        assert entry.round in str(caught.value)
    assert "1.667 meV/atom" in str(caught.value)
    forces = wrong.forces.copy()
    forces[0, 1, 2] += 0.006
    wrong = replace(wrong, energies=frames.energies[2:], forces=forces).known_as(wrong.provenance)
    with pytest.raises(ConflictingLabels, match="6 meV/A"):
        unite([wrong, frames], TYPE_MAP)


def test_levels_are_not_mixed_unless_that_is_asked_for(labelled):
    frames = labelled(3)
    other = again(frames, level="PBE-D3/DZVP 400/50 Ry")
    with pytest.raises(WrongInput, match=r"different levels.*GFN1-xTB \(3 frames\).*PBE-D3"):
        unite([frames, other], TYPE_MAP)
    both = unite([frames, other], TYPE_MAP, mixed_levels=True)
    assert both.levels == {"GFN1-xTB": 3, "PBE-D3/DZVP 400/50 Ry": 3}
    assert both.names == ["C1H4O1-GFN1-xTB", "C1H4O1-PBE-D3-DZVP-400-50-Ry"]


def test_foreign_elements_and_frames_without_provenance_are_refused(labelled):
    with pytest.raises(WrongInput, match="element Au; allowed: Ag"):
        unite([labelled(1, ("Au",))], TYPE_MAP)
    with pytest.raises(WrongInput, match="need provenance"):
        unite([replace(labelled(1), provenance=None)], TYPE_MAP)


def test_what_is_known_is_not_overwritten(labelled):
    bare = replace(labelled(2), provenance=None)
    stated = {"round_name": "r", "parent": "p", "level": "L", "program": "P"}
    (first, second) = completed(bare, **stated).provenance
    assert (first.round, first.parent, first.step, first.level) == ("r", "p", None, "L")
    assert first.id != second.id
    known = labelled(2)
    assert completed(known, **stated).provenance == known.provenance


@given(
    n=st.integers(2, 12),
    pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=4),
    seed=st.integers(0, 10),
    far=st.booleans(),
)
def test_every_pair_that_lies_close_is_found_and_no_other(labelled, n, pairs, seed, far):
    rng = np.random.default_rng(seed)
    frames = labelled(n, ("O", "H", "H"), seed=seed)
    positions = frames.positions + (500.0 if far else 0.0)
    for a, b in pairs:
        if a < n and b < n and a != b:
            positions[b] = positions[a] + rng.uniform(-1, 1, (3, 3)) * SAME_CONFIGURATION_A * 0.6
    frames = replace(frames, positions=positions)
    apart = np.abs(positions[:, None] - positions[None]).max(axis=(2, 3))
    wanted = {(i, j) for i in range(n) for j in range(i) if apart[i, j] <= SAME_CONFIGURATION_A}
    found = list(same_configurations(frames))
    assert {(j, i) for i, j in found} == wanted
    assert len(found) == len(wanted)
