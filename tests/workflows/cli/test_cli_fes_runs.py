"""``nucleoflow fes`` on runs cut short, on walkers, segments, and files of Colvars and OPES."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from fes_command import COLVAR, DATA, HILLS, done, fes, part_of_run, table
from nucleops.bias.hills import merge_hills, read_hills
from nucleops.bias.tables import read_colvar, write_colvar


def test_a_short_run_says_so_first(tmp_path: Path) -> None:
    early = read_hills(HILLS).time_fs < 13.2, read_colvar(COLVAR)["time"] < 13.2
    words = part_of_run(tmp_path, *early)
    boxes = ["--basin", "left=d.x:-1.5:-0.5", "--basin", "right=d.x:0.5:1.5"]
    result = done(*words, "--kT", "1", *boxes, "-o", str(tmp_path / "out"))
    first = result.output.splitlines()[0]
    assert first.startswith("Not converged after 13 ps: basin right was never visited")
    assert "F(right) - F(left) is not known" in result.output


def test_a_run_that_crossed_twice_states_no_interval(tmp_path: Path) -> None:
    colvar = read_colvar(COLVAR)
    x, t = colvar["d.x"], colvar["time"]
    core = np.where(x < -0.7, 0, np.where(x > 0.7, 1, -1))
    inside = np.flatnonzero(core >= 0)
    crossed = inside[1:][np.diff(core[inside]) != 0]
    end = t[crossed[2]] + 5
    words = part_of_run(tmp_path, read_hills(HILLS).time_fs < end, t < end)
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


def test_shared_hills_in_two_files_are_the_hills_in_one(tmp_path: Path, whole: Path) -> None:
    words = []
    for k in range(2):
        every_second = slice(k, None, 2)
        words += part_of_run(tmp_path / f"w{k}", every_second, every_second)
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
    hills_fs, rows = read_hills(HILLS).time_fs, read_colvar(COLVAR)["time"]
    part_of_run(tmp_path / "a", hills_fs < 3000, rows < 3000)
    part_of_run(tmp_path / "b", hills_fs > 2000, rows > 2000)  # a restart that went back
    a, b = tmp_path / "a", tmp_path / "b"
    words = ["--hills", f"{a}/HILLS,{b}/HILLS", "--colvar", f"{a}/COLVAR,{b}/COLVAR"]
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
