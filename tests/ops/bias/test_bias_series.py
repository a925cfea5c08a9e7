"""COLVAR and HILLS as runs leave them: segments, restarts, crashes, old and new names."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from nucleops.bias.series import (
    ColvarTable,
    HillsTable,
    hills_bias,
    read_colvar,
    read_hills,
    write_colvar,
    write_hills,
)
from nucleops.errors import TruncatedOutput, WrongInput

HEAD = "#! FIELDS time s1 metad.bias\n#! SET min_s1 -pi\n"


def test_round_trip(tmp_path: Path) -> None:
    columns = {"time": np.arange(5) * 50.0, "s1": np.linspace(0, 1, 5) ** 3 / 7}
    for name in ("COLVAR", "COLVAR.gz"):
        path = write_colvar(ColvarTable(columns, {"min_s1": "-pi"}), tmp_path / name)
        back = read_colvar(path)
        assert back.names == ("time", "s1")
        assert back.constants == {"min_s1": "-pi"}
        np.testing.assert_allclose(back["s1"], columns["s1"], rtol=1e-11)


def test_restart_repeats_times_and_the_later_row_wins(tmp_path: Path) -> None:
    path = tmp_path / "COLVAR"
    path.write_text(HEAD + "0 1 0\n50 2 0\n100 3 0\n150 4 0\n" + HEAD + "100 30 0\n150 40 0\n")
    table = read_colvar(path)
    np.testing.assert_array_equal(table.time_fs, [0, 50, 100, 150])
    np.testing.assert_array_equal(table["s1"], [1, 2, 30, 40])


def test_rows_past_the_checkpoint_are_dropped_even_if_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(HEAD + "0 1 0\n50 2 0\n100 3 0\n150 4 0\n")
    (tmp_path / "b").write_text(HEAD + "75 5 0\n125 6 0\n")
    table = read_colvar([tmp_path / "a", tmp_path / "b"])
    np.testing.assert_array_equal(table.time_fs, [0, 50, 75, 125])


def test_walkers_are_not_segments(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(HEAD + "0 1 0\n50 2 0\n")
    with pytest.raises(WrongInput, match="walkers"):
        read_colvar([tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize("tail", ["100 3", "100 3 0.12", "1"])
def test_torn_last_line_is_dropped_with_a_warning(tail: str, tmp_path: Path) -> None:
    path = tmp_path / "COLVAR"
    path.write_text(HEAD + "0 1 0\n50 2 0\n" + tail)
    with pytest.warns(UserWarning, match="line 5.*cut off"):
        table = read_colvar(path)
    np.testing.assert_array_equal(table.time_fs, [0, 50])


def test_truncated_gzip_keeps_its_complete_lines(tmp_path: Path) -> None:
    rows = "".join(f"{50 * k} {np.sin(k):.10f} 0\n" for k in range(2000))
    data = gzip.compress((HEAD + rows).encode())
    (tmp_path / "COLVAR.gz").write_bytes(data[: len(data) // 2])
    with pytest.warns(UserWarning, match="cut off"):
        table = read_colvar(tmp_path / "COLVAR.gz")
    assert 100 < len(table) < 2000


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (HEAD + "0 1 0\n50 2\n100 3 0\n", TruncatedOutput, "line 4: found 2 columns, allowed 3"),
        (HEAD + "0 1 0\n50 x 0\n100 3 0\n", TruncatedOutput, "line 4"),
        ("0 1 0\n", WrongInput, "line 1: found a row before"),
        ("# nothing\n", WrongInput, "no `#! FIELDS`"),
        (HEAD + "0 1 0\n#! FIELDS time s2\n1 2\n", WrongInput, "line 4.*missing: metad.bias, s1"),
    ],
)
def test_errors_name_file_and_line(
    text: str, error: type[Exception], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "COLVAR"
    path.write_text(text)
    with pytest.raises(error, match=f"COLVAR.*{says}"):
        read_colvar(path)


def test_missing_file_and_missing_column(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="nowhere"):
        read_colvar(tmp_path / "nowhere")
    (tmp_path / "COLVAR").write_text("#! FIELDS time cn_CH3_lowest\n0 1\n")
    table = read_colvar(tmp_path / "COLVAR")
    assert table["cn_CH3.lowest"][0] == 1.0
    assert "cn_CH3.lowest" in table
    with pytest.raises(WrongInput, match="no column 'cm'; allowed: time, cn_CH3_lowest"):
        table["cm"]


def test_real_hills(data_folder: Path) -> None:
    hills = read_hills(data_folder.parent / "pes" / "wt1d" / "HILLS.gz")
    assert hills.cvs == ("d.x",)
    assert hills.kernel == "stretched-gaussian"
    assert hills.bias_factor == 8.0
    assert len(hills) == 2000
    assert hills.added[0] == pytest.approx(0.3, abs=1e-7)


@pytest.mark.parametrize("kernel", ["gaussian", "stretched-gaussian"])
def test_hills_round_trip(kernel: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    hills = HillsTable(
        cvs=("phi", "cn"),
        time_fs=np.arange(1, 7) * 50.0,
        centres=rng.uniform(-3, 3, (6, 2)),
        sigmas=np.full((6, 2), 0.2),
        height=rng.uniform(1, 3, 6),
        bias_factor=15.0,
        kernel=kernel,  # type: ignore[arg-type]
        constants={"min_phi": "-pi", "max_phi": "pi"},
    )
    back = read_hills(write_hills(hills, tmp_path / "HILLS"))
    assert back.cvs == hills.cvs
    assert back.kernel == kernel
    assert back.periods == (pytest.approx(2 * np.pi), None)
    np.testing.assert_allclose(back.centres, hills.centres, rtol=1e-11)
    np.testing.assert_allclose(back.added, hills.height * 14 / 15, rtol=1e-11)
    turned = hills.centres + np.array([2 * np.pi, 0.0])
    np.testing.assert_allclose(
        hills_bias(back, turned), hills_bias(hills, hills.centres), rtol=1e-9
    )


def test_no_hills_yet(tmp_path: Path) -> None:
    path = tmp_path / "HILLS"
    path.write_text("#! FIELDS time s1 sigma_s1 height biasf\n")
    hills = read_hills(path)
    assert len(hills) == 0
    np.testing.assert_array_equal(hills_bias(hills, np.array([[1.0], [2.0]])), [0.0, 0.0])


def test_what_is_not_a_hills_file(tmp_path: Path) -> None:
    path = tmp_path / "HILLS"
    path.write_text(HEAD + "0 1 0\n")
    with pytest.raises(WrongInput, match="a HILLS file has"):
        read_hills(path)
    path.write_text("#! FIELDS time a sigma_a height biasf\n#! SET multivariate true\n1 1 1 1 5\n")
    with pytest.raises(WrongInput, match="multivariate"):
        read_hills(path)
