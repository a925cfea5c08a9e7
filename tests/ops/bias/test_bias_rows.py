"""Reading rows of numbers in blocks: exact numbers, odd lines, restarts, walkers in one file."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleops.bias import rows as reading
from nucleops.bias.blocks import restarts_in
from nucleops.bias.hills import HillsTable, iter_hills, read_hills
from nucleops.bias.restarts import later_wins
from nucleops.bias.rows_kernel import read_rows
from nucleops.bias.tables import read_colvar
from nucleops.errors import TruncatedOutput, WrongInput

HEAD = "#! FIELDS time s sigma_s height biasf\n#! SET multivariate false\n"
FORMATS = ("{!r}", "{:.17g}", "{:.16g}", "{:.14e}", "{:+.8f}", "{:.3E}", "{:23.16f}")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every file one of many blocks, read by the compiled loops."""
    monkeypatch.setattr(reading, "AT_ONCE", 4096)
    monkeypatch.setattr(reading, "_PIECE", 512)
    monkeypatch.setattr(reading, "_WORTH_COMPILING", 0)


@settings(deadline=None)  # the first example compiles
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    st.sampled_from(FORMATS),
)
def test_numbers_are_the_nearest_doubles(values: list[float], form: str) -> None:
    words = [form.format(v) for v in values]
    text = np.frombuffer(("\t" + " ".join(words) + "\r\n").encode(), dtype=np.uint8)
    out = np.empty((1, len(words)))
    count, position = read_rows(text, 0, len(text), out)
    if not count:  # left to Python: more than 19 digits, or an exponent beyond the table
        assert position == 0
        assert any(len(w.strip("+-").replace(".", "")) > 19 or "e" in w.lower() for w in words)
        return
    assert out[0].tolist() == [float(w) for w in words]


def test_half_way_cases_round_to_even() -> None:
    words = ["9007199254740993", "9007199254740995", "18014398509481986", "1e22", "1e-22", "-0.0"]
    words += ["9999999999999999999", "123456789012345678e-30", "4503599627370496.5"]
    text = np.frombuffer((" ".join(words) + "\n").encode(), dtype=np.uint8)
    out = np.empty((1, len(words)))
    assert read_rows(text, 0, len(text), out) == (1, len(text))
    assert out[0].tolist() == [float(w) for w in words]


@pytest.mark.parametrize(
    "word", ["x", "1.2.3", "--1", "1e", ".", "0x10", "1,5", "18446744073709551616"]
)
def test_what_is_not_a_plain_decimal_is_left_to_python(word: str) -> None:
    text = np.frombuffer(f"1 2\n3 {word}\n".encode(), dtype=np.uint8)
    out = np.empty((2, 2))
    assert read_rows(text, 0, len(text), out) == (1, 4)


@pytest.mark.usefixtures("small_blocks")
def test_blocks_give_what_lines_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    lines = [HEAD]
    for k in range(3000):
        lines.append(f"{k} {rng.normal():.16g} 0.1 {rng.random():.9f} 8\n")
        if k % 700 == 699:
            lines.append("\n# a note\n#! FIELDS time sigma_s s biasf height\n")
            lines.append(f"{k}.5 0.1 nan 8 1e-310\n" + HEAD)
    (tmp_path / "HILLS").write_text("".join(lines))
    (tmp_path / "HILLS.gz").write_bytes(gzip.compress("".join(lines).encode()))
    compiled = read_colvar(tmp_path / "HILLS")
    packed = read_colvar(tmp_path / "HILLS.gz")
    monkeypatch.setattr(reading, "_WORTH_COMPILING", 10**9)
    by_line = read_colvar(tmp_path / "HILLS")
    assert len(by_line) == 3004
    for name in by_line.names:
        np.testing.assert_array_equal(compiled[name], by_line[name])
        np.testing.assert_array_equal(packed[name], by_line[name])
    assert np.isnan(by_line["s"]).sum() == 4
    assert by_line["height"][700] == 1e-310


@pytest.mark.usefixtures("small_blocks")
def test_line_numbers_count_through_blocks(tmp_path: Path) -> None:
    rows = "".join(f"{k} 1 0.1 1 8\n" for k in range(2000))
    (tmp_path / "HILLS").write_text(HEAD + rows + "2000 1 0.1 1\n2001 1 0.1 1 8\n")
    with pytest.raises(TruncatedOutput, match="line 2003: found 4 columns, allowed 5"):
        read_colvar(tmp_path / "HILLS")
    (tmp_path / "HILLS").write_text(HEAD + rows + "2000 1 0.1 l 8\n2001 1 0.1 1 8\n")
    with pytest.raises(TruncatedOutput, match="line 2003: could not convert"):
        read_colvar(tmp_path / "HILLS")


