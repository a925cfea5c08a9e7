"""``nucleoflow fes`` on files that PLUMED and Colvars wrote: its numbers, tables, words."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from nucleoflow.cli.app import app
from nucleops.bias.hills import HillsTable, merge_hills, read_hills, write_hills
from nucleops.bias.tables import ColvarTable, read_colvar, write_colvar

DATA = Path(__file__).parents[2] / "data"
PES = DATA / "pes" / "wt1d"
HILLS, COLVAR = str(PES / "HILLS.gz"), str(PES / "COLVAR.gz")
RUN = ["--hills", HILLS, "--colvar", COLVAR, "--energy-unit", "kT"]


def fes(*words: str) -> Result:
    return CliRunner().invoke(app, ["fes", *words])


def done(*words: str) -> Result:
    result = fes(*words)
    assert result.exit_code == 0, result.output
    return result


def table(path: Path) -> dict[str, np.ndarray]:
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    made = {}
    for name in rows[0]:
        column = [row[name] or "nan" for row in rows]
        try:
            made[name] = np.array(column, dtype=float)
        except ValueError:
            made[name] = np.array(column)
    return made


def plumed(name: str) -> np.ndarray:
    return np.loadtxt(PES / name, comments="#")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fes") / "out"
    done(*RUN, "--grid", "-2:2:200", "--stride", "500", "--draws", "40", "-o", str(folder))
    return folder


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


def test_a_short_run_says_so_first(tmp_path: Path) -> None:
    colvar, hills = read_colvar(COLVAR), read_hills(HILLS)
    keep = hills.time_fs < 13.2
    cut = HillsTable(
        hills.cvs, hills.time_fs[keep], hills.centres[keep], hills.sigmas[keep],
        hills.height[keep], hills.bias_factor, hills.kernel,
    )  # fmt: skip
    write_hills(cut, tmp_path / "HILLS")
    rows = colvar["time"] < 13.2
    write_colvar({n: c[rows] for n, c in colvar.columns.items()}, tmp_path / "COLVAR")
    boxes = ["--basin", "left=d.x:-1.5:-0.5", "--basin", "right=d.x:0.5:1.5"]
    words = ["--hills", str(tmp_path / "HILLS"), "--colvar", str(tmp_path / "COLVAR")]
    result = done(*words, "--kT", "1", *boxes, "-o", str(tmp_path / "out"))
    first = result.output.splitlines()[0]
    assert first.startswith("Not converged after 13 ps: basin right was never visited")
    assert "F(right) - F(left) is not known" in result.output


def test_a_run_that_crossed_twice_states_no_interval(tmp_path: Path) -> None:
    colvar = read_colvar(COLVAR)
    hills = read_hills(HILLS)
    x, t = colvar["d.x"], colvar["time"]
    core = np.where(x < -0.7, 0, np.where(x > 0.7, 1, -1))
    inside = np.flatnonzero(core >= 0)
    crossed = inside[1:][np.diff(core[inside]) != 0]
    end = t[crossed[2]] + 5
    keep = hills.time_fs < end
    cut = HillsTable(
        hills.cvs, hills.time_fs[keep], hills.centres[keep], hills.sigmas[keep],
        hills.height[keep], hills.bias_factor, hills.kernel,
    )  # fmt: skip
    write_hills(cut, tmp_path / "HILLS")
    write_colvar({n: c[t < end] for n, c in colvar.columns.items()}, tmp_path / "COLVAR")
    words = ["--hills", str(tmp_path / "HILLS"), "--colvar", str(tmp_path / "COLVAR")]
    words += ["--basin", "left=d.x:-2:-0.3", "--basin", "right=d.x:0.3:2", "--draws", "20"]
    result = done(*words, "--energy-unit", "kT", "-o", str(tmp_path / "out"))
    assert result.output.startswith("Not converged after")
    assert re.search(r"F\(right\) - F\(left\) is about \S+ kT, not converged: ", result.output)
    right = json.loads((tmp_path / "out/summary.json").read_text())["basins"][1]
    assert right["interval"] == [None, None]
    assert right["unknown"]


def test_hills_alone_are_summed_but_not_believed(tmp_path: Path) -> None:
    result = done("--hills", HILLS, "--kT", "1", "-o", str(tmp_path / "out"))
    assert result.output.startswith("Hills alone carry no statistical error")
    ours = table(tmp_path / "out/fes.csv")
    assert np.nanmin(ours["free_energy_from_hills_kJ_mol"]) == 0.0
    assert not (tmp_path / "out/blocks.csv").exists()


def two_walkers(folder: Path) -> list[str]:
    """Two copies of the run, the second mirrored a little in its noise, as two walkers."""
    colvar, hills = read_colvar(COLVAR), read_hills(HILLS)
    words = []
    for k in range(2):
        part = folder / f"w{k}"
        part.mkdir()
        keep = slice(k, None, 2)
        own = HillsTable(
            hills.cvs, hills.time_fs[keep], hills.centres[keep], hills.sigmas[keep],
            hills.height[keep], hills.bias_factor, hills.kernel,
        )  # fmt: skip
        write_hills(own, part / "HILLS")
        write_colvar({n: c[keep] for n, c in colvar.columns.items()}, part / "COLVAR")
        words += ["--hills", str(part / "HILLS"), "--colvar", str(part / "COLVAR")]
    return words


def test_shared_hills_in_two_files_are_the_hills_in_one(tmp_path: Path, whole: Path) -> None:
    words = two_walkers(tmp_path)
    assert len(merge_hills([read_hills(p) for p in words[1::4]])) == 2000
    words += ["--walkers", "shared", "--energy-unit", "kT", "--grid", "-2:2:200", "--draws", "20"]
    done(*words, "-o", str(tmp_path / "out"))
    shared, one = table(tmp_path / "out/fes.csv"), table(whole / "fes.csv")
    name = "free_energy_from_hills_kT"
    np.testing.assert_allclose(shared[name], one[name], atol=1e-6)
    known = np.isfinite(one["free_energy_kT"]) & (one["free_energy_kT"] < 6)
    away = (shared["free_energy_kT"] - one["free_energy_kT"])[known]
    assert np.std(away) < 0.02  # the same rows under the same bias


def test_a_walker_given_twice_is_the_same_surface(tmp_path: Path, whole: Path) -> None:
    words = ["--hills", HILLS, "--colvar", COLVAR] * 2 + ["--walkers", "independent"]
    words += ["--energy-unit", "kT", "--grid", "-2:2:200", "--draws", "20", "--by-walker"]
    result = done(*words, "-o", str(tmp_path / "out"))
    assert "after 1e+04 ps" in result.output.splitlines()[0]
    assert "bootstrap over 2 walkers" in result.output
    twice, one = table(tmp_path / "out/fes.csv"), table(whole / "fes.csv")
    name = "free_energy_from_hills_kT"
    np.testing.assert_allclose(twice[name], one[name], atol=1e-9)
    known = np.isfinite(twice["free_energy_kT"]) & (one["free_energy_kT"] < 6)
    # the kernel is narrower for twice the rows
    np.testing.assert_allclose(
        twice["free_energy_kT"][known], one["free_energy_kT"][known], atol=0.15
    )
    # two equal walkers never differ: what is left is how rugged their last hills are
    assert np.ptp(twice["error_kT"][known]) < 1e-9
    assert 0.01 < twice["error_kT"][known][0] < 0.05


def test_segments_joined_by_commas_are_one_run(tmp_path: Path, whole: Path) -> None:
    colvar, hills = read_colvar(COLVAR), read_hills(HILLS)
    for name, keep, rows in (
        ("a", hills.time_fs < 3000, colvar["time"] < 3000),
        ("b", hills.time_fs > 2000, colvar["time"] > 2000),  # a restart that went back
    ):
        part = HillsTable(
            hills.cvs, hills.time_fs[keep], hills.centres[keep], hills.sigmas[keep],
            hills.height[keep], hills.bias_factor, hills.kernel,
        )  # fmt: skip
        write_hills(part, tmp_path / f"H{name}")
        write_colvar({n: c[rows] for n, c in colvar.columns.items()}, tmp_path / f"C{name}")
    words = ["--hills", f"{tmp_path}/Ha,{tmp_path}/Hb", "--colvar", f"{tmp_path}/Ca,{tmp_path}/Cb"]
    words += ["--energy-unit", "kT", "--grid", "-2:2:200", "--draws", "20"]
    done(*words, "-o", str(tmp_path / "out"))
    split, one = table(tmp_path / "out/fes.csv"), table(whole / "fes.csv")
    for name in ("free_energy_from_hills_kT", "free_energy_kT"):
        np.testing.assert_allclose(split[name], one[name], atol=1e-6)


def test_colvars_files_give_the_same(tmp_path: Path) -> None:
    colvar, hills = read_colvar(COLVAR), read_hills(HILLS)
    lines = [
        f" {t:.0f}  {c:.14e}  {s:.14e}  {h:.14e}\n"
        for t, c, s, h in zip(
            hills.time_fs * 2, hills.centres[:, 0], hills.sigmas[:, 0], hills.added, strict=True
        )
    ]
    (tmp_path / "out.colvars.m.hills.traj").write_text("".join(lines))
    rows = []
    for k, (t, x, y) in enumerate(zip(colvar["time"], colvar["d.x"], colvar["d.y"], strict=True)):
        if k % 1000 == 0:
            rows.append("# step         x               y\n")
        rows.append(f" {2 * t:.0f}  {x:.14e} {y:.14e}\n")
    (tmp_path / "out.colvars.traj").write_text("".join(rows))
    words = ["--hills", str(tmp_path / "out.colvars.m.hills.traj"), "--cv", "x"]
    words += ["--colvar", str(tmp_path / "out.colvars.traj"), "--bias-factor", "8"]
    words += ["--kT", "1", "--draws", "20", "--grid", "-2:2:80"]
    done(*words, "-o", str(tmp_path / "out"))
    exact = np.load(DATA / "pes/exact.npz")
    ours = table(tmp_path / "out/fes.csv")
    truth = np.interp(ours["x"], exact["x"], exact["F_x"])
    low = truth < 6
    assert np.std((ours["free_energy_kJ_mol"] - truth)[low]) < 0.13
    without = fes(*words[:2], "--kT", "1", "-o", str(tmp_path / "other"))
    assert without.exit_code == 2
    assert "holds hills of 1 variables, whose names it does not tell" in without.output


def test_opes_is_weighted_by_its_bias(tmp_path: Path) -> None:
    colvar = read_colvar(DATA / "pes/unbiased/COLVAR.gz")
    x = colvar["d.x"]
    # an unbiased run that counts rows by halves: the bias of OPES in COLVAR, undone by its weight
    bias = np.where(x > 0, np.log(2.0), 0.0)
    columns = {"time": colvar["time"], "x": x, "opes.bias": bias, "opes.zed": bias * 0 + 1}
    columns["uwall.bias"] = -bias
    write_colvar(columns, tmp_path / "COLVAR")
    words = ["--colvar", str(tmp_path / "COLVAR"), "--cv", "x", "--kT", "1", "--draws", "20"]
    boxes = ["--basin", "l=x:-2:0", "--basin", "r=x:0.000001:2"]
    done(*words, *boxes, "-o", str(tmp_path / "a"))
    done(*words, *boxes, "--extra-bias", "uwall.bias", "-o", str(tmp_path / "b"))
    with_bias, without = (
        json.loads((tmp_path / name / "summary.json").read_text())["basins"][1]["population"]
        for name in "ab"
    )
    assert without - with_bias == pytest.approx(np.log(2.0), abs=0.02)


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
