"""``nucleoflow fes`` on files that PLUMED wrote: its numbers, tables, words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fes_command import COLVAR, DATA, HILLS, PES, RUN, done, fes, table
from nucleops.bias.tables import ColvarTable, read_colvar, write_colvar


def plumed(name: str) -> np.ndarray:
    return np.loadtxt(PES / name, comments="#")


def test_sum_of_hills_is_plumeds(whole: Path) -> None:
    ours, theirs = table(whole / "fes.csv"), plumed("fes_x.dat")
    np.testing.assert_allclose(ours["d.x"], theirs[:, 0], atol=1e-9)
    known = np.isfinite(ours["free_energy_from_hills_kT"])
    # PLUMED's surface is flat where no hill reached
    assert np.all(theirs[~known, 1] == theirs[:, 1].max())
    away = (ours["free_energy_from_hills_kT"] - theirs[:, 1])[known]
    np.testing.assert_allclose(away - away[0], 0.0, atol=1e-6)


def test_surfaces_in_time_are_plumeds(whole: Path) -> None:
    ours = table(whole / "fes_in_time.csv")
    assert np.unique(ours["n_hills"]).tolist() == [500, 1000, 1500, 2000]
    for k, count in enumerate((500, 1000, 1500, 2000)):
        surface = ours["free_energy_kT"][ours["n_hills"] == count]
        theirs = plumed(f"fes_t_{k}.dat")[:, 1]
        known = np.isfinite(surface)
        away = (surface - theirs)[known]
        np.testing.assert_allclose(away - away[0], 0.0, atol=1e-6)


@pytest.mark.parametrize(
    ("cvs", "grids", "name"),
    [
        ("d.x", ["-2:2:80"], "x"),
        ("d.y", ["-2.5:2.5:100"], "y"),
        ("d.x,d.y", ["-2:2:40", "-2.5:2.5:50"], "xy"),
    ],
)
def test_reweighted_histograms_are_plumeds(
    cvs: str, grids: list[str], name: str, tmp_path: Path
) -> None:
    # PLUMED's READ does not count the first row
    first = read_colvar(COLVAR)
    write_colvar(ColvarTable({n: c[1:] for n, c in first.columns.items()}), tmp_path / "COLVAR")
    words = ["--hills", HILLS, "--colvar", str(tmp_path / "COLVAR"), "--energy-unit", "kT"]
    words += ["--cv", cvs, "--reweight", "ct", "--density", "histogram", "--draws", "20"]
    for grid in grids:
        words += ["--grid", grid]
    done(*words, "-o", str(tmp_path / "out"))
    ours = table(tmp_path / "out/fes.csv")
    theirs = plumed(f"rew_rbias_fes_{name}.dat")[:, len(grids)]
    if len(grids) == 2:
        theirs = theirs.reshape(51, 41).T.ravel()  # PLUMED's first variable runs fastest
    known = np.isfinite(theirs)
    away = (ours["free_energy_kT"] - theirs)[known]
    np.testing.assert_allclose(away - away[0], 0.0, atol=1e-8)
    assert np.mean(np.isfinite(ours["error_kT"][known & (theirs < 3)])) > 0.95


def test_the_default_is_nearer_to_the_truth_than_plumeds(whole: Path) -> None:
    exact = np.load(DATA / "pes/exact.npz")
    ours = table(whole / "fes.csv")
    truth = np.interp(ours["d.x"], exact["x"], exact["F_x"])
    low = truth < 6
    away = (ours["free_energy_kT"] - truth)[low]
    rms = np.std(away)
    assert rms < 0.09  # PLUMED: 0.116 reweighted, 0.19 by the final bias, 0.21 by sum_hills
    pulls = (away - away.mean()) / ours["error_kT"][low]
    assert np.mean(np.square(pulls)) < 2.2


def test_difference_of_the_wells_is_the_exact_one_within_its_error(whole: Path) -> None:
    summary = json.loads((whole / "summary.json").read_text())
    a, b = summary["basins"]
    assert (a["name"], b["name"]) == ("A", "B")
    assert a["minimum"][0] == pytest.approx(-1.02, abs=0.08)
    assert b["minimum"][0] == pytest.approx(0.98, abs=0.08)
    assert abs(b["population"] - 0.7596) < 3 * b["population_error"] < 0.4
    low, high = b["interval"]
    assert b["unknown"] == ""
    assert low < 0.7596 < high
    assert high - low < 0.4
    assert b["barrier"] == pytest.approx(5.2, abs=0.4)
    assert 0 < b["barrier_error"] < 0.3
    assert summary["reweighted"]["block_is_level"]
    assert summary["round_trips"] > 100


def test_summary_begins_with_the_verdict(whole: Path) -> None:
    text = (whole / "summary.txt").read_text()
    assert text.startswith("Converged by every criterion applied, after 5e+03 ps.")
    for words in ("Hills: 2000 along d.x", "visit-averaged bias force", "Basin B: lowest at d.x"):
        assert words in text
    for name in ("fes", "convergence", "fes_in_time"):
        assert (whole / f"{name}.png").stat().st_size > 10_000
        assert (whole / f"{name}.svg").read_text().count("<path") > 5
    for name in ("fes", "fes_in_time", "basins", "blocks", "hills", "difference_in_time"):
        parquet = pq.read_table(whole / f"{name}.parquet")
        assert parquet.num_rows == len(next(iter(table(whole / f"{name}.csv").values())))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "found neither --hills nor --colvar"),
        (["--hills", HILLS], "say --kT or --temperature"),
        (["--hills", HILLS, "--kT", "1", "--temperature", "300"], "one of the two"),
        (["--hills", "nowhere", "--kT", "1"], "nowhere: cannot be read"),
        (["--hills", COLVAR, "--kT", "1"], "a HILLS file has time, variables"),
        ([*RUN, "--cv", "d.z"], "has no column d.z; found: time, d.x, d.y"),
        ([*RUN, "--grid", "2:-2:10"], "whose MIN is not below its MAX"),
        ([*RUN, "--grid", "-2:2"], "allowed MIN:MAX:BINS"),
        ([*RUN, "--grid", "-2:2:9", "--grid", "-2:2:9", "--cv", "d.y"], "found 2 axes for 1"),
        ([*RUN, "--basin", "a=d.y:0:1"], "--basin a: found d.y, allowed d.x"),
        ([*RUN, "--basin", "a"], "allowed NAME=CV:LOW:HIGH"),
        ([*RUN, "--bandwidth", "1,2"], "--bandwidth: found 2 for 1 variables"),
        ([*RUN, "--period", "d.x"], "allowed CV=PERIOD"),
        ([*RUN, "--discard", "9999"], "found 0 rows after --discard 9999"),
        ([*RUN, "--hills", HILLS], "found 2 --hills and 1 --colvar"),
        (["--hills", HILLS, "--hills", HILLS, "--kT", "1"], "--walkers: found none for 2 --hills"),
        (["--colvar", COLVAR, "--kT", "1"], "without hills the variables have to be named"),
        (
            ["--colvar", COLVAR, "--kT", "1", "--cv", "d.x", "--reweight", "ct"],
            "--reweight ct: needs the hills",
        ),
        (["--hills", HILLS, "--kT", "1", "--cv", "d.y"], "a surface in them needs --colvar"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], says: str, tmp_path: Path) -> None:
    result = fes(*words, "-o", str(tmp_path / "out"))
    assert result.exit_code == 2, result.output
    assert says in " ".join(result.output.split())
    assert not (tmp_path / "out").exists()


def test_what_is_no_number_or_no_hill_is_named(tmp_path: Path) -> None:
    (tmp_path / "COLVAR").write_text("#! FIELDS time x opes.bias\n0 1 0\n1 nan 0\n2 1 0\n")
    result = fes("--colvar", str(tmp_path / "COLVAR"), "--cv", "x", "--kT", "1")
    assert "COLVAR: x: found nan at time 1" in result.output
    kernels = "#! FIELDS time x sigma_x height logweight\n#! SET biasfactor 8\n1 1 0.1 1 0\n"
    (tmp_path / "KERNELS").write_text(kernels)
    result = fes("--hills", str(tmp_path / "KERNELS"), "--kT", "1")
    assert result.exit_code == 2
    assert "is a KERNELS file of OPES" in result.output
    (tmp_path / "COLVAR").write_text("#! FIELDS time x a.bias b.bias\n" + "0 1 0 1\n" * 9)
    result = fes("--colvar", str(tmp_path / "COLVAR"), "--cv", "x", "--kT", "1")
    assert "which column is the bias? found: a.bias, b.bias; say it with --bias" in result.output


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = fes(*RUN, "-o", str(tmp_path))
    assert result.exit_code == 2
    assert "was not written by this command" in result.output
