"""Commands as a user types them; those that run workflows are tested in integration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nucleoflow.cli.app import app
from nucleoflow.runs.folder import RunFolder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUCLEOFLOW_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "runs"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def make_run(root: Path) -> RunFolder:
    run = RunFolder(root / "demo-20260101-000000")
    step = run.steps / "md-0"
    step.mkdir(parents=True)
    run.write("run", {"study": "demo", "created": 1.0, "limits": {"cores": 2, "gpus": 0}})
    run.write("result", {"state": "failed", "exit_code": 1, "ended": 61.0})
    for name, text in (("type", "Pod"), ("name", "md"), ("phase", "Failed"),
                       ("live.log", "hello log\n")):  # fmt: skip
        (step / name).write_text(text)
    lines = [
        {"time": 1.0, "event": "run-started"},
        {"time": 2.0, "event": "started", "step": "md-0", "name": "md", "attempt": 1, "cores": 1},
        {"time": 9.0, "event": "failed", "step": "md-0", "name": "md", "kind": "atoms lost",
         "message": "all of them"},
    ]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run.path / "events.jsonl").write_text(text)
    return run


def test_shipped_studies_are_listed_shown_and_valid(root: Path, tmp_path: Path) -> None:
    assert "quickstart" in call("studies").output
    path = tmp_path / "mine.yaml"
    path.write_text(call("studies", "--show", "quickstart").output)
    result = call("validate", str(path))
    assert result.exit_code == 0
    assert "valid" in result.output


def test_mistakes_in_a_study_are_messages(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(call("studies", "--show", "quickstart").output + "\nnonsense: 1\n")
    result = call("validate", str(path))
    assert result.exit_code == 2
    assert "nonsense" in result.output
    assert "Traceback" not in result.output
    assert call("run", "no-such-study").exit_code == 2
    assert not root.exists()


def test_wrong_stage_and_name_are_refused_before_anything_runs(root: Path) -> None:
    result = call("run", "quickstart", "--stage", "metd")
    assert result.exit_code == 2
    assert "did you mean 'metad'?" in result.output
    assert call("run", "quickstart", "--name", "Not Good").exit_code == 2
    assert call("run", "quickstart", "--gpus", "99").exit_code == 2
    assert not root.exists()


def test_schema_is_json(root: Path, tmp_path: Path) -> None:
    assert json.loads(call("schema").output)["type"] == "object"
    target = tmp_path / "schema.json"
    assert call("schema", "-o", str(target)).exit_code == 0
    assert json.loads(target.read_text())["type"] == "object"


def test_no_runs(root: Path) -> None:
    assert "no runs" in call("list").output
    result = call("status")
    assert result.exit_code == 2
    assert "nucleoflow run" in result.output


def test_run_table_status_and_logs(root: Path) -> None:
    run = make_run(root)
    listed = call("list").output
    assert run.id in listed
    assert "failed" in listed
    shown = call("status", "demo").output
    assert "[atoms lost] all of them" in shown
    assert f"nucleoflow resume {run.id}" in shown
    assert call("logs", "latest", "md").output == "hello log\n"
    missing = call("logs", "latest", "nothing")
    assert missing.exit_code == 2
    assert "md-0" in missing.output
    assert "is not running" in call("stop", "latest").output


def test_report_is_found(root: Path) -> None:
    run = make_run(root)
    assert call("report").exit_code == 1
    (run.results / "report").mkdir(parents=True)
    (run.results / "report" / "report.html").write_text("")
    assert call("report").output.strip().endswith("report.html")


def test_succeeded_run_cannot_be_resumed(root: Path) -> None:
    run = make_run(root)
    run.write("result", {"state": "succeeded", "exit_code": 0})
    result = call("resume")
    assert result.exit_code == 2
    assert "nothing to resume" in result.output
