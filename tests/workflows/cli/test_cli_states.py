"""``nucleoflow states`` and ``fes --path`` on files of PLUMED, and on files that do not fit."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

import fes_command
from fes_command import PES
from nucleoflow.cli.app import app
from nucleops.bias.tables import read_colvar
from nucleops.systems.extxyz import read_frames

RUN = [*fes_command.RUN, "--draws", "20"]
FRAMES = [str(PES / "pair.dump.gz"), "--topology", str(PES / "pair.extxyz")]


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("states") / "out"
    words = ["states", *FRAMES, "--time-step", "10", *RUN, "--path", "A", "0.5"]
    done = call(*words, "--distance", "r=1,2", "--structures", "3", "-o", str(folder))
    assert done.exit_code == 0, done.output
    return folder


def test_frames_are_those_of_their_rows(out: Path) -> None:
    """The two atoms' distance is what COLVAR's row at the frame's time says."""
    series = read_colvar(PES / "COLVAR.gz")
    rows = table(out / "state_series.csv")
    assert len(rows) == 1001
    times = np.array([float(row["time_ps"]) for row in rows])
    where = np.searchsorted(series["time"], times)
    np.testing.assert_allclose(series["time"][where], times)
    wanted = np.hypot(series["d.x"], series["d.y"])[where]
    np.testing.assert_allclose([float(row["r_A"]) for row in rows], wanted, atol=2e-6)
    np.testing.assert_allclose([float(row["d.x"]) for row in rows], series["d.x"][where])


def test_means_follow_from_the_table_of_frames(out: Path) -> None:
    rows = table(out / "state_series.csv")
    means = {row["state"]: row for row in table(out / "state_distances.csv")}
    assert set(means) == {"A", "B"}
    for name, told in means.items():
        own = [row for row in rows if row["basin"] == name]
        w = np.array([float(row["weight"]) for row in own])
        r = np.array([float(row["r_A"]) for row in own])
        assert float(told["mean_A"]) == pytest.approx((w * r).sum() / w.sum())
        assert int(told["frames"]) == len(own)
        assert 0.002 < float(told["error_A"]) < 0.05
    # exact: the wells of the model are at r = 1.17 and 1.13 with kT = 1
    assert float(means["A"]["share"]) == pytest.approx(1 / (1 + np.exp(-0.76)), abs=0.08)
    both = pq.read_table(out / "state_distances.parquet").to_pydict()
    assert both["state"] == ["A", "B"]


def test_structures_carry_their_variables(out: Path) -> None:
    listed = table(out / "states" / "states.csv")
    for name, at in (("A", -1.0), ("B", 0.97)):
        frames = list(read_frames(out / "states" / f"{name}.extxyz"))
        assert len(frames) == 3
        for frame, row in zip(frames, [r for r in listed if r["state"] == name], strict=True):
            assert float(frame.info["d.x"]) == pytest.approx(at, abs=0.05)
            assert frame.info["frame"] == row["frame"]
            apart = frame.positions[1] - frame.positions[0]
            assert apart[0] == pytest.approx(float(frame.info["d.x"]), abs=1e-5)
    along = [float(f.info["d.x"]) for f in read_frames(out / "states" / "path.extxyz")]
    assert along == sorted(along)
    assert along[0] == pytest.approx(-1.0, abs=0.05)
    assert along[-1] == pytest.approx(0.5, abs=0.05)


def test_the_path_is_in_table_summary_and_figure(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text())
    told = summary["path"]
    # exact: 5 + 0.4 * 1 + ... = 5.2 kT from the left well to the pass at x = -0.02
    assert told["pass"] == pytest.approx(5.2, abs=0.3)
    assert told["pass_at"]["d.x"] == pytest.approx(0.0, abs=0.15)
    assert told["orders"] == []
    rows = table(out / "path.csv")
    assert float(rows[0]["free_energy_kT"]) == 0
    assert sum(int(row["pass"]) for row in rows) == 1
    for name in ("path.svg", "path.png", "states.svg", "states.png"):
        assert (out / name).stat().st_size > 1000
    text = (out / "summary.txt").read_text()
    assert "Path from A to 0.5: pass" in text


WRONG = {
    "no time": ([], "--time-step", "says neither the time nor the MD step"),
    "another unit": (["--time-step", "10", "--time-unit", "fs"], "", "at the time of a row of"),
    "no such atom": (
        ["--time-step", "10", "--distance", "r=1,3"],
        "",
        "atoms from 1 to 2",
    ),
    "no name": (["--time-step", "10", "--distance", "1,2"], "", "allowed NAME=I,J"),
    "no pair": (["--time-step", "10", "--bridge", "1"], "", "--bridge: found '1'"),
    "no end": (["--time-step", "10", "--path", "A", "Z"], "", "--path: found 'Z', allowed a basin"),
    "two runs": ([FRAMES[0], "--time-step", "10"], "", "trajectories of 2 walkers and series of 1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_said(case: str, tmp_path: Path) -> None:
    more, advice, says = WRONG[case]
    done = call("states", *FRAMES, *RUN, *more, "-o", str(tmp_path / "out"))
    assert done.exit_code == 2
    told = " ".join(done.output.split())
    assert says in told
    assert advice in told
    assert "Traceback" not in told
    assert not (tmp_path / "out" / "summary.txt").exists()


def test_a_series_is_needed(tmp_path: Path) -> None:
    done = call("states", *FRAMES, *RUN[:2], *RUN[4:], "-o", str(tmp_path / "out"))
    assert "--colvar: found none" in done.output


def test_atoms_of_another_system_are_refused(tmp_path: Path) -> None:
    three = tmp_path / "three.extxyz"
    text = (PES / "pair.extxyz").read_text().splitlines()
    three.write_text("\n".join(["3", *text[1:], text[-1]]) + "\n")
    words = [FRAMES[0], "--topology", str(three), "--time-step", "10", *RUN]
    done = call("states", *words, "-o", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert "pair.dump.gz" in done.output


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    shutil.copy(PES / "pair.extxyz", tmp_path)
    done = call("states", *FRAMES, "--time-step", "10", *RUN, "-o", str(tmp_path))
    assert "was not written by this command" in done.output


def test_order_of_two_variables_and_hills_alone(tmp_path: Path) -> None:
    """Without rows the path has no error, and says none."""
    done = call("fes", *RUN[:2], *RUN[4:], "--path", "A", "B", "-o", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    (line,) = [one for one in done.output.splitlines() if one.startswith("Path from A to B")]
    assert "±" not in line
    assert (tmp_path / "out" / "path.svg").is_file()
