"""The collecting operators: each round adds what is new, the run ends with one collection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dflow.python import OPIO, FatalError

from nucleops.data import GatherData
from nucleops.learning.collection.files import read_collection
from nucleops.learning.collection.rounds import gather, merge_systems
from nucleops.learning.dataset import concatenate, read_deepmd, systems_below, write_deepmd
from nucleops.learning.provenance import INITIAL
from nucleops.selection import CollectData

TYPE_MAP = ["Ag", "S", "N", "C", "H", "O"]
METHANOL = ("C", "H", "O", "H", "H", "H")


def collect(name: str, labelled: list[Path], earlier: list[Path], init_data: list[Path]):
    return CollectData().execute(
        OPIO(
            {
                "name": name, "type_map": TYPE_MAP, "optional_parameter": {"mixed_type": False},
                "labeled_data": labelled, "iter_data": earlier, "init_data": init_data,
                "train_logs": None, "selection_record": None,
            }
        )
    )  # fmt: skip


def unrounded(frames, parent="task.000000"):
    """As a labelling task leaves them: it does not know its round."""
    return frames.known_as([replace(e, round="", parent=parent) for e in frames.provenance])


def test_merge_by_composition(labelled, tmp_path):
    parts = {
        "a": labelled(3, seed=1),
        "deep/b": labelled(2, seed=2, parent="methanol-400K"),
        "c": labelled(4, periodic=False, seed=3),
        "e": labelled(2, ("Ag", "S"), seed=4),
        "f": labelled(1, METHANOL[::-1], seed=5),
    }
    for name, part in parts.items():
        write_deepmd(part, TYPE_MAP, tmp_path / "in" / name)
    merged = merge_systems([tmp_path / "in"], TYPE_MAP, tmp_path / "out")
    assert (merged.n_frames, merged.n_duplicates) == (12, 0)
    found = {path.name: read_deepmd(path) for path in systems_below([tmp_path / "out"])}
    assert sorted(found) == ["Ag1S1", "C1H4O1", "C1H4O1-2", "C1H4O1-nopbc"]
    both = concatenate([parts["a"], parts["deep/b"]])[0]
    orders = {found[name].symbols: found[name] for name in ("C1H4O1", "C1H4O1-2")}
    assert orders[METHANOL].provenance == both.provenance
    np.testing.assert_array_equal(orders[METHANOL].forces, both.forces)
    assert METHANOL[::-1] in orders
    assert merge_systems([], TYPE_MAP, tmp_path / "none").n_frames == 0


def test_rounds_add_only_what_is_new_and_end_as_one_collection(labelled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = labelled(4)
    first, second = labelled(3, seed=7), labelled(2, seed=8)
    write_deepmd(known, TYPE_MAP, tmp_path / "methanol-300K")
    # a task that was asked for a frame of the initial data, and a later one for one of the first
    for task, parts in {"a": [first, known.take([2])], "b": [second, first.take([0])]}.items():
        (joined,) = concatenate([unrounded(part) for part in parts])
        write_deepmd(joined, TYPE_MAP, tmp_path / "labels" / task)
    init, labels = [tmp_path / "methanol-300K"], tmp_path / "labels"
    one = collect("iter-000000", [labels / "a"], [], init)
    two = collect("iter-000001", [labels / "b"], one["iter_data"], init)
    assert (one["labels"]["n_labelled"], one["labels"]["n_duplicates"]) == (3, 1)
    assert (two["labels"]["n_labelled"], two["labels"]["n_duplicates"]) == (2, 1)
    out = GatherData().execute(
        OPIO(
            {
                "init_data": init, "iter_data": two["iter_data"], "type_map": TYPE_MAP,
                "level_of_theory": {"method": "gfn1-xtb"},
            }
        )
    )  # fmt: skip
    collection = read_collection(out["data"])
    assert out["summary"] == {"address": collection.address, "n_frames": 9}
    assert collection.rounds == {INITIAL: 4, "iter-000000": 3, "iter-000001": 2}
    # rounds do not count: the same frames in another order have the same address
    assert gather([labels, *init], [], TYPE_MAP).address == collection.address


def test_labels_without_provenance_get_what_the_run_knows(labelled, tmp_path):
    """What dpgen2's own labelling leaves is DeePMD npy and nothing else."""
    bare = replace(labelled(2), provenance=None)
    write_deepmd(bare, TYPE_MAP, tmp_path / "aimd-a")
    write_deepmd(replace(labelled(2, seed=2), provenance=None), TYPE_MAP, tmp_path / "l" / "t0")
    merge_systems([tmp_path / "l"], TYPE_MAP, tmp_path / "iter-000000", round_name="iter-000000")
    found = gather([tmp_path / "aimd-a"], [tmp_path / "iter-000000"], TYPE_MAP, "GFN1-xTB")
    entries = [(e.round, e.parent, e.level) for e in found.frames]
    assert (
        entries == [(INITIAL, "aimd-a", "GFN1-xTB")] * 2 + [("iter-000000", "t0", "GFN1-xTB")] * 2
    )


def test_conflicting_labels_fail_the_step_with_both_names(labelled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frames = labelled(2)
    wrong = unrounded(replace(frames, energies=frames.energies + 1.0))
    write_deepmd(frames, TYPE_MAP, tmp_path / "init")
    write_deepmd(wrong, TYPE_MAP, tmp_path / "labels")
    with pytest.raises(FatalError, match=r"conflicting labels.*methanol-300K.*task\.000000"):
        collect("iter-000000", [tmp_path / "labels"], [], [tmp_path / "init"])
