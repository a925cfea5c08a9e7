"""Frames matched to rows, the nearest ones chosen, means with the weights of the bias."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from nucleops.analysis.basins import boxes_as_basins
from nucleops.analysis.grid import Grid
from nucleops.analysis.stages.files import numbers, read_csv
from nucleops.analysis.states.analyse import goals_of, states_of
from nucleops.analysis.states.bridges import junction_of
from nucleops.analysis.states.means import means_in
from nucleops.analysis.states.named import usual_distances
from nucleops.analysis.states.observe import Piece, Watch
from nucleops.analysis.states.series import Series, match, on_grid, refuse_strangers
from nucleops.analysis.states.write import states_words, write_states
from nucleops.errors import WrongInput
from nucleops.systems.extxyz import read_frames
from nucleops.systems.files import read_extxyz

sys.path.insert(0, str(Path(__file__).parent))
from two_halves import (  # beside this file, which is not a package
    APART,
    BONDED,
    BRIDGED,
    EDGE,
    joined,
    two_halves,
)

SYSTEM = two_halves()
KINDS = {
    "A": ((BONDED, BONDED), ()),
    "B": ((BONDED, BRIDGED), (1,)),
    "C": ((BRIDGED, BRIDGED), (0, 1)),
    "D": ((APART, APART), ()),
}
GRID = Grid.make([np.linspace(0, 4, 41)])
BASINS = boxes_as_basins(("dimer", "monomers"), ([(3.0, 4.0)], [(0.0, 1.0)]), GRID)


def run(n: int = 200) -> tuple[Series, list[Piece]]:
    """A walk from D over C and B to A and on again, s = 0.5, 1.5, 2.5, 3.5, in two chunks."""
    rng = np.random.default_rng(0)
    kinds = [list(KINDS)[3 - (k // 5) % 4] for k in range(n)]
    s = np.array([{"D": 0.5, "C": 1.5, "B": 2.5, "A": 3.5}[kind] for kind in kinds])
    s = s + rng.uniform(-0.2, 0.2, n)
    surface = (GRID.axes[0] - 3.5) ** 2
    series = Series(
        times=0.1 * np.arange(n),
        values=s[:, None],
        log_weights=-s,
        walker=np.zeros(n, dtype=np.int64),
        basin=BASINS.of(s[:, None]),
        block=np.arange(n) // 20,
        energies=on_grid(surface, GRID, s[:, None]),
    )
    x = np.array([joined(SYSTEM, *KINDS[kind]) for kind in kinds])
    x += rng.normal(0, 0.01, x.shape)
    cells, rows = np.full((n, 3), EDGE), np.arange(n)
    cut = n // 3
    return series, [
        Piece(0, rows[:cut], rows[:cut], x[:cut], cells[:cut]),
        Piece(0, rows[cut:], rows[cut:], x[cut:], cells[cut:]),
    ]


def watch(count: int = 3) -> Watch:
    junction = junction_of(SYSTEM)
    goals, _ = goals_of(BASINS, (GRID.axes[0] - 3.5) ** 2, None)
    return Watch(
        SYSTEM, goals, np.array([0.1]), (None,), usual_distances(SYSTEM, junction), junction,
        count=count,
    )  # fmt: skip


def test_means_are_those_of_the_weights() -> None:
    series, pieces = run()
    states = states_of(pieces, ("s",), series, BASINS, watch())
    groups = {(g.by, g.name): g.means for g in states.groups}
    assert {name for by, name in groups if by == "joined"} == {"A", "B", "C", "D"}
    d = np.concatenate([piece.positions for piece in pieces])
    along = usual_distances(SYSTEM, junction_of(SYSTEM))[1].of(d, np.full((200, 3), EDGE), True)
    inside = series.basin == 0
    w = series.weights * inside
    assert groups["basin", "dimer"].mean[1] == pytest.approx((w * along).sum() / w.sum())
    assert groups["basin", "dimer"].share == pytest.approx(w.sum() / series.weights.sum())
    assert groups["basin", "dimer"].frames == inside.sum()
    assert groups["joined", "A"].mean[1] == pytest.approx(BONDED, abs=0.01)
    assert groups["joined", "C"].mean[1] == pytest.approx(BRIDGED, abs=0.01)
    assert 0 < groups["joined", "A"].error[1] < 0.01
    assert groups["joined", "A"].spread[1] == pytest.approx(np.sqrt(2) * 0.01, rel=0.3)
    shares = [m.share for (by, _), m in groups.items() if by == "joined"]
    assert sum(shares) == pytest.approx(1.0)
    assert "Joined as B (one bridging molecule): 50 frames" in "\n".join(states_words(states))


def test_bootstrap_error_of_independent_blocks_is_the_textbooks() -> None:
    rng = np.random.default_rng(1)
    n = 400
    values = rng.normal(0, 1, (n, 1))
    made = means_in(values, np.ones(n), np.arange(n), np.ones(n, dtype=bool), draws=2000)
    assert made.error[0] == pytest.approx(values.std() / np.sqrt(n), rel=0.06)
    assert (made.share, made.share_error) == (1.0, 0.0)
    # in blocks of eight equal values there are an eighth as many
    same = np.repeat(rng.normal(0, 1, n // 8), 8)[:, None]
    block = np.arange(n) // 8
    made = means_in(same, np.ones(n), block, np.ones(n, dtype=bool), draws=2000)
    assert made.error[0] == pytest.approx(same.std() / np.sqrt(n / 8), rel=0.08)


def test_a_state_of_one_block_or_none_has_no_error() -> None:
    values, block = np.arange(20.0)[:, None], np.arange(20) // 5
    one = means_in(values, np.ones(20), block, np.arange(20) < 4)
    assert one.mean[0] == 1.5
    assert np.isnan(one.error[0])
    none = means_in(values, np.ones(20), block, np.zeros(20, dtype=bool))
    assert none.share == 0
    assert np.isnan(none.mean[0])


def test_the_nearest_frames_of_the_basin_are_written(tmp_path: Path) -> None:
    series, pieces = run()
    states = states_of(pieces, ("s",), series, BASINS, watch())
    written = {one["name"]: one for one in write_states(states, "ps", tmp_path)}
    assert set(written) == {"dimer", "monomers", *(f"joined-{k}" for k in "ABCD")}
    for name, goal in (("dimer", 3.5), ("monomers", 1.0)):
        own = np.flatnonzero(series.basin == BASINS.names.index(name))
        nearest = own[np.argsort(np.abs(series.values[own, 0] - goal))[:3]]
        frames = list(read_frames(tmp_path / written[name]["file"]))
        assert [int(f.info["frame"]) for f in frames] == nearest.tolist()
        for frame, k in zip(frames, nearest, strict=True):
            assert float(frame.info["s"]) == pytest.approx(series.values[k, 0])
            assert float(frame.info["time_ps"]) == pytest.approx(series.times[k])
            assert float(frame.info["weight"]) == pytest.approx(series.weights[k])
            assert frame.info["state"] == name
    again = read_extxyz(tmp_path / "states/dimer.extxyz")
    assert again.molecules == SYSTEM.molecules
    listed = read_csv(tmp_path / "states/states.csv")
    assert listed["state"].count("joined-C") == 3
    table = read_csv(tmp_path / "state_series.csv")
    assert table["joined"][:5] == ["D"] * 5
    assert numbers(table["bridging_molecules"])[5:10].tolist() == [2] * 5
    means = read_csv(tmp_path / "state_distances.csv")
    assert set(means["distance"]) == {"Ag1-Ag2", "Ag1-N2", "Ag2-N1", "N1-H", "N2-H"}
    assert (tmp_path / "state_distances.parquet").is_file()


def test_chunks_make_no_difference() -> None:
    series, pieces = run()
    whole = [Piece(0, *(np.concatenate([p[k] for p in pieces]) for k in range(1, 5)))]
    one = states_of(whole, ("s",), series, BASINS, watch())
    many = states_of(pieces, ("s",), series, BASINS, watch())
    for name, frames in one.observed.picked.items():
        assert [f.number for f in frames] == [f.number for f in many.observed.picked[name]]


def test_frames_without_a_row_are_left_out_and_counted() -> None:
    series, pieces = run()
    lacking = [p._replace(rows=np.where(p.rows % 2, p.rows, -1)) for p in pieces]
    states = states_of(lacking, ("s",), series, BASINS, watch())
    assert states.observed.unmatched == 100
    assert states.frames_used == 100
    assert "100 frames are at the time of no row" in states_words(states)[0]


def test_match_takes_the_row_of_the_time() -> None:
    rows = 0.05 * np.arange(1000)
    times = np.array([0.0, 0.05, 1.0004, 3.02, 49.95, 60.0])
    assert match(times, rows).tolist() == [0, 1, 20, -1, 999, -1]
    single = rows.astype(np.float32).astype(np.float64)
    assert match(single, rows).tolist() == list(range(1000))
    assert match(times, np.empty(0)).tolist() == [-1] * 6
    assert match(np.array([2.0]), np.array([2.0])).tolist() == [0]


def test_files_of_two_runs_are_refused() -> None:
    ps, fs = 0.05 * np.arange(201), 50.0 * np.arange(201)
    with pytest.raises(WrongInput) as error:
        refuse_strangers("a.xtc", "COLVAR", ps, fs, match(ps, fs), "ps")
    assert "a.xtc: 11 of its 201 frames, 0 to 10 every 0.05 ps, are at the time of a row" in str(
        error.value
    )
    assert "COLVAR, 0 to 10000 every 50" in str(error.value)
    assert "--time-unit" in str(error.value)
    refuse_strangers("a.xtc", "COLVAR", ps, ps[::2], match(ps, ps[::2]), "ps")
