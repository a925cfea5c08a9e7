"""The smallest study, from molecules to a report with every real engine, killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from nucleops.bias.series import read_colvar, read_hills
from nucleops.learning.dataset import read_deepmd, systems_below

STUDY = Path(__file__).parents[1] / "data" / "studies" / "mini.yaml"
COMMAND = [sys.executable, "-m", "nucleoflow.cli.app"]
LIMIT_S = 600.0


def events(run: Path) -> list[dict]:
    lines = (run / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def nucleoflow(*words: str, runs: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words, "--runs", str(runs)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def killed_in_the_middle(runs: Path) -> Path:
    """Start the study and kill -9 its main process once a potential has been trained."""
    main = subprocess.Popen(
        [*COMMAND, "run", str(STUDY), "--plain", "--runs", str(runs)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        found = list(runs.glob("mini-*/events.jsonl"))
        if found and "prep-lmp" in found[0].read_text():
            break
        assert main.poll() is None, main.stderr.read() if main.stderr else ""
        time.sleep(0.5)
    os.kill(main.pid, signal.SIGKILL)
    main.wait()
    return found[0].parent


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    folder = killed_in_the_middle(runs)
    done = nucleoflow("resume", folder.name, "--plain", runs=runs)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def summary(run: Path, name: str) -> dict:
    return json.loads((run / "results" / name / "summary.json").read_text())


def test_no_finished_step_ran_twice(run: Path) -> None:
    finished = Counter(e["step"] for e in events(run) if e["event"] == "succeeded" and e["step"])
    assert len(finished) > 30
    assert {step: n for step, n in finished.items() if n > 1} == {}


def test_learning_is_accounted_for(run: Path) -> None:
    learning = summary(run, "learning")
    (row,) = learning["rounds"]
    label = "monomers, 300 K, monomer-dimer"
    (found,) = row["explorations"].values()
    assert list(row["explorations"]) == [label]
    counted = found["accurate"] + found["candidate"] + found["failed"]
    assert counted == row["n_frames_explored"]
    assert found["selected"] == row["n_selected"] > 0
    for kind in ("training", "exploration", "labelling"):
        assert row["cost"][kind]["cpu_s"] > 0
    along = learning["along"][label]
    assert along["cvs"] == ["s1", "s2"]
    assert (run / "results/learning" / along["file"]).is_file()


def test_no_step_ran_beside_itself(run: Path) -> None:
    running: set[str] = set()
    for event in events(run):
        if event["event"] == "started" and event.get("step"):
            assert event["step"] not in running
            running.add(event["step"])
        elif event["event"] in ("succeeded", "failed", "attempt-failed", "interrupted"):
            running.discard(event.get("step") or "")
        if event["event"] in ("run-started", "run-interrupted"):
            running.clear()


def test_labels_are_a_data_set_of_finite_numbers(run: Path) -> None:
    (collected,) = (run / "dflow").glob("*/iter-000000--collect-data")
    systems = systems_below([collected])
    assert systems
    assert all(read_deepmd(path).forces.shape[0] > 0 for path in systems)


def test_the_run_leaves_one_data_set_whose_address_is_everywhere(run: Path) -> None:
    told = json.loads(nucleoflow("data", "info", run.name, "--json", runs=run.parent).stdout)
    assert told["verified"]
    assert set(told["rounds"]) == {"initial", "iter-000000"}
    (level,) = told["levels"]
    assert level == "GFN1-xTB"
    account = summary(run, "learning")
    assert account["collection"] == {"address": told["address"], "n_frames": told["n_frames"]}
    assert told["address"] in (run / "results" / "report" / "report.html").read_text()
    assert told["address"] in nucleoflow("status", run.name, runs=run.parent).stdout


def test_learning_account(run: Path) -> None:
    learning = summary(run, "learning")
    (first,) = learning["rounds"]
    assert first["n_labelled"] >= 1
    assert first["accurate"] + first["candidate"] + first["failed"] == pytest.approx(1)
    assert len(learning["final"]["force_rmse_meV_A"]) == 2
    assert all(0 < rmse < 5000 for rmse in learning["final"]["force_rmse_meV_A"])


def test_status_shows_what_the_rounds_found(run: Path) -> None:
    text = nucleoflow("status", run.name, runs=run.parent).stdout
    rows = [line.split() for line in text.splitlines()]
    columns = ["round", "accurate", "candidate", "failed", "selected", "labelled", "dropped"]
    header = next(k for k, row in enumerate(rows) if row[: len(columns)] == columns)
    assert rows[header][len(columns) :] == ["training", "exploring", "labelling"]
    number, accurate, candidate, failed, selected, labelled, *_ = rows[header + 1]
    assert number == "0"
    shares = [float(share.rstrip("%")) for share in (accurate, candidate, failed)]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert int(selected) >= int(labelled) >= 1


def test_models_are_a_committee(run: Path) -> None:
    models = sorted((run / "results" / "models").rglob("*.pb"))
    assert len(models) == 2
    assert models[0].read_bytes() != models[1].read_bytes()


def test_metadynamics_left_series_and_hills(run: Path) -> None:
    (walker,) = (run / "dflow").glob("*/run-metad-monomer-dimer-0")
    md = json.loads(next(walker.rglob("md.json")).read_text())
    colvar = read_colvar(next(walker.rglob("COLVAR")))
    hills = read_hills(next(walker.rglob("HILLS")))
    assert {"s1", "s2", "metad.bias"} <= set(colvar.names)
    assert md["steps_run"] > 0
    assert len(hills.height) == pytest.approx(md["steps_run"] // 50, abs=1)
    assert "verdict" in summary(run, "metad-monomer-dimer")


def test_every_replica_is_in_the_pool(run: Path) -> None:
    pool = summary(run, "nucleate")
    assert [replica["name"] for replica in pool["replicas"]] == ["replica-000", "replica-001"]


def test_report_is_one_page_with_every_section(run: Path) -> None:
    text = (run / "results" / "report" / "report.html").read_text()
    for section in ("learning", "metad", "unbiased", "nucleate", "structures"):
        assert f'id="{section}' in text
    assert "This stage was not run" not in text
    assert 'src="http' not in text


def test_a_stage_runs_alone_from_an_earlier_run(run: Path) -> None:
    runs = run.parent
    done = nucleoflow(
        "run", str(STUDY), "--stage", "nucleate", "--from", run.name, "--plain", runs=runs
    )
    assert done.returncode == 0, done.stdout + done.stderr
    newest = max(runs.glob("mini-*"), key=lambda path: path.stat().st_mtime)
    assert newest != run
    assert summary(newest, "nucleate")["replicas"]


def test_a_stage_without_its_inputs_is_refused(run: Path) -> None:
    done = nucleoflow("run", str(STUDY), "--stage", "metad", "--plain", runs=run.parent / "other")
    assert done.returncode == 2
    assert "--from" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
