"""``nucleoflow data``: look at, export and merge data of runs and of others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import ase.io
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from nucleoflow.cli.app import app
from nucleops.learning.collection.files import write_collection
from nucleops.learning.collection.merging import unite
from nucleops.learning.dataset import write_deepmd
from nucleops.learning.frames import LabelledFrames
from nucleops.learning.provenance import INITIAL, Provenance

TYPE_MAP = ["Ag", "S", "N", "C", "H", "O"]


def nucleoflow(*words: object) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, words)])


def made_up(n: int, symbols: str, round_name: str, seed: int) -> LabelledFrames:
    rng = np.random.default_rng(seed)
    shape = (n, len(symbols), 3)
    frames = LabelledFrames(
        tuple(symbols), rng.uniform(0, 9, shape), np.full((n, 3), 9.0),
        rng.normal(-300, 1, n), rng.normal(0, 1, shape), True,
    )  # fmt: skip
    entries = [
        Provenance("", round_name, f"run-{seed}", k, "GFN1-xTB", "CP2K 2023.1") for k in range(n)
    ]
    return frames.known_as(entries)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run that has learned."""
    folder = tmp_path / "runs" / "small-20260101-000000"
    (folder / "results").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    parts = [made_up(3, "COH", INITIAL, 1), made_up(2, "COH", "iter-000000", 2)]
    collection = unite([*parts, made_up(2, "HHO", INITIAL, 3)], TYPE_MAP)
    write_collection(collection, folder / "results" / "data")
    return folder


def test_info_of_a_run_and_of_a_folder(run: Path) -> None:
    for words in ((run.name, "--runs", run.parent), (run,), (run / "results" / "data",)):
        shown = nucleoflow("info", *words)
        assert shown.exit_code == 0, shown.output
        assert "verified: every file" in shown.output
        assert "C1H1O1" in shown.output
        assert "initial 3, iter-000000 2" in shown.output
    told = json.loads(nucleoflow("info", run, "--json").output)
    assert (told["n_frames"], told["verified"]) == (7, True)
    assert told["address"] in shown.output
    assert [s["name"] for s in told["systems"]] == ["C1H1O1", "H2O1"]


def test_export_of_a_part(run: Path, tmp_path: Path) -> None:
    done = nucleoflow(
        "export", run, "-o", tmp_path / "out", "--format", "extxyz", "--round", "iter-000000"
    )
    assert done.exit_code == 0, done.output
    (path,) = (tmp_path / "out").iterdir()
    assert len(ase.io.read(path, ":")) == 2
    for fmt in ("deepmd", "deepmd-mixed"):
        done = nucleoflow("export", run, "-o", tmp_path / fmt, "--format", fmt)
        assert done.exit_code == 0, done.output
        told = json.loads(nucleoflow("info", tmp_path / fmt, "--json").output)
        assert told["address"] in done.output
        assert told["verified"] is (fmt == "deepmd")
    nothing = nucleoflow(
        "export", run, "-o", tmp_path / "no", "--round", "iter-000000", "--system", "H2O1"
    )
    assert nothing.exit_code == 2
    assert "no frame is of these rounds" in nothing.output


def test_merge_says_which_frames_stay_and_is_of_a_stated_level(run: Path, tmp_path: Path) -> None:
    theirs = replace(made_up(3, "COH", INITIAL, 1), provenance=None)
    write_deepmd(theirs, TYPE_MAP, tmp_path / "theirs" / "a")
    more = replace(made_up(4, "OO", INITIAL, 9), provenance=None)
    write_deepmd(more, ["O"], tmp_path / "theirs" / "b")
    words = ("merge", run, tmp_path / "theirs", "-o", tmp_path / "both")
    refused = nucleoflow(*words)
    assert refused.exit_code == 2
    assert "GFN1-xTB (7 frames), unknown (7 frames)" in refused.output
    assert "--mixed-levels" in refused.output
    assert not (tmp_path / "both").exists()
    done = nucleoflow(*words, "--level", "GFN1-xTB", "--program", "CP2K 2024.3")
    assert done.exit_code == 0, done.output
    assert done.output.count("is the same configuration") == 3
    assert "left out frame" in done.output
    assert "(theirs/a, foreign)" in done.output
    assert "11 frames in" in done.output
    told = json.loads(nucleoflow("info", tmp_path / "both", "--json").output)
    assert told["programs"] == {"CP2K 2023.1": 7, "CP2K 2024.3": 4}
    other = nucleoflow(*words[:-1], tmp_path / "mixed", "--level", "other", "--mixed-levels")
    assert other.exit_code == 0, other.output
    assert "14 frames in" in other.output


def test_what_is_wrong_is_said_without_a_traceback(run: Path, tmp_path: Path) -> None:
    path = run / "results" / "data" / "H2O1" / "set.000" / "coord.npy"
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    path.write_bytes(bytes(content))
    for words in (("info", run), ("export", run, "-o", tmp_path / "o")):
        damaged = nucleoflow(*words)
        assert damaged.exit_code == 2
        assert "coord.npy is not the file that was written" in damaged.output
        assert "Traceback" not in damaged.output
    empty = tmp_path / "empty-20260101-000000"
    empty.mkdir()
    (empty / "run.json").write_text("{}")
    assert "once stage learn has ended" in nucleoflow("info", empty).output
    unknown = nucleoflow("info", "nowhere", "--runs", tmp_path)
    assert unknown.exit_code == 2
    assert "there is no folder 'nowhere', nor a run" in unknown.output
    taken = nucleoflow("merge", tmp_path, "-o", run)
    assert "is there already" in taken.output