@pytest.mark.usefixtures("small_blocks")
def test_a_trajectory_is_not_a_table(tmp_path: Path) -> None:
    (tmp_path / "x.xtc").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(WrongInput, match=r"x\.xtc"):
        read_colvar(tmp_path / "x.xtc")


def test_walkers_in_one_file_keep_all_their_hills(tmp_path: Path) -> None:
    rows = "".join(f"{t} {w} 0.1 1 8\n" for t in range(1, 6) for w in range(3))
    again = "".join(f"{t} {10 + w} 0.1 1 8\n" for t in range(4, 7) for w in range(3))
    (tmp_path / "HILLS").write_text(HEAD + rows + HEAD + again)
    hills = read_hills(tmp_path / "HILLS")
    assert hills.time_fs.tolist() == [float(t) for t in range(1, 7) for _ in range(3)]
    assert hills.centres[9:, 0].tolist() == [10, 11, 12] * 3


def test_one_time_twice_is_a_restart_not_a_walker() -> None:
    assert later_wins(np.array([1.0, 2.0, 2.0, 3.0])).tolist() == [True, False, True, True]
    assert later_wins(np.array([1.0, 1.0, 2.0, 3.0])).tolist() == [False, True, True, True]
    assert later_wins(np.array([1.0, 1.0, 2.0, 2.0, 1.0, 1.0])).tolist() == [False] * 4 + [True] * 2


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_rows_that_stay_are_those_not_superseded(times: list[int]) -> None:
    time = np.array([-2, -1, *times], dtype=float)
    expected = [all(t < u for u in time[k + 1 :]) for k, t in enumerate(time)]
    assert later_wins(time).tolist() == expected


@pytest.mark.usefixtures("small_blocks")
def test_pieces_of_hills_are_the_hills(tmp_path: Path) -> None:
    def lines(first: int, last: int, tag: int) -> str:
        return "".join(f"{t} {tag + t / 1000} 0.1 1.0 8\n" for t in range(first, last))

    (tmp_path / "a").write_text(HEAD + lines(0, 900, 0) + HEAD + lines(600, 1000, 10))
    (tmp_path / "b").write_text(HEAD + lines(800, 1500, 20))
    files = [tmp_path / "a", tmp_path / "b"]
    whole = read_hills(files)
    assert len(whole) == 1500
    pieces = list(iter_hills(files))
    assert len(pieces) > 5
    for field in ("time_fs", "centres", "sigmas", "height"):
        joined = np.concatenate([getattr(piece, field) for piece in pieces])
        np.testing.assert_array_equal(joined, getattr(whole, field))
    assert [len(p) for p in iter_hills(files, restarts_in(files))] == [len(p) for p in pieces]


def test_hills_of_no_width_are_refused(tmp_path: Path) -> None:
    (tmp_path / "HILLS").write_text(HEAD + "1 0.5 0.1 1 8\n2 0.5 0 1 8\n")
    with pytest.raises(WrongInput, match="HILLS: sigma_s: found 0 at time 2, allowed more than 0"):
        read_hills(tmp_path / "HILLS")


def test_bias_factors_that_change_are_refused_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "HILLS").write_text(HEAD + "1 0.5 0.1 1 8\n2 0.5 0.1 1 9\n")
    with pytest.raises(WrongInput, match="several bias factors"):
        list[HillsTable](iter_hills(tmp_path / "HILLS"))


def test_gzip_in_members_and_cut_off(tmp_path: Path) -> None:
    rows = "".join(f"{k} {np.sin(k):.12f} 0.1 1 8\n" for k in range(30_000))
    first, second = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    members = gzip.compress((HEAD + first).encode()) + gzip.compress(second.encode())
    (tmp_path / "HILLS").write_bytes(members + b"\0" * 64)  # known by its bytes, not by its name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_hills(tmp_path / "HILLS")) == 30_000
    (tmp_path / "HILLS").write_bytes(members[:-2000])
    with pytest.warns(UserWarning, match="cut off"):
        assert 20_000 < len(read_hills(tmp_path / "HILLS")) < 30_000
    (tmp_path / "HILLS").write_bytes(members[:3000] + b"not deflate" + members[3011:])
    with pytest.raises(WrongInput, match="cannot be unpacked"):
        read_hills(tmp_path / "HILLS")
