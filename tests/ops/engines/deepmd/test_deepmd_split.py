"""Whole trajectories are held out, and stay so."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleops.engines.deepmd.data import load_frames
from nucleops.engines.deepmd.held_out import write_split
from nucleops.engines.deepmd.split import Choice, Trajectory, choose, evenly_spaced
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.learning.provenance import Provenance, write_provenance

DATA = Path(__file__).parents[3] / "data" / "deepmd"

sizes = st.lists(st.tuples(st.integers(1, 40), st.sampled_from("ABC")), max_size=12)


def trajectories(rounds: list[list[tuple[int, str]]]) -> list[Trajectory]:
    names = ["initial", *(f"iter-{k:06d}" for k in range(len(rounds)))]
    return [
        Trajectory(f"{name}/{i}", name, composition, size)
        for name, entries in zip(names, rounds, strict=False)
        for i, (size, composition) in enumerate(entries)
    ]


@given(st.lists(sizes, min_size=1, max_size=5), st.floats(0.01, 0.5), st.integers(1, 10**6))
def test_what_is_held_out_or_trained_on_stays_so(
    rounds: list[list[tuple[int, str]]], share: float, seed: int
) -> None:
    earlier = Choice()
    for k in range(1, len(rounds) + 1):
        known = trajectories(rounds[:k])
        now = choose(known, share, seed)
        assert now == choose(reversed(known), share, seed)
        seen = set(trajectories(rounds[: k - 1]))
        assert now.whole & seen == earlier.whole
        assert {t: n for t, n in now.blocks.items() if t in seen} == earlier.blocks
        earlier = now


@given(sizes, st.floats(0.01, 0.5), st.integers(1, 10**6))
def test_share_of_a_round_is_met_as_nearly_as_trajectories_allow(
    entries: list[tuple[int, str]], share: float, seed: int
) -> None:
    known = trajectories([entries])
    choice = choose(known, share, seed)
    if len(known) > 1:
        assert choice.whole
        assert choice.whole != set(known)
        assert not choice.blocks
        last = max(t.size for t in choice.whole)
        assert sum(t.size for t in choice.whole) <= share * sum(t.size for t in known) + last


def test_the_composition_that_lacks_most_comes_first() -> None:
    known = trajectories([[(30, "A"), (30, "A"), (20, "B"), (20, "B")], [(9, "B"), (9, "A")]])
    held = {t.name: t.composition for t in choose(known, 0.2, 3).whole}
    assert sorted(held.values()) == ["A", "B"]  # the first of A, whose share is 12 frames
    other = {t.name for seed in range(20) for t in choose(known, 0.2, seed).whole}
    assert {"initial/0", "initial/1"} <= other  # which one is the seed's


def test_a_lone_trajectory_is_cut_along_time() -> None:
    (lone,) = trajectories([[(30, "A")]])
    assert choose([lone], 0.1, 3) == Choice(frozenset(), {lone: 3})
    (short,) = trajectories([[(5, "A")]])
    assert choose([short], 0.1, 3).blocks == {short: 1}
    (shortest,) = trajectories([[(4, "A")]])
    assert not choose([shortest], 0.1, 3).blocks
    assert choose([lone, *trajectories([[], [(9, "A"), (9, "A")]])], 0.1, 3).blocks == {lone: 3}


def test_nothing_is_held_out_where_nothing_is_asked_for() -> None:
    assert choose(trajectories([[(30, "A"), (30, "B")], [(9, "A")]]), 0.0, 3) == Choice()


def test_frames_of_a_trajectory_stay_together(tmp_path: Path) -> None:
    systems = []
    for number, (round_name, parents) in enumerate(
        (("initial", "aaabbb"), ("iter-000000", "cccddd"))
    ):
        system = tmp_path / str(number)
        shutil.copytree(DATA / "dimer", system)
        origins = [
            Provenance(str(k), round_name, parents[k // 4], step=k) for k in range(24)
        ]  # a third of each half comes from each parent
        write_provenance(system, origins)
        systems.append(system)
    split = write_split(systems, 0.25, 7, tmp_path / "split")
    again = write_split(systems[:1], 0.25, 7, tmp_path / "again")
    (early,) = again.record["held_out_trajectories"]
    assert early in split.record["held_out_trajectories"]
    assert split.record["trajectories"] == 4
    assert (split.n_train, split.n_held_out) == (24, 24)
    whole = load_frames(systems[0])["energy"]
    expected = whole[[k for k in range(24) if "aaabbb"[k // 4] == early]]
    np.testing.assert_array_equal(load_frames(split.held_out[0])["energy"], expected)


def test_the_end_of_a_lone_trajectory_is_held_out_whatever_the_order(tmp_path: Path) -> None:
    system = tmp_path / "dimer"
    shutil.copytree(DATA / "dimer", system)
    times = np.random.default_rng(1).permutation(24)
    write_provenance(system, [Provenance(str(t), "initial", "aimd", int(t)) for t in times])
    split = write_split([system], 0.25, 7, tmp_path / "split")
    energies = load_frames(system)["energy"]
    np.testing.assert_array_equal(load_frames(split.held_out[0])["energy"], energies[times >= 18])
    assert split.record["held_out_ends"] == {"aimd": 6}


def test_sets_of_a_foreign_system_count_as_trajectories(tmp_path: Path) -> None:
    system = tmp_path / "foreign"
    shutil.copytree(DATA / "dimer", system)
    for name in ("set.001", "set.002"):
        shutil.copytree(system / "set.000", system / name)
    split = write_split([system], 0.3, 7, tmp_path / "split")
    (held,) = split.record["held_out_trajectories"]
    assert held.startswith("foreign/set.")
    assert (split.n_train, split.n_held_out) == (48, 24)


def test_frames_of_unknown_origin_are_split_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    split = write_split([DATA / "dimer"], 0.25, 7, tmp_path)
    assert (split.n_train, split.n_held_out) == (18, 6)
    assert split.record["split_by_frame"] == ["dimer"]
    assert "nothing says from which trajectories the frames of dimer are" in caplog.text
    energies = [load_frames(path[0])["energy"] for path in (split.train, split.held_out)]
    whole = load_frames(DATA / "dimer")["energy"]
    np.testing.assert_array_equal(np.sort(np.concatenate(energies)), np.sort(whole))
    assert (split.train[0] / "nopbc").is_file()


def test_nothing_held_out_is_no_reason_to_warn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    split = write_split([DATA / "dimer"], 0.0, 7, tmp_path)
    assert (split.n_train, split.n_held_out) == (24, 0)
    assert split.record["split_by_frame"] == []
    assert not caplog.text


def test_provenance_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    shutil.copytree(DATA / "dimer", tmp_path / "dimer")
    write_provenance(tmp_path / "dimer", [Provenance("1", "initial", "a", 0)])
    with pytest.raises(TruncatedOutput, match=r"tells of 1 frames, there are 24"):
        write_split([tmp_path / "dimer"], 0.25, 7, tmp_path / "split")


def test_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="no frame to train on"):
        write_split([DATA / "mono"], 1.0, 7, tmp_path)
    with pytest.raises(WrongInput, match="no frame to train on"):
        write_split([], 0.1, 7, tmp_path / "other")


@given(st.integers(0, 500), st.floats(0, 1))
def test_evenly_spaced_frames_are_distinct(n_frames: int, share: float) -> None:
    held = evenly_spaced(n_frames, share)
    assert len(held) == len(set(held.tolist())) == round(share * n_frames)
    assert all(0 <= k < n_frames for k in held)
